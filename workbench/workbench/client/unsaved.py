"""What could not be saved of what a script gave: the disk is full, the file is missing. (Python 3.8.)"""

from __future__ import annotations

from workbench_store.journal.writer import JournalWriter, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Tuple


class Unsaved:
    """Counts it until the run says it, at its end: a loop may try at every step."""

    def __init__(self, journal: JournalWriter) -> None:
        self._journal = journal
        self._counts: Dict[Tuple[str, str], int] = {}

    def add(self, kind: str, reason: str) -> None:
        """One more of a kind, a plural ("files"), that could not be saved for that reason."""
        self._counts[kind, reason] = self._counts.get((kind, reason), 0) + 1

    def warn(self, kind: str, thing: object, reason: str, place: object = None) -> None:
        """One more, which the terminal is told by its name, and by where it is if that says something else."""
        self.add(kind, reason)
        warn("workbench: cannot save {}: {}{}".format(thing, reason, "" if place is None else ": {}".format(place)))

    def tell(self) -> None:
        """Have the run say it."""
        for (kind, reason), count in self._counts.items():
            text = "{} of its {} could not be saved: {}".format(count, kind, reason)
            self._journal.event("warning", text=text)
        self.forget()

    def forget(self) -> None:
        """It is told elsewhere."""
        self._counts = {}
