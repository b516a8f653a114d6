"""Records of points that come in turns: one shape again and again, or several one after the other, as from a loop that
calls `log` for each metric. Where they do, what follows is found together, and not record by record.
"""

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from workbench_store.journal.checksums import Checksums, checksums_like
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
    they are; and where the payload of each begins and ends, and what sums it."""

    places: "NDArray[np.intp]"
    wanted: "NDArray[np.uint8]"
    payloads: list[tuple[int, int, Checksums]]

    def rounds(self, data: bytes, at: int, most: int) -> int:
        """How often, at most `most` times, such records come from `at` on, whole and in this order."""
        import numpy as np

        length = self.payloads[-1][1]
        most = min(most, (len(data) - at) // length)
        rows = np.frombuffer(data, np.uint8, most * length, at).reshape(most, length)
        rows = rows[: _leading((rows[:, self.places] == self.wanted).all(1))]
        whole = np.ones(len(rows), bool)
        for begin, end, checksums in self.payloads:
            said = np.ascontiguousarray(rows[:, begin - 4 : begin]).view("<u4").ravel()
            whole &= checksums.of(rows[:, begin:end]) == said
        return _leading(whole)


def _leading(true: "NDArray[np.bool_]") -> int:
    """How many are true before the first that is not."""
    return len(true) if true.all() else int(true.argmin())


def _pattern(data: bytes, taking: list[Record]) -> _Pattern:
    import numpy as np

    same, payloads, at = [], [], 0
    for start, end, seed, _ in taking:
        payload = data[start + HEAD.size : end]
        count = payload[20] | payload[21] << 8
        # The time, the step and the values, of which a writer's error may announce more than there are.
        values_end = min(POINTS_HEAD.size + 8 * count, len(payload))
        varying = [*range(4, 20), *range(POINTS_HEAD.size, values_end)]
        begin = at + HEAD.size
        same += [np.arange(at, begin - 4), np.delete(np.arange(begin, begin + len(payload)), varying)]
        at = begin + len(payload)
        payloads.append((begin, at, checksums_like(payload, varying, seed)))
    places = np.concatenate(same)
    round = np.frombuffer(b"".join(data[record.start : record.end] for record in taking), np.uint8)
    return _Pattern(places, round[places], payloads)
