"""Which journals have grown, found without reading any, and without touching runs that are long over."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from workbench_store.errors import WorkspaceError
from workbench_store.fold import clean
from workbench_store.ingest import WORKSPACE, JournalKey, Settled
from workbench_store.journal.packed import journals_in
from workbench_store.layout import WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.records import Unread

#: A final run's journals are looked at file by file for this long after its end, in seconds ...
SETTLING_SECONDS = 60.0
#: ... and afterwards only the time of its journal folder is, this often. A new writer shows there.
LOOK_AGAIN_SECONDS = 10.0
#: Stands for the folder of all runs, as no run is called so.
_ALL = "/"


class JournalWatch:
    """Remembers the journal folders of runs that have settled. One for each store object."""

    def __init__(self, layout: WorkspaceLayout) -> None:
        self._layout = layout
        self._settled: dict[str, Settled] = {}
        self._looked_at_settled = float("-inf")
        #: What could not be read as it was looked at last, by run, and why.
        self._unread: dict[str, Unread] = {}

    @property
    def unread(self) -> list[Unread]:
        """The folders that could not be read, although they are there."""
        return list(self._unread.values())

    def remember(self, settled: dict[str, Settled]) -> None:
        """Take over what an earlier process found to be settled."""
        self._settled = dict(settled)

    def settle(self, final: dict[str, float], offsets: dict[JournalKey, int]) -> dict[str, Settled]:
        """Take note of runs that are final (with the time of their end) and wholly ingested; returns the new ones."""
        now = time.time()
        found = {}
        for run, ended in final.items():
            if run in self._settled or now - ended < SETTLING_SECONDS:
                continue
            folder = self._layout.run(run).journals
            stamp = folder_stamp(folder)
            if stamp is not None and _is_settled(run, folder, offsets):
                found[run] = Settled(stamp)
        self._settled.update(found)
        return found

    def sizes(self, only: str | None = None) -> dict[JournalKey, int]:
        """The size in bytes of each journal that may have grown; `only` looks at one run, settled or not."""
        found: dict[JournalKey, int] = {}
        self._look(WORKSPACE, self._layout.journals, found)
        if only is not None:
            if _is_name(only):
                self._look(only, self._layout.run(only).journals, found)
            return found
        again = time.monotonic() - self._looked_at_settled >= LOOK_AGAIN_SECONDS
        if again:
            self._looked_at_settled = time.monotonic()
        runs = self._runs()
        if self._unread:  # of runs that are gone nothing is to be read
            there = {WORKSPACE, _ALL, *runs}
            self._unread = {run: one for run, one in self._unread.items() if run in there}
        for run in runs:
            settled = self._settled.get(run)
            folder = f"{self._layout.runs}/{run}/journal"
            if settled is None or (again and folder_stamp(folder) != settled.stamp):
                self._settled.pop(run, None)
                self._look(run, folder, found)
        return found

    def _look(self, run: str, folder: str | Path, found: dict[JournalKey, int]) -> None:
        self._unread.pop(run, None)
        try:
            found.update(journal_sizes(run, folder))
        except OSError as error:
            self._unread[run] = Unread(error.filename or os.fspath(folder), error.strerror or str(error))

    def _runs(self) -> list[str]:
        self._unread.pop(_ALL, None)
        try:
            return list(_runs(self._layout.runs))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self._unread[_ALL] = Unread(str(self._layout.runs), error.strerror or str(error))
            return []


def _is_settled(run: str, folder: Path, offsets: dict[JournalKey, int]) -> bool:
    """Whether the journals are wholly ingested, and nobody is writing to one of them still."""
    try:
        return all(
            size <= offsets.get(key, 0) and FileLock.is_free(folder / key.file)
            for key, size in journal_sizes(run, folder)
        )
    except (OSError, WorkspaceError):
        return False


def _is_name(name: str) -> bool:
    """Whether it names something in a folder, not another way to it, in text that the database takes."""
    return (
        bool(name)
        and "/" not in name
        and "\x00" not in name
        and not name.startswith(".")
        and (name.isascii() or clean(name) == name)
    )


def _runs(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_name(entry.name) and entry.is_dir(follow_symlinks=False):
                yield entry.name


def journal_sizes(run: str, folder: str | Path) -> Iterator[tuple[JournalKey, int]]:
    """Each journal of a folder with its size in bytes, as it was written. Raises OSError if it cannot be read."""
    for name, size in journals_in(folder):
        if _is_name(name):
            yield JournalKey(run, name), size


def folder_stamp(folder: str | Path) -> int | None:
    """When a file was last added to the folder or taken from it, in nanoseconds; None when it is not there."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return None
