"""The signals that mean something while a run is submitted and followed, and while files are written."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NOTHING_STARTED = "interrupted before the run was made: nothing was started"
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
#: A signal that came while something was loaded is looked at again so soon.
_AGAIN_SECONDS = 0.02


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
        """What the system calls."""
        self.numbers.append(number)
        self.look(number, frame)

    def look(self, _number: int, frame: FrameType | None) -> None:
        """Raise if a signal has come, unless that was done: what cleans up after it is not interrupted again.

        Nor is what is loaded just now: an exception in the midst of the making of a class may be swallowed, and leave
        one behind that is half made. (With msgspec's classes the process then crashes.)
        """
        if not self._raising or not self.numbers:
            return
        if _is_loading(frame):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
            return
        self._raising = False
        raise Interrupted

    def hold(self) -> None:
        """From now on signals are only kept. Raises Interrupted if one has come already."""
        self._raising = False
        if self.numbers:
            raise Interrupted


@contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """Let what ends a process at once (SIGTERM, SIGHUP) end the block as Ctrl-C does: what is half made is removed."""
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    deadly = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in deadly:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in deadly:
            signal.signal(number, signal.SIG_DFL)


def _is_loading(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


#: What a process has that listens from its start: the signals, and who heard them before.
_listening: "list[tuple[Signals, dict[int, signal._HANDLER]]]" = []


def listen() -> None:
    """Take the signals for a command that will submit, from its start."""
    taken = Signals()
    _listening.append((taken, _take(taken)))


@contextmanager
def signals() -> Iterator[Signals]:
    """Take the signals, unless this process listens already, and give them back afterwards."""
    if not _listening:
        listen()
    taken, before = _listening.pop()
    try:
        yield taken
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0.0)  # nobody hears its signal any more, which would end the process
        for number, handler in before.items():
            signal.signal(number, handler)


def _take(taken: Signals) -> "dict[int, signal._HANDLER]":
    """Let `taken` hear them; who heard them before."""
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    # What whoever started this process has told it to ignore (nohup, a shell's background) stays ignored.
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, taken.note) for number in heard}
    if hasattr(signal, "setitimer"):
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, taken.look)
    return before
