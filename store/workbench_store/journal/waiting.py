"""Records that wait for room on the disk, in order, in bounded memory. (Python 3.8.)"""

from __future__ import annotations

from collections import deque

from workbench_store.journal.lost import Lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, Optional, Tuple

    #: Its number, its bytes, its points, and for how many of what else was logged it stands.
    _Record = Tuple[int, bytes, int, int]

#: So many bytes may wait.
HELD_BYTES = 16 * 1024 * 1024
#: Events of which there may be as many as points; all others say how the run is, are few, and go last.
_MANY = ("artifact", "media", "progress")
#: Events of which nobody misses anything: they say what is said by other ways too, or what is lost.
OWN = ("open", "state", "warning", "lost", "torn")


class Waiting:
    """Where memory runs out the oldest points go, and with them what is logged like them; `lost` counts them."""

    def __init__(self) -> None:
        self.lost = Lost()
        self._passing: Deque[_Record] = deque()
        self._lasting: Deque[_Record] = deque()
        self._number = 0
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._passing or self._lasting)

    def add(self, data: bytes, points: int, event: str, records: Optional[int] = None) -> None:
        """A record of so many points, or of an event of that name; `records`: for how many of what else was logged it
        stands, if that is not plain."""
        self._number += 1
        queue = self._passing if points or event in _MANY else self._lasting
        if records is None:
            records = 0 if points or event in OWN else 1
        queue.append((self._number, data, points, records))
        self._bytes += len(data)
        while self._bytes > HELD_BYTES:
            self._count(self._took(self._passing or self._lasting))

    def first(self) -> bytes:
        """The record that is to be written next; there is one."""
        return self._oldest()[0][1]

    def written(self) -> None:
        """That record is on the disk."""
        self._took(self._oldest())

    def _oldest(self) -> "Deque[_Record]":
        if not self._passing or not self._lasting:
            return self._passing or self._lasting
        return self._passing if self._passing[0] < self._lasting[0] else self._lasting

    def _took(self, queue: "Deque[_Record]") -> "_Record":
        record = queue.popleft()
        self._bytes -= len(record[1])
        return record

    def _count(self, record: "_Record") -> None:
        self.lost.points += record[2]
        self.lost.records += record[3]
        self.lost.all_records += 1

    def all_lost(self) -> Lost:
        """What is lost if nothing more can be written."""
        while self:
            self._count(self._took(self._oldest()))
        return self.lost
