"""The signals that mean something while a run is submitted and followed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupted(BaseException):
    """A signal came before the run could be seen.

    It is no KeyboardInterrupt: CPython notes one that passes through `exec` (as it does while a dataclass is made) and
    ends the process by SIGINT in the end, although it was dealt with.
    """


class Signals:
    """Until `hold` is called the first signal raises Interrupted; all others are kept in `numbers`."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._raising = True

    def note(self, number: int, frame: FrameType | None) -> None:
        """What the system calls. Only the first raises: what cleans up after it is not interrupted again."""
        self.numbers.append(number)
        if self._raising:
            self._raising = False
            raise Interrupted

    def hold(self) -> None:
        """From now on signals are only kept. Raises Interrupted if one has come already."""
        self._raising = False
        if self.numbers:
            raise Interrupted


@contextmanager
def signals() -> Iterator[Signals]:
    """Take the signals, and give them back afterwards."""
    taken = Signals()
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    # What whoever started this process has told it to ignore (nohup, a shell's background) stays ignored.
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, taken.note) for number in heard}
    try:
        yield taken
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
