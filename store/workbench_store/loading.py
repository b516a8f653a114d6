"""Loading DuckDB: Ctrl-C in the midst of it would end the process by a crash, or be forgotten."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def load_duckdb() -> None:
    """Load it, if it is not loaded yet; a Ctrl-C that comes meanwhile counts right after."""
    if "duckdb" not in sys.modules:
        with _interrupted_later():
            import duckdb  # noqa: F401


@contextmanager
def _interrupted_later() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # nothing is raised here
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(*came[0])
