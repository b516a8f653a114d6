"""What could not be saved of what a script gave: the disk is full, the file is missing. (Python 3.8.)"""

from __future__ import annotations

import os

from workbench_store.journal.writer import JournalWriter, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Tuple


class Unsaved:
    """Counts it, by kind and reason, for the run to say: each time while the journal can be written, as the process may
    be killed; else once, for who finds it killed, and when there is room again, since a loop may try at every step."""

    def __init__(self, journal: JournalWriter) -> None:
        self._journal = journal
        self.begin()

    def begin(self) -> None:
        """In this process nothing is unsaved yet."""
        self._by = os.urandom(8).hex()
        self._counts: Dict[Tuple[str, str], int] = {}
        #: How many of each are on the disk, and how many are told, be it that this waits for room.
        self._on_disk: Dict[Tuple[str, str], int] = {}
        self._told: Dict[Tuple[str, str], int] = {}

    def add(self, kind: str, reason: str) -> None:
        """One more of a kind, a plural ("files"), that could not be saved for that reason."""
        what = (kind, reason)
        self._counts[what] = self._counts.get(what, 0) + 1
        if what not in self._told or not self._journal.waiting:
            self.tell()

    def warn(self, kind: str, thing: object, reason: str, place: object = None) -> None:
        """One more, which the terminal is told by its name, and by where it is if that says something else."""
        self.add(kind, reason)
        warn("workbench: cannot save {}: {}{}".format(thing, reason, "" if place is None else ": {}".format(place)))

    def tell(self) -> None:
        """Have the run say what it was not told yet: how many there are by now."""
        if not self._journal.waiting:
            self._on_disk = dict(self._told)
        for what, count in self._counts.items():
            if self._told.get(what) != count:
                self._told[what] = count
                kind, reason = what
                self._journal.event("unsaved", by=self._by, kind=kind, reason=reason, count=count)
        if not self._journal.waiting:
            self._on_disk = dict(self._told)

    def untold(self) -> int:
        """How many the run does not know of, once nothing more can be written."""
        return sum(self._counts.values()) - sum(self._on_disk.values())
