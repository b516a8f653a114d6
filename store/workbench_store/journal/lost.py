"""What a full disk did not take, as numbers and in words. (Python 3.8.)"""

from __future__ import annotations

from workbench_store.words import counted

#: Said where a process was killed while the disk was full: nobody knows how much it had.
LOST_UNTOLD = (
    "what waited for room on the full disk when a process was ended is lost: points, and whatever else it logged"
)


class Lost:
    """Points, and records of other kinds; of records that were cut short and not written again, the bytes."""

    def __init__(self, points: int = 0, records: int = 0, torn: int = 0) -> None:
        self.points = points
        self.records = records
        self.torn = torn

    @property
    def anything(self) -> bool:
        """Whether it is not all there."""
        return self.points > 0 or self.records > 0


def missing_records(count: int) -> str:
    """That so many records other than points are lost, in words."""
    return "the full disk did not take {} (parameters, tags, media and the like)".format(counted(count, "record"))
