"""Going on after the process was stopped by what no program hears: SIGSTOP, a debugger.

At every SIGCONT Textual begins anew with the terminal, as if it had let go of it at Ctrl-Z. Where it had not, a second
reader and a second writer of the terminal are left, which at the end nobody ends.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.tui.asking import AskingApp


def draw_again_when_continued(app: "AskingApp") -> None:
    """Where the terminal was never let go of, only set it up and draw all again: others may have used it meanwhile."""
    number = getattr(signal, "SIGCONT", None)
    theirs = None if number is None else signal.getsignal(number)
    if number is None or not callable(theirs):
        return  # there is no terminal
    set_up = _as_now(getattr(app._driver, "fileno", -1))

    def when_continued(number: int, frame: FrameType | None) -> None:
        writer = getattr(app._driver, "_writer_thread", None)
        if writer is None or not writer.is_alive():
            theirs(number, frame)
        else:
            set_up()
            os.kill(os.getpid(), signal.SIGWINCH)  # as after a change of its size

    signal.signal(number, when_continued)


def _as_now(descriptor: int) -> Callable[[], None]:
    """How to bring the terminal back to what it is now. In the background that stops this process (SIGTTOU), as it
    should, until a shell brings it to the foreground and SIGCONT comes again."""
    import termios  # which Windows has not

    try:
        attributes = termios.tcgetattr(descriptor)
    except termios.error:
        return lambda: None

    def set_up() -> None:
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, attributes)

    return set_up
