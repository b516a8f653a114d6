"""The dashboard in a real terminal (tmux), on a run that is going on."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed: install it to run this test"),
]


class Terminal:
    """A tmux server of its own, on a socket of its own."""

    def __init__(self, socket: Path) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]

    def call(self, *words: str) -> str:
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=False).stdout

    def screen(self) -> str:
        return self.call("capture-pane", "-p", "-t", "w")

    def wait_for(self, *texts: str) -> str:
        deadline = time.monotonic() + 60
        while not all(text in (screen := self.screen()) for text in texts):
            assert time.monotonic() < deadline, f"{texts} did not appear:\n{screen}"
            time.sleep(0.1)
        return screen


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "tmux.socket")
    yield terminal
    terminal.call("kill-server")


def open_dashboard(terminal: Terminal, here: Path, more: str = "") -> None:
    command = shlex.join([sys.executable, "-m", "workbench"]) + more
    size = ["-x", "80", "-y", "24"]
    environ = {**os.environ, "TERM": "xterm-256color"}
    subprocess.run([*terminal._tmux, "new-session", "-d", "-s", "w", *size, command], cwd=here, env=environ, check=True)


def leave(terminal: Terminal) -> None:
    terminal.call("send-keys", "-t", "w", "q")
    deadline = time.monotonic() + 20
    while terminal.call("list-sessions"):
        assert time.monotonic() < deadline, "the dashboard did not end"
        time.sleep(0.1)


def test_it_is_seen_though_errors_go_to_a_file(terminal: Terminal, here: Path) -> None:
    (here / "job.yml").write_text("command: echo\nname: short\n")
    subprocess.run([sys.executable, "-m", "workbench", "run", "job.yml"], cwd=here, check=True, capture_output=True)
    open_dashboard(terminal, here, " 2>errors.txt")
    terminal.wait_for("short", "1 Completed")
    leave(terminal)
    assert (here / "errors.txt").read_text() == ""


def test_watch_and_cancel_a_run(terminal: Terminal, here: Path) -> None:
    (here / "src").mkdir()
    (here / "src" / "go.sh").write_text("i=0; while true; do echo line $i; i=$((i+1)); sleep 0.2; done\n")
    (here / "job.yml").write_text("command: sh go.sh\ncode: ./src\nname: endless\n")
    workbench = [sys.executable, "-m", "workbench"]
    subprocess.run([*workbench, "run", "job.yml", "--detach"], cwd=here, check=True, capture_output=True)
    open_dashboard(terminal, here)
    terminal.wait_for("endless", "Running")
    terminal.call("send-keys", "-t", "w", "Enter")
    terminal.wait_for("Overview", "Spec")
    terminal.call("send-keys", "-t", "w", "3")
    terminal.wait_for("line 3")
    terminal.call("send-keys", "-t", "w", "x")
    terminal.wait_for("workbench cancel endless")
    terminal.call("send-keys", "-t", "w", "y")
    terminal.wait_for("Canceled")
    terminal.call("send-keys", "-t", "w", "Escape")
    terminal.wait_for("1 Canceled")
    leave(terminal)
