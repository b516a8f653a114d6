"""The `workbench` command as users run it: a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.forks import Forks
from tests.cli.terminal import Workbench
from tests.permissions import without_override


@pytest.fixture
def as_user(here: Path) -> Workbench:
    """Run a command in the test's folder as somebody who may not do everything."""

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [*without_override(), sys.executable, "-m", "workbench", *words]
        return subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=120)

    return call


@pytest.fixture
def workbench(here: Path, forks: Forks) -> Workbench:
    """Run a command in the test's folder; nothing is checked."""

    def call(*words: str, input: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        whole = {**os.environ, **environ}
        if forks.spare(whole):
            return forks.run(words, here, whole, input, timeout=120)
        return subprocess.run(
            [sys.executable, "-m", "workbench", *words],
            cwd=here,
            env=whole,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return call


@pytest.fixture
def job(here: Path) -> Callable[..., str]:
    """Write a job file (and a code folder with `main.sh`) and return its name."""

    def write(command: str = "echo hello", extra: str = "", name: str = "job.yml") -> str:
        (here / "src").mkdir(exist_ok=True)
        (here / "src" / "note.txt").write_text("a file of the code\n")
        (here / name).write_text(f"command: {json.dumps(command)}\ncode: ./src\n{extra}")
        return name

    return write
