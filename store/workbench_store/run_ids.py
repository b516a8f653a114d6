"""Which run a folder is of: names are used again, ids are not. (Python 3.8: the in-job client uses it.)"""

from __future__ import annotations

import json
from pathlib import Path

from workbench_store.errors import WorkspaceError
from workbench_store.layout import RunLayout


def id_of(folder: Path) -> str:
    """The id of the run whose folder it is; empty where nobody can tell: the file that says it may have been edited, or
    may be about to be."""
    try:
        found = json.loads(RunLayout(folder).identity.read_text()).get("id")
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def is_anothers(folder: Path, id: str) -> bool:
    """Whether the folder is that of another run by now, as there may be one where a workspace was before it moved."""
    now = id_of(folder)
    return bool(id) and bool(now) and now != id


def refuse_anothers(folder: Path, id: str) -> None:
    """Raises WorkspaceError where the folder is that of another run by now."""
    if is_anothers(folder, id):
        raise WorkspaceError(
            "{} is another run by now: the one that this process belongs to was removed".format(folder),
            remedy="End this process; what it made can be logged into a run of its own.",
        )
