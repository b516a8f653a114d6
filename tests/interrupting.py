"""Ctrl-C at a chosen step of ours. Scripts that tests start begin with the text of this file."""

import os
import signal
import sys
from types import FrameType
from typing import Any


class CtrlC:
    """Sends SIGINT to this process at the step of that number, from 0 on: a call or a `line` of a file whose path holds
    one of `files`. Used as a block; `sent` says whether there were so many steps."""

    def __init__(self, step: int, *files: str, event: str = "call") -> None:
        self.left, self.files, self.event = step, files, event
        self.sent = False

    def __enter__(self) -> "CtrlC":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        sys.settrace(self.before)

    def start(self) -> None:
        """Count from here."""
        self.before = sys.gettrace()
        sys.settrace(self.trace)

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """What Python calls at each step."""
        if not any(file in frame.f_code.co_filename for file in self.files):
            return None
        self.left -= event == self.event
        if self.left < 0 and not self.sent:
            self.sent = True
            sys.settrace(self.before)
            os.kill(os.getpid(), signal.SIGINT)
        return self.trace
