"""Whoever submits may ignore SIGCHLD, as daemons do, and Python then does not learn how programs end."""

import signal
import subprocess
import sys
from pathlib import Path

from workbench.lifecycle import submit
from workbench_store.states import RunState
from workbench_store.workspace import open_workspace

from tests.lifecycle.launched import Launched, wait_until
from workbench import command

BROKEN = """
name: broken
channels: [defaults]
dependencies: [python, pip, {pip: [./broken-1-py3-none-any.whl]}]
"""


def ignoring(words: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "workbench", *words],
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    )


def test_how_a_job_ended_is_known(here: Path) -> None:
    for code in (0, 3):
        (here / "job.yml").write_text(f"command: exit {code}\nname: ends-with-{code}\n")
        ignoring(["run", "job.yml"])
        run = Launched(open_workspace(), f"ends-with-{code}")
        assert run.last_state()["exit_code"] == code, run.last_state()


def test_how_a_job_ended_is_known_to_who_submits_from_python(here: Path) -> None:
    layout = open_workspace()
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        run = Launched(layout, submit(layout, command(command="true")))
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert run.finish() is RunState.COMPLETED, run.last_state()


def test_an_installer_that_failed_makes_no_environment(here: Path) -> None:
    (here / "broken-1-py3-none-any.whl").write_bytes(b"no wheel")
    (here / "conda.yml").write_text(BROKEN)
    (here / "job.yml").write_text("command: 'true'\nname: b\nenvironment:\n  image: x\n  conda_file: conda.yml\n")
    done = ignoring(["run", "job.yml"])
    run = Launched(open_workspace(), "b")
    wait_until(lambda: run.state.final, "the run's end")
    assert done.returncode != 0 and "installer ended" in str(run.last_state()["reason"]), run.last_state()
