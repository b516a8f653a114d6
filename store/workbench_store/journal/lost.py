"""What a full disk did not take, as numbers and in words. (Python 3.8.)"""

from __future__ import annotations

from workbench_store.words import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

#: Said where a process was killed while the disk was full: nobody knows how much it had.
LOST_UNTOLD = (
    "what waited for room on the full disk when a process was ended is lost: points, and whatever else it logged"
)


class Lost:
    """Points, and records of what else was logged; of records that were cut short and not written again, the bytes;
    how many records of all kinds, with those in which Workbench itself says how the run is; and bytes of the log."""

    def __init__(
        self, points: int = 0, records: int = 0, torn: int = 0, all_records: int = 0, unlogged: int = 0
    ) -> None:
        self.points = points
        self.records = records
        self.torn = torn
        self.all_records = all_records
        self.unlogged = unlogged

    def add(self, more: Lost) -> None:
        """What is lost besides."""
        self.points += more.points
        self.records += more.records
        self.torn += more.torn
        self.all_records += more.all_records
        self.unlogged += more.unlogged

    @property
    def anything(self) -> bool:
        """Whether it is not all there."""
        return self.all_records > 0


def not_saved(kind: str, reason: str, count: int) -> str:
    """That so many of what a script gave, of a kind ("files"), could not be saved, in words."""
    return "{} of its {} could not be saved: {}".format(count, kind, reason)


def missing_records(count: int) -> str:
    """That so many records other than points are lost, in words."""
    return "the full disk did not take {} (parameters, tags, media and the like)".format(counted(count, "record"))


def in_words(lost: Lost) -> str:
    """What is missing besides points; empty where nothing is."""
    records = missing_records(lost.records) if lost.records > 0 else ""
    log = log_lacks(lost.unlogged) if lost.unlogged > 0 else ""
    return "; ".join(part for part in (records, log) if part)


def events_of(lost: Lost, note: str) -> List[Tuple[str, Dict[str, Any]]]:
    """The events by which a run says so, and their fields; the note, by its name, tells what is said twice."""
    events: List[Tuple[str, Dict[str, Any]]] = []
    if lost.points:
        events.append(("lost", {"points": lost.points, "reason": "the disk took nothing", "of": note}))
    text = in_words(lost)
    if text:
        events.append(("warning", {"text": text, "of": note}))
    if lost.torn:
        events.append(("torn", {"bytes": lost.torn, "of": note}))
    return events


def log_lacks(count: int) -> str:
    """That so many bytes are missing in a run's log, in words."""
    return "{} of the log were lost: there was no room on the disk".format(counted(count, "byte"))
