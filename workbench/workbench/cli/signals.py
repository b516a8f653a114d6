"""The signals that mean something while a run is submitted and followed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Signals:
    """Until `hold` is called the first signal raises KeyboardInterrupt; all others are kept in `numbers`."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._raising = True

    def note(self, number: int, frame: FrameType | None) -> None:
        """What the system calls. Only the first raises: what cleans up after it is not interrupted again."""
        self.numbers.append(number)
        if self._raising:
            self._raising = False
            raise KeyboardInterrupt

    def hold(self) -> None:
        """From now on signals are only kept. Raises KeyboardInterrupt if one has come already."""
        self._raising = False
        if self.numbers:
            raise KeyboardInterrupt


@contextmanager
def signals() -> Iterator[Signals]:
    """Take the signals, and give them back afterwards."""
    taken = Signals()
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.signal(number, taken.note) for number in numbers}
    try:
        yield taken
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
