"""Records of points that come in turns: one shape again and again, or several one after the other, as from a loop that
calls `log` for each metric. Where they do, what follows is found together, and not record by record.
"""

import zlib
from collections import deque
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from workbench_store.journal.encoding import HEAD, POINTS_HEAD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FIRST_ROUNDS = 16
_MOST_ROUNDS = 16384
_FEWEST_ROUNDS = 4
#: So many shapes may take turns.
_LONGEST_TURN = 32
#: How many records go by before it is looked again after a look in vain: the first time, and at most.
_FIRST_PAUSE = 8
_LONGEST_PAUSE = 4096
_MOST_PATTERNS = 256


class Record(NamedTuple):
    """A record of points: its place in the data, what the checksum of its header begins with, its shape."""

    start: int
    end: int
    seed: int
    shape: bytes


class Turns:
    """Sees whether the records of points that it is told of come in turns."""

    def __init__(self) -> None:
        self._recent: deque[Record] = deque(maxlen=_LONGEST_TURN)
        self._last_of: dict[bytes, int] = {}
        self._number = 0
        #: After how many records the last one came again, and for how many records that has been so.
        self._turn = self._same = 0
        self._rounds = _FIRST_ROUNDS
        self._patterns: dict[tuple[bytes, ...], _Pattern] = {}
        self._pause, self._look_again = _FIRST_PAUSE, 0

    def broken(self) -> None:
        """Something else has come in between."""
        self._number += _LONGEST_TURN + 1

    def after(self, record: Record, data: bytes) -> tuple[list[Record], int]:
        """The records that come again right behind this one, in their order, and how often all of them do; 0 where
        none do, or that is not looked at."""
        number = self._number = self._number + 1
        turn = number - self._last_of.get(record.shape, -_LONGEST_TURN)
        self._last_of[record.shape] = number
        self._recent.append(record)
        self._turn, self._same = turn, self._same + 1 if turn == self._turn else 1
        if self._same < turn or turn > _LONGEST_TURN or number < self._look_again:
            return [], 0
        taking = list(self._recent)[-turn:]
        if sum(one.end - one.start for one in taking) * _FEWEST_ROUNDS > len(data) - record.end:
            return [], 0
        shapes = tuple(one.shape for one in taking)
        pattern = self._patterns.get(shapes)
        if pattern is None:
            if len(self._patterns) > _MOST_PATTERNS:
                self._patterns.clear()
            pattern = self._patterns[shapes] = _pattern(data, taking)
        rounds = pattern.rounds(data, record.end, self._rounds)
        self._rounds = min(2 * self._rounds, _MOST_ROUNDS) if rounds == self._rounds else _FIRST_ROUNDS
        if rounds:
            self._pause = _FIRST_PAUSE
        else:
            self._look_again, self._pause = number + self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        return taking, rounds


class _Pattern(NamedTuple):
    """What records that take turns have in common with those of another round: which bytes have to be the same and what
    they are, and where the checksums are; the size and the seed of each record."""

    places: "NDArray[np.intp]"
    wanted: "NDArray[np.uint8]"
    checksums: "NDArray[np.intp]"
    kinds: list[tuple[int, int]]

    def rounds(self, data: bytes, at: int, most: int) -> int:
        """How often, at most `most` times, such records come from `at` on, whole and in this order."""
        import numpy as np

        length = sum(size for size, _ in self.kinds)
        most = min(most, (len(data) - at) // length)
        rows = np.frombuffer(data, np.uint8, most * length, at).reshape(most, length)
        same = rows[:, self.places] == self.wanted
        alike = most if same.all() else int(same.all(1).argmin())
        sums = np.ascontiguousarray(rows[:alike, self.checksums]).view("<u4").ravel().tolist()
        return _whole(data, at, self.kinds, sums)


def _pattern(data: bytes, taking: list[Record]) -> _Pattern:
    import numpy as np

    fixed, sums, at, body = [], [], 0, HEAD.size
    for start, end, _, _ in taking:
        count = data[start + body + 20] | data[start + body + 21] << 8
        # All but the time, the step and the values.
        for first, last in ((0, 10), (body, body + 4), (body + 20, body + 22)):
            fixed.append(np.arange(at + first, at + last))
        fixed.append(np.arange(at + body + POINTS_HEAD.size + 8 * count, at + end - start))
        sums.append(np.arange(at + 10, at + 14))
        at += end - start
    places = np.concatenate(fixed)
    round = np.frombuffer(b"".join(data[record.start : record.end] for record in taking), np.uint8)
    kinds = [(record.end - record.start, record.seed) for record in taking]
    return _Pattern(places, round[places], np.concatenate(sums), kinds)


def _whole(data: bytes, at: int, kinds: list[tuple[int, int]], wanted: list[int]) -> int:
    """How many rounds have the checksums that their headers say."""
    view, crc32, body = memoryview(data), zlib.crc32, HEAD.size
    for number, (checksum, (size, seed)) in enumerate(zip(wanted, cycle(kinds), strict=False)):
        if crc32(view[at + body : at + size], seed) != checksum:
            return number // len(kinds)
        at += size
    return len(wanted) // len(kinds)
