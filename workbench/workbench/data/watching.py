"""Who waits for a fetch: told how far it is, asked whether it is still wanted."""

import threading
from collections.abc import Callable

from msgspec import Struct, field


class Stopped(Exception):
    """The fetch is not wanted any more."""


class Watcher(Struct):
    """`progress(done, total)` is called with bytes (total None: not known), `waiting(seconds, reason)` before another
    attempt; `stop` ends the fetch at its next step."""

    progress: Callable[[int, int | None], None] = lambda done, total: None
    waiting: Callable[[float, str], None] = lambda seconds, reason: None
    warn: Callable[[str], None] = lambda text: None
    stop: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raises Stopped if nobody waits any more."""
        if self.stop.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait, unless it is stopped meanwhile (then Stopped is raised)."""
        if self.stop.wait(seconds):
            raise Stopped
