"""What is written where: bytes of a job as they are, and nothing that a stream cannot take ends a command."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode
from workbench_store.journal.writer import JournalWriter

from tests.cli.terminal import Workbench
from workbench import Workspace, start_run

pytestmark = pytest.mark.slow

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


def on_a_terminal(here: Path, *words: str) -> str:
    """What a command writes to a terminal, colours left out."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "workbench", *words]
    environ = {**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(command, cwd=here, env=environ, stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        written = b""
        try:
            while piece := os.read(ours, 65536):
                written += piece
        except OSError:
            pass  # so it is told on Linux that nobody writes any more
    os.close(ours)
    assert process.returncode == 0
    return written.decode()


def test_nothing_that_is_recorded_can_steer_a_terminal(here: Path) -> None:
    evil = "a\x1b]0;x\x07b\x9b31mc\u202ed"
    with start_run(name="evil", description=evil) as run:
        run.log_params({"p": evil})
        run.log_text("text", evil)
        run.log_table("table", {"d": [evil]})
    writer = JournalWriter(Workspace().layout.run("evil").journals, "user")  # a writer that is not ours takes anything
    writer.event("note", note=evil)
    writer.close()
    job = here / ".workbench" / "runs" / "evil" / "job.yml"
    job.write_text(f"description: {evil}\n")
    for words in (
        ["sql", 'SELECT params.p AS "x\x1b]0;y\x07", [params.p] AS l FROM runs', "--csv"],
        ["sql", "SELECT params.p FROM runs", "--json"],
        ["sql", "SELECT params.p FROM runs"],
        *(["ls"], ["ls", "--json"], ["show", "evil"], ["show", "evil", "--json"], ["show", "evil", "--spec"]),
        *(["media", "evil", "text"], ["media", "evil", "table"], ["media", "evil", "text", "--json"]),
        ["note", "evil"],
    ):
        shown = on_a_terminal(here, *words)
        assert "d" in shown and not set("\x1b\x07\x9b\u202e") & set(shown), words
    assert evil in raw(here, "sql", "SELECT params.p FROM runs", "--csv").decode()
    assert evil in raw(here, "note", "evil").decode()
    assert json.loads(raw(here, "show", "evil", "--json"))["description"] == evil


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


def test_a_list_is_as_wide_as_its_terminal(here: Path) -> None:
    with start_run(name="wide", system_metrics=False) as run:
        run.log({f"a_metric_of_some_length_{number}": number for number in range(4)})
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "workbench", "ls"]
    done = subprocess.run(
        command, cwd=here, stdout=theirs, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    os.close(theirs)
    lines = os.read(ours, 65536).decode().splitlines()
    os.close(ours)
    assert done.returncode == 0 and len(lines) == 2 and max(map(len, lines)) <= 80
    assert "a_metric_of_some_length_0" in lines[0] and "a_metric_of_some_length_3" not in lines[0]
    assert "a_metric_of_some_length_3" in done.stderr and "--metric" in done.stderr
    piped = subprocess.run(command, cwd=here, capture_output=True, text=True)
    assert "a_metric_of_some_length_3" in piped.stdout and piped.stderr == ""
