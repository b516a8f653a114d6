"""What could not be saved of what a script gave: the disk is full, the file is missing. (Python 3.8.)"""

from __future__ import annotations

import os
import threading

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
        self._lock = threading.RLock()
        self._by = os.urandom(8).hex()
        self._counts: Dict[Tuple[str, str], int] = {}
        self._told: Dict[Tuple[str, str], int] = {}

    def add(self, kind: str, reason: str) -> None:
        """One more of a kind, a plural ("files"), that could not be saved for that reason."""
        what = (kind, reason)
        with self._lock:
            self._counts[what] = self._counts.get(what, 0) + 1
            if what not in self._told or not self._journal.waiting:
                self.tell()

    def warn(self, kind: str, thing: object, reason: str, place: object = None) -> None:
        """One more, which the terminal is told by its name, and by where it is if that says something else."""
        self.add(kind, reason)
        warn("workbench: cannot save {}: {}{}".format(thing, reason, "" if place is None else ": {}".format(place)))

    def tell(self) -> None:
        """Have the run say what it was not told yet: how many there are by now."""
        with self._lock:
            for what, count in self._counts.items():
                more = count - self._told.get(what, 0)
                if more:
                    self._told[what] = count
                    self._journal.unsaved(self._by, what[0], what[1], count, more)
