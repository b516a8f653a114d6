"""The dashboard in a real terminal that is stopped and continued by signals."""

import os
import pty
import select
import signal
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from tests.lifecycle.launched import DEADLINE_SECONDS

pytestmark = pytest.mark.slow


class Screen:
    """A dashboard in a terminal of its own, whose words are read all the while."""

    def __init__(self, workspace: Path) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(sys.executable, [sys.executable, "-m", "workbench", "--workspace", str(workspace)])
        self.text = b""
        self._modes = termios.tcgetattr(self.terminal)

    def has_its_modes_back(self) -> bool:
        """Whether the terminal is as it was before, so that what is typed is seen."""
        return termios.tcgetattr(self.terminal) == self._modes

    def read_until(self, what: bytes) -> None:
        """Fails if that does not come in time."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while what not in self.text:
            assert time.monotonic() < deadline, f"waited in vain for {what!r}: {self.text[-2000:]!r}"
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.text += os.read(self.terminal, 65536)

    def exit_code(self) -> int:
        """How it ended; it is killed where it does not end in time."""
        killer = threading.Timer(DEADLINE_SECONDS, os.kill, [self.pid, signal.SIGKILL])
        killer.start()
        try:
            while True:
                os.read(self.terminal, 65536)
        except OSError:
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        finally:
            killer.cancel()


@pytest.mark.parametrize("numbers", [(signal.SIGCONT,), (signal.SIGSTOP, signal.SIGCONT)], ids=["continued", "stopped"])
def test_it_goes_on_and_ends_as_if_it_had_never_been_stopped(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    screen = Screen(tmp_path)
    screen.read_until(b"Quit")
    for _ in range(3):
        for number in numbers:
            os.kill(screen.pid, number)
            time.sleep(0.1)
        screen.text = b""
        screen.read_until(b"Quit")  # all is drawn again, as others may have written there
    os.write(screen.terminal, b"q")
    assert screen.exit_code() == 0 and screen.has_its_modes_back()
    os.close(screen.terminal)
