"""Ctrl-C where it would do harm: it counts a moment later.

KeyboardInterrupt may come between any two steps of Python's. Where a lock was just taken and nobody knows of it yet, or
where a file is just being let go of, what follows would not be done: a notebook that idles would keep everybody else
from the store. And an import of DuckDB that is interrupted ends the process by a crash.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Any

#: Code that must not be interrupted, by the ends of its files' names.
_DELICATE = ("/workbench_store/lease.py", "/workbench_store/locks.py", "/workbench_store/interrupts.py")
_ENTERING = ("/contextlib.py",)
_ENTERING_FRAMES = 2
#: The blocks that the main thread is in, the innermost last: what came in each, and who would have heard it.
_blocks: "list[tuple[list[tuple[int, FrameType | None]], Callable[[int, FrameType | None], Any]]]" = []


def load_whole(module: str) -> None:
    """Load it, if it is not loaded yet; a Ctrl-C that comes meanwhile counts right after. For what does not bear to be
    loaded a second time (DuckDB, PyYAML)."""
    if module not in sys.modules:
        with _heard_by(lambda frame: False):
            import_module(module)


@contextmanager
def interrupted_in_between() -> Iterator[None]:
    """Within it Ctrl-C counts at once in code of others, a query say, and in what takes and lets go of locks at its
    end."""
    with _heard_by(_may_be_interrupted):
        yield


def raise_if_interrupted() -> None:
    """For who waits, and holds nothing yet that another would not let go of."""
    if threading.current_thread() is threading.main_thread():
        for came, before in reversed(_blocks):
            if came:
                before(*came.pop())


@contextmanager
def _heard_by(at_once: Callable[[FrameType | None], bool]) -> Iterator[None]:
    hear = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(hear):
        yield  # nothing is raised here
        return
    came: list[tuple[int, FrameType | None]] = []

    def note(number: int, frame: FrameType | None) -> None:
        if at_once(frame):
            hear(number, frame)
        else:
            came.append((number, frame))

    _blocks.append((came, hear))
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        _blocks.pop()
        signal.signal(signal.SIGINT, hear)
        if came:
            hear(*came[0])


def _may_be_interrupted(frame: FrameType | None) -> bool:
    depth = 0
    while frame is not None:
        name = frame.f_code.co_filename.replace("\\", "/")
        if name.endswith(_DELICATE) or (depth < _ENTERING_FRAMES and name.endswith(_ENTERING)):
            return False
        frame, depth = frame.f_back, depth + 1
    return True
