"""How a script ends by itself, where its hook of exceptions is not told: by SystemExit, or under another's hook.

(Python 3.8.) What is given to `sys.exit`, `exit` and `quit` counts if the script's main module was then left by an
exception: what a script catches is not its end.
"""

from __future__ import annotations

import gc
import sys
import threading
from types import FrameType

from workbench.client import exit_notes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple


class ExitWatch:
    """From its making until `stop`, notes how the interpreter is told to end."""

    def __init__(self) -> None:
        self._main = _main_frame()
        #: The one before the run, or before the last `sys.exit`: a test runner or a prompt notes there what it caught.
        self._earlier = getattr(sys, "last_value", None)
        #: What the main thread gave to `sys.exit` last.
        self._told: Optional[Tuple[Any]] = None
        exit_notes.put()
        exit_notes.listener = self._note

    def stop(self) -> None:
        """From now on nobody listens."""
        if exit_notes.listener == self._note:
            exit_notes.listener = None

    def error(self) -> Optional[BaseException]:
        """What ended the script: the exception that Python printed, or SystemExit as it was told; None if neither."""
        if not self._was_left():
            return None
        printed = self._printed()
        return SystemExit(*self._told) if printed is None and self._told is not None else printed

    def came_to_its_end(self) -> bool:
        """Whether the script's main module ran to its end: what was shown as unhandled before was not its end, as at a
        prompt, or where somebody calls the hook."""
        return self._main is not None and not self._was_left()

    def left_unseen(self) -> bool:
        """Whether the script's main module was left by a SystemExit that it raised itself, whose code nobody told."""
        return self._told is None and self._was_left() and self._printed() is None

    def _printed(self) -> Optional[BaseException]:
        """Noted by Python before it asks any hook to print it: the hook may have been replaced."""
        printed = getattr(sys, "last_value", None)
        return None if printed is self._earlier else printed

    def _was_left(self) -> bool:
        """Whether the main module's code ended anywhere but at its end."""
        frame = self._main
        if frame is None or frame.f_lasti < 0:
            return False
        import opcode

        return not opcode.opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN")

    def _note(self, status: Any) -> None:
        if threading.current_thread() is threading.main_thread():  # in another thread it ends that thread
            self._told = (status,)
            self._earlier = getattr(sys, "last_value", None)


def _main_frame() -> Optional[FrameType]:
    """The frame of the script's main module, if it is being run."""
    frame = _top_of_main_thread()
    while frame is not None:
        if frame.f_globals.get("__name__") == "__main__" and frame.f_code.co_name == "<module>":
            return frame
        frame = frame.f_back
    return None


def _top_of_main_thread() -> Optional[FrameType]:
    if threading.current_thread() is threading.main_thread():
        return sys._getframe()
    # Python before 3.12 may collect garbage while it lists the frames, under the lock that starting and ending a thread
    # needs: where a finalizer then lets another thread run, all of them wait for ever (gh-106883).
    collects = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames().get(threading.main_thread().ident or 0)
    finally:
        if collects:
            gc.enable()
