"""The exit code with which a script ends by itself: Python tells its hooks of exceptions, but not of SystemExit.

(Python 3.8.) While a run is open, `sys.exit`, `exit` and `quit` raise a SystemExit that notes when the interpreter, and
no Python code, asks it for its code: that is the end. What a script catches is thus not taken for it.
"""

import builtins
import sys
import threading
from types import FrameType
from typing import Any, Optional

_PATCHED = ((sys, "exit"), (builtins, "exit"), (builtins, "quit"))


class _Exit(SystemExit):
    """What `sys.exit` raises while a run is open."""

    watch: "ExitWatch"

    def __reduce__(self) -> "tuple[Any, ...]":
        """To another process it is what Python raises."""
        return SystemExit, self.args

    @property
    def code(self) -> Any:  # type: ignore[override]
        """The code; the interpreter asks for it with no Python frame below."""
        value = self.args[0] if len(self.args) == 1 else self.args or None
        try:
            sys._getframe(1)
        except ValueError:
            self.watch.error = self
        return value


_Exit.__name__ = _Exit.__qualname__ = "SystemExit"


class ExitWatch:
    """From its making until `stop`, notes how the interpreter is told to end."""

    def __init__(self) -> None:
        #: The SystemExit that ended the script.
        self.error: Optional[SystemExit] = None
        self._main = _main_frame()
        self._put: "list[tuple[Any, str, Any, Any]]" = []
        for place, name in _PATCHED:
            own = getattr(place, name, None)
            if own is not None:
                ours = self._leave if place is sys else _quitter(own, self._leave)
                setattr(place, name, ours)
                self._put.append((place, name, own, ours))

    def stop(self) -> None:
        """Put back what was replaced, unless somebody else has replaced it again."""
        for place, name, own, ours in self._put:
            if getattr(place, name, None) == ours:
                setattr(place, name, own)
        self._put = []

    def left_unseen(self) -> bool:
        """Whether the script's main module was left by a SystemExit that it raised itself, whose code nobody told."""
        frame = self._main
        if frame is None or self.error is not None or frame.f_lasti < 0:
            return False
        import opcode

        return not opcode.opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN")

    def _leave(self, status: Any = None, /) -> None:
        """Exit the interpreter by raising SystemExit(status)."""
        if threading.current_thread() is not threading.main_thread():
            raise SystemExit(status)  # ends the thread, and Python knows it by its type
        leaving = _Exit(status)
        leaving.watch = self
        raise leaving


def _quitter(own: Any, leave: Any) -> Any:
    """`exit` or `quit`, which close standard input first."""

    class Quitter:
        def __repr__(self) -> str:
            return repr(own)

        def __call__(self, code: Any = None) -> None:
            try:
                own(code)
            except SystemExit:
                leave(code)

    return Quitter()


def _main_frame() -> Optional[FrameType]:
    """The frame of the script's main module, if it is being run."""
    frame: Optional[FrameType] = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "__main__" and frame.f_code.co_name == "<module>":
            return frame
        frame = frame.f_back
    return None
