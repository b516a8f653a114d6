"""What users have named and said in a workspace, read from its journals and appended to them. No database is needed."""

from pathlib import Path
from typing import Any, Iterable, Mapping

from workbench_store.journal.decoding import Event, decode
from workbench_store.journal.writer import JournalWriter, tell_nobody
from workbench_store.layout import WorkspaceLayout


def read_edits(layout: WorkspaceLayout, *names: str) -> list[Event]:
    """The events of these names in the workspace's journals, by time. Raises OSError for what cannot be read."""
    found = []
    for path in sorted(layout.journals.glob("*.wbj")):
        found += [record for record in _records(path) if record.name in names]
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
    writer = JournalWriter(layout.journals, "user", tell=tell_nobody)
    try:
        for edit in fields:
            writer.event(name, **edit)
    except Exception:
        writer.close()
        raise
    writer.finish()
