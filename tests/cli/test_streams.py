"""What is written where: bytes of a job as they are, and nothing that a stream cannot take ends a command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode

from tests.cli.terminal import Workbench
from workbench import Workspace

Job = Callable[..., str]


def raw(here: Path, *words: str, **environ: str) -> bytes:
    command = [sys.executable, "-m", "workbench", *words]
    return subprocess.run(command, cwd=here, env={**os.environ, **environ}, capture_output=True, check=True).stdout


def test_a_pipe_gets_the_jobs_own_bytes(workbench: Workbench, job: Job, here: Path) -> None:
    line = b"caf\xe9 \xc3\xa9 \xff\n"
    job(r"printf 'caf\351 \303\251 \377\n'", "name: bytes\n")
    assert raw(here, "run", "job.yml") == line
    assert (
        raw(here, "logs", "bytes") == raw(here, "logs", "-f", "bytes") == raw(here, "logs", "-n", "1", "bytes") == line
    )
    assert raw(here, "logs", "--all-ranks", "bytes") == b"[0] " + line
    assert Workspace().run("bytes").logs() == "caf\ufffd é \ufffd\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_stream_that_knows_few_characters(job: Job, here: Path, encoding: str) -> None:
    job("echo Łódź", "name: poor\nexperiment_name: Łódź…\n")
    assert raw(here, "run", "job.yml", PYTHONIOENCODING=encoding) == "Łódź\n".encode()
    assert b"\\u0141" in raw(here, "ls", PYTHONIOENCODING=encoding)
    assert b"\\u0141" in raw(here, "show", "poor", PYTHONIOENCODING=encoding)
    (run,) = json.loads(raw(here, "ls", "--json", PYTHONIOENCODING=encoding))["runs"]
    assert run["experiment"] == "Łódź…"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_may_be_closed(workbench: Workbench, job: Job, here: Path, closed: str) -> None:
    assert workbench("run", job("true", "name: one\n")).returncode == 0
    for words in ("ls --json", "ls", "show one", "logs one", "doctor", "run job.yml --set name=two"):
        command = f"exec {sys.executable} -m workbench {words} {closed}"
        done = subprocess.run(["sh", "-c", command], cwd=here, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)
    assert workbench("show", "two").returncode == 0


def test_a_queued_run_that_is_cancelled_has_failed_in_nothing(workbench: Workbench, job: Job, here: Path) -> None:
    workbench("compute", "add", "one", "--slots", "1")
    workbench("run", job("sleep 100", "name: first\ncompute: one\n"), "--detach")
    command = [sys.executable, "-m", "workbench", "run", job("true", "name: second\ncompute: one\n")]
    with subprocess.Popen(command, cwd=here, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "position 1" not in (line := process.stderr.readline()):
            assert line, "it was never queued"
        assert workbench("cancel", "second", "first").returncode == 0
        narration = process.stderr.read()
    assert process.returncode == ExitCode.RUN_CANCELED
    assert "Canceled" in narration and "failed" not in narration
    stages = {one["stage"]: one["status"] for one in json.loads(workbench("show", "second", "--json").stdout)["stages"]}
    assert stages["provision"] == "canceled"


def test_cancelling_several_tries_each(workbench: Workbench, job: Job) -> None:
    assert workbench("run", job("true", "name: over\n")).returncode == 0
    for name in ("going-a", "going-b"):
        assert workbench("run", job("sleep 100", f"name: {name}\n"), "--detach").returncode == 0
    done = workbench("cancel", "nobody", "going-a", "over", "going-b")
    assert done.returncode == ExitCode.REFUSED
    for said in ("nobody", "over is Completed", "going-a: cancel requested", "going-b: cancel requested"):
        assert said in done.stderr
    assert workbench("cancel", "nobody").returncode == ExitCode.NOT_FOUND


def test_an_empty_compute_is_no_compute(workbench: Workbench, job: Job) -> None:
    for given in ("", " ", "azureml:"):
        done = workbench("run", job("true"), "--compute", given)
        assert done.returncode == ExitCode.USAGE and "empty" in done.stderr
