"""Records that wait for room on the disk, in order, in bounded memory. (Python 3.8.)"""

from __future__ import annotations

from collections import deque

from workbench_store.journal.lost import Lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, Tuple

#: So many bytes may wait.
HELD_BYTES = 16 * 1024 * 1024
#: Events of which there may be as many as points; all others say how the run is, are few, and go last.
_MANY = ("artifact", "media", "progress")


class Waiting:
    """Where memory runs out the oldest points go, and with them what is logged like them; `lost` counts them."""

    def __init__(self) -> None:
        self.lost = Lost()
        self._passing: Deque[Tuple[int, bytes, int]] = deque()
        self._lasting: Deque[Tuple[int, bytes, int]] = deque()
        self._number = 0
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._passing or self._lasting)

    def add(self, data: bytes, points: int, event: str) -> None:
        """A record of so many points, or of an event of that name."""
        self._number += 1
        (self._passing if points or event in _MANY else self._lasting).append((self._number, data, points))
        self._bytes += len(data)
        while self._bytes > HELD_BYTES:
            self._count(self._took(self._passing or self._lasting))

    def first(self) -> bytes:
        """The record that is to be written next; there is one."""
        return self._oldest()[0][1]

    def written(self) -> None:
        """That record is on the disk."""
        self._took(self._oldest())

    def _oldest(self) -> "Deque[Tuple[int, bytes, int]]":
        if not self._passing or not self._lasting:
            return self._passing or self._lasting
        return self._passing if self._passing[0] < self._lasting[0] else self._lasting

    def _took(self, queue: "Deque[Tuple[int, bytes, int]]") -> int:
        _, data, points = queue.popleft()
        self._bytes -= len(data)
        return points

    def _count(self, points: int) -> None:
        self.lost.points += points
        self.lost.records += 0 if points else 1

    def all_lost(self) -> Lost:
        """What is lost if nothing more can be written."""
        while self:
            self._count(self._took(self._oldest()))
        return self.lost
