"""A run's state and stages, read straight from its journals: what is needed where the store must not be
loaded.

Journals of a job's own processes are left out, since they hold points by the million and no state.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench_store.journal.decoding import Event, decode
from workbench_store.journal.packed import journal_size, journals_in, read_journal
from workbench_store.layout import RunLayout
from workbench_store.state_changes import StateChange, fold_states
from workbench_store.states import RunState

from workbench.client.past import ONLOOKERS

if TYPE_CHECKING:
    from workbench_store.records import Unread

#: A script's own journal holds points and states: only its beginning and its end are read, where the states are.
_HEAD_BYTES = 64 * 1024
_TAIL_BYTES = 256 * 1024
_POINTS_WRITERS = ("client", "system")
_MIXED_WRITERS = ("script",)
#: Errors that do not pass by themselves; not those of a file that is put in the place of another just now.
_LASTING = (errno.EACCES, errno.EPERM, errno.EIO)


class JournalTail:
    """Reads what is new in a run's journals at each call; damage is passed over."""

    def __init__(self, files: RunLayout) -> None:
        self._folder = files.journals
        self._offsets: dict[Path, int] = {}

    def new_events(self) -> list[Event]:
        """Events that were appended since the last call, by time."""
        found: list[Event] = []
        for path in journal_files(self._folder):
            found.extend(self._new_of(path))
        return sorted(found, key=lambda event: event.time)

    def _new_of(self, path: Path) -> Iterator[Event]:
        offset = self._offsets.get(path)
        try:
            size = journal_size(path)
            if offset is None:
                offset = 0
                if _is(path, _MIXED_WRITERS) and size > _HEAD_BYTES + _TAIL_BYTES:
                    yield from _events(read_journal(path, 0, _HEAD_BYTES))
                    offset = size - _TAIL_BYTES
            data = read_journal(path, offset, size - offset)
        except OSError:
            return
        done = 0
        for record, done in decode(data):  # noqa: B007 (where the last whole record ended is needed below)
            if isinstance(record, Event):
                yield record
        self._offsets[path] = offset + done


def _events(data: bytes) -> list[Event]:
    return [record for record, _ in decode(data) if isinstance(record, Event)]


def journal_files(folder: Path) -> list[Path]:
    """The journals that may hold states, in order of name; none where the folder cannot be read."""
    try:
        paths = [folder / name for name, _ in journals_in(folder)]
    except OSError:
        return []
    return sorted(path for path in paths if not _is(path, _POINTS_WRITERS))


def has_journals(files: RunLayout) -> bool:
    """Whether there is any journal of the run. Raises OSError for a folder that cannot be read."""
    return bool(journals_in(files.journals))


def unread_journal(files: RunLayout) -> "Unread | None":
    """A journal that may hold states, or the folder of them, that is there and cannot be read, now or in a moment."""
    try:
        for name, _ in journals_in(files.journals):
            if not name.startswith(_POINTS_WRITERS):
                read_journal(files.journals / name, 0, 1)
    except OSError as error:
        if error.errno in _LASTING:
            from workbench_store.records import Unread

            return Unread(os.fsdecode(error.filename or files.journals), error.strerror or str(error))
    return None


def _is(path: Path, writers: tuple[str, ...]) -> bool:
    return path.name.startswith(writers)


def changes_of(events: Iterable[Event]) -> list[StateChange]:
    """The changes of state among events."""
    found = []
    for event in events:
        if event.name == "state":
            fields = event.fields
            found.append(
                StateChange(
                    int(fields.get("generation", 0)),
                    bool(fields.get("judged", False)),
                    int(fields.get("seq", 0)),
                    event.time,
                    RunState.parse(str(fields.get("state"))),
                    fields.get("reason"),
                    fields.get("resumed") is True,
                )
            )
    return found


def state_changes(files: RunLayout) -> list[StateChange]:
    """All changes of state that the run's journals hold."""
    return changes_of(JournalTail(files).new_events())


def last_change(files: RunLayout) -> StateChange | None:
    """The change that says what state the run is in; None when none is recorded."""
    return fold_states(state_changes(files))


def last_generation(changes: Iterable[StateChange]) -> int:
    """The generation of whoever held the run last."""
    return max((change.generation for change in changes), default=0)


def last_sign_of_life(files: RunLayout) -> float:
    """When the run's holder or job last wrote anything, in UTC epoch seconds; 0.0 if never. What onlookers and users
    wrote about it is no sign of its life."""
    journals = [path for path in files.journals.glob("*.wbj") if not path.name.startswith(ONLOOKERS)]
    paths = [files.heartbeat, files.user_log, files.identity, *journals]
    times = []
    for path in paths:
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times, default=0.0)
