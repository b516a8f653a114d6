"""Signals in the midst of what must be done whole: they count a moment later. (Python 3.8; loaded with every script, so
it loads nothing itself.)

What a signal's handler raises, as Ctrl-C does, may come between any two steps of Python's: where a lock was just taken
and nobody knows of it yet, or where a run is just being ended.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import os
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, Callable, Dict, List, Optional, Tuple, Type

    Handler = Callable[[int, Optional[FrameType]], Any]

#: Those whose handlers raise, as programs have them. (SIGUSR1 often has one of faulthandler's, which would be lost.)
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGBREAK")
_NUMBERS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
#: A signal that comes when an earlier one has waited for so long is heard at once.
_PATIENCE_SECONDS = 3.0
#: The blocks that the main thread is in, the innermost last.
_blocks: List[HeldBack] = []


class HeldBack:
    """Within it signals that come to the main thread wait, but those of which `at_once` (given where the program was)
    says that they need not; they are heard right behind it, by whoever would have heard them."""

    def __init__(self, at_once: Optional[Callable[[Optional[FrameType]], bool]] = None) -> None:
        self._at_once = at_once
        self._heard_by: Dict[int, Handler] = {}
        self._came: List[Tuple[int, Optional[FrameType]]] = []
        self._since = 0.0
        #: What comes once it is over is not for it, also where a signal kept it from putting all others back.
        self._over = False
        #: A child that another thread forks has that one for its main thread, and is in no block.
        self.thread = threading.get_ident()

    def __enter__(self) -> HeldBack:
        if threading.current_thread() is threading.main_thread():  # nothing is raised in others
            try:
                _blocks.append(self)
                self._take()
            except BaseException:
                self._give_back()
                raise
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        try:
            self._give_back()
        finally:
            self._hear_all()

    def _hear_all(self) -> None:
        """All that waits, also if one of them raises."""
        if self._came:
            try:
                self.hear()
            finally:
                self._hear_all()

    @property
    def waiting(self) -> bool:
        """Whether a signal has come that waits."""
        return bool(self._came)

    @property
    def waits_too_long(self) -> bool:
        """Whether one has waited so long that what it waits for may never end."""
        return self.waiting and time.monotonic() - self._since > _PATIENCE_SECONDS

    def hear(self) -> None:
        """Have the one that came first heard now."""
        number, frame = self._came.pop(0)
        self._heard_by[number](number, frame)

    def over(self) -> None:
        """From now on nothing waits."""
        self._over = True

    def _take(self) -> None:
        for number in _NUMBERS:
            hear = signal.getsignal(number)
            if callable(hear):
                self._heard_by[number] = hear
                try:
                    signal.signal(number, self._note)
                except ValueError:  # this is no main interpreter: none is heard here
                    return

    def _give_back(self) -> None:
        self.over()
        if self in _blocks:
            _blocks.remove(self)
        for number in self._heard_by:
            self._put_back(number)

    def _put_back(self, number: int) -> None:
        if signal.getsignal(number) == self._note:  # else somebody has set another meanwhile
            signal.signal(number, self._heard_by[number])

    def _note(self, number: int, frame: Optional[FrameType]) -> None:
        if self._over:
            self._put_back(number)
        elif not any(block.waits_too_long for block in _blocks) and not (self._at_once and self._at_once(frame)):
            self._since = self._since if self._came else time.monotonic()
            self._came.append((number, frame))
            return
        self._heard_by[number](number, frame)


def signal_waits() -> bool:
    """Whether this thread is in such a block, and a signal has come that waits."""
    return threading.current_thread() is threading.main_thread() and any(block.waiting for block in _blocks)


def hear_what_waits() -> None:
    """For who waits within such a block, and holds nothing yet that another would not let go of."""
    if threading.current_thread() is threading.main_thread():
        for block in reversed(_blocks):
            if block.waiting:
                block.hear()


def _in_child() -> None:
    for block in [one for one in _blocks if one.thread != threading.get_ident()]:
        block.over()
        _blocks.remove(block)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
