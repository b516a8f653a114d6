"""Which snapshots runs name, by their plans."""

import json
from collections.abc import Iterable
from pathlib import Path

from workbench_store.layout import RunLayout, WorkspaceLayout


def named_snapshots(layout: WorkspaceLayout, folders: Iterable[Path]) -> dict[str, str]:
    """The ids that the plans in these folders of runs name, each with the name of a run that does."""
    found: dict[str, str] = {}
    for folder in folders:
        id = _named(folder) or _named(layout.trashed(folder.name).root)  # it may have been removed just now
        if id is not None:
            found.setdefault(id, folder.name)
    return found


def _named(folder: Path) -> str | None:
    try:
        id = json.loads(RunLayout(folder).plan.read_text(encoding="utf-8")).get("snapshot")
    except (OSError, ValueError, AttributeError):
        return None  # a script's run, which has none
    return id if isinstance(id, str) else None
