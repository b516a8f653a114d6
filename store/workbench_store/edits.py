"""What users have named and said in a workspace, read from its journals and appended to them. No database is needed."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbench_store.journal.ahead import last_recorded, latest_ahead
from workbench_store.journal.decoding import Event, decode
from workbench_store.journal.packed import journals_in
from workbench_store.journal.writer import JournalWriter, tell_nobody
from workbench_store.layout import WorkspaceLayout

_OF_RUNS = ("tags", "note", "archived", "purged", "state")


def read_edits(layout: WorkspaceLayout, *names: str) -> list[Event]:
    """The events of these names in the workspace's journals, by time. Raises OSError for what cannot be read."""
    found = []
    for path in sorted(layout.journals / name for name, _ in journals_in(layout.journals)):
        latest = 0.0
        for record in _records(path):
            latest = max(latest, record.time)  # within one journal its order counts, as everywhere (fold.in_order)
            if record.name in names:
                found.append(record._replace(time=latest))
    return sorted(found, key=lambda event: event.time)


def _records(path: Path) -> list[Event]:
    return [record for record, _ in decode(path.read_bytes()) if isinstance(record, Event)]


def append_edits(layout: WorkspaceLayout, name: str, edits: Iterable[Mapping[str, Any]]) -> None:
    """Append an event for each edit, all in one file, and bring them to the disk; no edits make no file.

    Raises WorkspaceError when the disk did not take them.
    """
    fields = list(edits)
    if not fields:
        return
    layout.journals.mkdir(parents=True, exist_ok=True)
    writer = JournalWriter(layout.journals, "user", tell=tell_nobody, after=_after(layout, name, fields))
    try:
        for edit in fields:
            writer.event(name, **edit)
    except Exception:
        writer.close()
        raise
    writer.finish()
    with suppress(OSError):  # for whoever comes next; the file system's clock may be another, or set back meanwhile
        os.utime(writer.path, (writer.latest, writer.latest))


def _after(layout: WorkspaceLayout, name: str, edits: Sequence[Mapping[str, Any]]) -> float:
    """What these edits come after, though the clock was set back since: earlier ones of the same runs and what those
    recorded themselves, or earlier ones of the same kind."""
    if name not in _OF_RUNS:
        kind = name.partition("-")[0]
        return latest_ahead(layout.journals, lambda event: event.name.partition("-")[0] == kind)
    runs = {str(edit["run"]) for edit in edits}
    edited = latest_ahead(layout.journals, lambda event: event.fields.get("run") in runs)
    return max([edited, *(last_recorded(layout.run(run).journals) for run in runs)])
