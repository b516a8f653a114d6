"""A program in a terminal of 120x40, as a user sits before it: keys go in, what it paints comes out."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios

_SIZE = struct.pack("HHHH", 40, 120, 0, 0)
_SECONDS = 60.0


class Terminal:
    """A program, given as Python code with its words, in a terminal; leaving the block kills it."""

    def __init__(self, code: str, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, _SIZE)
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        command = [sys.executable, "-c", code, *words]
        self._process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)

    def wait_for(self, text: str) -> None:
        """Return as soon as the text has been painted. Raises TimeoutError."""
        received = b""
        while text.encode() not in received:
            if not select.select([self._ours], [], [], _SECONDS)[0]:
                raise TimeoutError(f"{text!r} was not painted")
            received += os.read(self._ours, 65536)

    def drain(self, quiet_seconds: float) -> None:
        """Take what is painted until nothing has been for so long."""
        while select.select([self._ours], [], [], quiet_seconds)[0]:
            os.read(self._ours, 65536)

    def press(self, key: str) -> None:
        """Press a key, given as what a terminal sends for it."""
        os.write(self._ours, key.encode())

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)
