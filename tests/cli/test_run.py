"""`workbench run`: follow a job live, and end with a code that says its state."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode
from workbench_store.errors import WorkspaceError

from tests.cli.terminal import Workbench
from workbench import Workspace

Job = Callable[..., str]


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.05)


def listed(workbench: Workbench) -> list[dict[str, object]]:
    done = workbench("ls", "--json")
    assert done.returncode == 0, done.stderr
    runs: list[dict[str, object]] = json.loads(done.stdout)["runs"]
    return runs


def test_following_a_run_that_does_not_respond_says_whether_its_job_goes_on(
    workbench: Workbench, job: Job, here: Path
) -> None:
    wait = "until [ -e outputs/go ]; do sleep 0.05; done"
    assert workbench("run", job(f"echo on; {wait}; echo end", "name: held\n"), "--detach").returncode == 0
    files = here / ".workbench" / "runs" / "held"
    log = files / "logs" / "user_logs" / "std_log.txt"
    wait_until(lambda: log.exists() and log.read_text() == "on\n")
    os.kill(json.loads((files / "control" / "supervisor.json").read_text())["pid"], signal.SIGKILL)
    wait_until(lambda: workbench("ls", "state:notresponding", "--json").stdout.count('"held"') > 0)
    for words in (["logs", "-f", "held"], ["logs", "-f", "--all-ranks", "held"]):
        told = workbench(*words)
        assert told.returncode == ExitCode.NOT_RESPONDING and told.stdout.endswith("on\n")
        assert "its job goes on (PID" in told.stderr and "workbench adopt held" in told.stderr
    (files / "outputs" / "go").touch()
    wait_until((files / "control" / "exit.json").exists)
    told = workbench("logs", "-f", "held")
    assert told.returncode == ExitCode.NOT_RESPONDING and told.stdout == "on\nend\n"
    assert "no process of its job" in told.stderr and "workbench adopt held" in told.stderr
    assert workbench("adopt", "held").returncode == 0
    assert workbench("logs", "-f", "held").returncode == ExitCode.COMPLETED


def test_the_jobs_output_is_data_and_the_rest_is_narration(workbench: Workbench, job: Job) -> None:
    done = workbench("run", job("echo hello; cat note.txt; echo warned >&2"))
    assert done.returncode == ExitCode.COMPLETED, done.stderr
    assert done.stdout == "hello\na file of the code\nwarned\n"
    assert "Completed" in done.stderr
    assert ".workbench" in done.stderr


def test_a_failing_job_says_so(workbench: Workbench, job: Job) -> None:
    done = workbench("run", job("echo before; exit 3"))
    assert done.returncode == ExitCode.RUN_FAILED
    assert done.stdout == "before\n"
    assert "Failed" in done.stderr and "3" in done.stderr


def test_a_killed_job_names_the_signal(workbench: Workbench, job: Job) -> None:
    done = workbench("run", job("kill -KILL $$"))
    assert done.returncode == ExitCode.RUN_FAILED
    assert "SIGKILL" in done.stderr


def test_a_bad_spec_starts_nothing_and_names_everything(workbench: Workbench, here: Path) -> None:
    (here / "bad.yml").write_text("comand: echo\ncode: ./nowhere\nlimits:\n  timeout: soon\n")
    done = workbench("run", "bad.yml")
    assert done.returncode == ExitCode.BAD_SPEC
    assert "bad.yml:1:1" in done.stderr and "command" in done.stderr
    assert "bad.yml:2:" in done.stderr and "bad.yml:4:" in done.stderr
    assert not (here / ".workbench").exists()


def test_set_changes_a_field(workbench: Workbench, job: Job) -> None:
    name = job("echo rate ${{inputs.lr}}", "inputs:\n  lr: 0.1\n")
    done = workbench("run", name, "--set", "inputs.lr=0.05")
    assert done.stdout == "rate 0.05\n", done.stderr
    assert "inputs.rate" in workbench("run", name, "--set", "inputs.rate.oops=1").stderr


def test_an_unknown_compute_names_the_remedy_which_works(workbench: Workbench, job: Job) -> None:
    name = job("echo there", "compute: azureml:cpu-cluster\n")
    refused = workbench("run", name)
    assert refused.returncode == ExitCode.NOT_FOUND
    assert "workbench compute add cpu-cluster" in refused.stderr
    assert workbench("compute", "add", "cpu-cluster", "--kind", "local").returncode == 0
    done = workbench("run", name)
    assert (done.returncode, done.stdout) == (0, "there\n"), done.stderr


def test_a_name_is_used_once(workbench: Workbench, job: Job) -> None:
    name = job("true", "name: the-one\n")
    assert workbench("run", name).returncode == 0
    again = workbench("run", name)
    assert again.returncode in {ExitCode.REFUSED, ExitCode.BAD_SPEC} and "the-one" in again.stderr


def test_a_detached_run_goes_on(workbench: Workbench, job: Job, here: Path) -> None:
    done = workbench("run", job("sleep 1; echo finished"), "--detach")
    assert done.returncode == 0, done.stderr
    name = done.stdout.strip()
    assert workbench("logs", "-f", name[:-1]).stdout.endswith("finished\n")
    wait_until(lambda: listed(workbench)[0]["state"] == "Completed")


def test_of_a_failed_rank_it_is_said_where_its_words_are(workbench: Workbench, job: Job) -> None:
    ranks = "name: ranks\ndistribution: {type: pytorch, process_count_per_instance: 2}\n"
    done = workbench("run", job("[ $RANK = 0 ] && sleep 100; echo why; exit 3", ranks))
    assert done.returncode == ExitCode.RUN_FAILED and "rank 1: exit code 3" in done.stderr
    assert "workbench logs ranks --all-ranks" in done.stderr
    assert "why" in workbench("logs", "ranks", "--all-ranks").stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_a_terminal_a_signal_cancels(
    number: signal.Signals, workbench: Workbench, job: Job, here: Path
) -> None:
    command = [sys.executable, "-m", "workbench", "run", job("echo started; sleep 100")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == ExitCode.RUN_CANCELED
    assert listed(workbench)[0]["state"] == "Canceled"


def test_who_wants_to_end_need_not_wait_for_the_log_of_a_run_that_is_over(workbench: Workbench, job: Job) -> None:
    file = job("yes | head -c 8000000", "name: long\n")
    command = [sys.executable, "-m", "workbench", "run", file]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.read(2) == b"y\n"
        wait_until(lambda: listed(workbench)[0]["state"] == "Completed")
        process.send_signal(signal.SIGTERM)
        rest, told = process.communicate(timeout=60)
    assert process.returncode == ExitCode.COMPLETED
    assert b"the rest of its log: workbench logs long" in told and len(rest) < 7_000_000


def test_a_cancelled_run_is_followed_to_its_end_though_nobody_reads_any_more(workbench: Workbench, job: Job) -> None:
    """Ctrl-C ends what is behind the pipe too."""
    talking = job("trap 'echo going; exit 1' TERM; echo started; while true; do sleep 0.1; done")
    command = [sys.executable, "-m", "workbench", "run", talking]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"started\n"
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
    assert process.returncode == ExitCode.RUN_CANCELED
    assert "Canceled" in said and "goes on" not in said


#: Ever later moments of a submission, as what can be seen in the workspace.
MOMENTS = ("*", "tmp/run-*", "tmp/run-*/control/supervisor.json", "tmp/run-*/job.yml", "runs/early")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_submission_leaves_no_run_that_nobody_knows_of(
    number: signal.Signals, moment: str, workbench: Workbench, job: Job, here: Path
) -> None:
    job("sleep 100", "name: early\n")
    workspace = here / ".workbench"
    shown = workspace / "runs" / "early"
    with subprocess.Popen(
        [sys.executable, "-m", "workbench", "run", "job.yml"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (any(workspace.glob(moment)) or shown.exists()):
            assert process.poll() is None
        process.send_signal(number)
        narration = process.communicate(timeout=60)[1]
    if not shown.exists():
        assert moment != "runs/early"
        assert process.returncode == ExitCode.INTERRUPTED and "nothing was started" in narration
        wait_until(lambda: not any(workspace.glob("tmp/run-*")))
    elif number == signal.SIGHUP:
        assert process.returncode == ExitCode.INTERRUPTED and "detached from early" in narration
        assert workbench("cancel", "early").returncode == 0
    else:
        assert process.returncode == ExitCode.RUN_CANCELED
        assert listed(workbench)[0]["state"] == "Canceled"


class Prompted:
    """`workbench run` on a terminal, interrupted so that it asks."""

    def __init__(self, here: Path, file: str, started: Path) -> None:
        self._ours, self._theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workbench", "run", file],
            cwd=here,
            stdin=self._theirs,
            stdout=subprocess.DEVNULL,
            stderr=self._theirs,
            env={**os.environ, "NO_COLOR": "1"},
        )
        self._seen = ""
        wait_until(started.exists)
        self.process.send_signal(signal.SIGINT)

    def see(self, text: str) -> None:
        while text not in self._seen:
            self._seen += os.read(self._ours, 4096).decode()

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def next_line(self) -> bytes:
        """What a shell would read next of what was typed."""
        return os.read(self._theirs, 4096)

    def close(self) -> None:
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def prompted(job: Job, here: Path) -> Iterator[Prompted]:
    wait = "until [ -e outputs/go ]; do sleep 0.05; done"
    file = job(f"echo > outputs/on; {wait}", "name: asked\n")
    asked = Prompted(here, file, here / ".workbench" / "runs" / "asked" / "outputs" / "on")
    yield asked
    asked.close()


def test_an_answer_that_is_none_is_asked_for_again(prompted: Prompted, workbench: Workbench) -> None:
    prompted.see("d+Enter detaches")
    prompted.type("what\n")
    prompted.see("'what' is none of these: d detaches, c cancels")
    prompted.type("c\n")
    prompted.see("cancelling")
    assert prompted.process.wait(60) == ExitCode.RUN_CANCELED


def test_a_run_that_ends_while_it_is_asked_what_to_do_is_told(prompted: Prompted, here: Path) -> None:
    prompted.see("d+Enter detaches")
    prompted.type("c")
    (here / ".workbench" / "runs" / "asked" / "outputs" / "go").touch()
    prompted.see("asked is over meanwhile")
    prompted.see("Completed")
    assert prompted.process.wait(60) == ExitCode.COMPLETED
    prompted.type("\n")
    assert prompted.next_line() == b"\n", "what was begun is no command for the shell"


def test_a_hang_up_detaches(workbench: Workbench, job: Job) -> None:
    command = [sys.executable, "-m", "workbench", "run", job("echo started; sleep 2; echo finished")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    wait_until(lambda: listed(workbench)[0]["state"] == "Completed")


def test_the_run_is_recorded(workbench: Workbench, job: Job) -> None:
    text = "import workbench; workbench.log({'loss': 0.5}, step=2); workbench.log_params({'depth': 3})"
    extra = "inputs:\n  lr: 0.1\ntags:\n  team: vision\nexperiment_name: recorded\n"
    done = workbench("run", job(f'echo ${{{{inputs.lr}}}}; echo x > outputs/o.txt; python -c "{text}"', extra))
    assert done.returncode == 0, done.stderr
    (row,) = listed(workbench)
    assert row["experiment"] == "recorded"
    page = json.loads(workbench("show", str(row["name"]), "--json").stdout)
    text = json.dumps(page)
    for expected in ('"loss"', "0.5", '"lr"', '"depth"', '"vision"', "outputs/o.txt", "note.txt"):
        assert expected in text
    assert "outputs/o.txt" in workbench("outputs", str(row["name"])).stdout


def test_environ_is_not_needed(workbench: Workbench, job: Job) -> None:
    assert "WORKBENCH_RUN_DIR" not in os.environ
    assert workbench("run", job('test -n "$WORKBENCH_RUN_DIR"')).returncode == 0


def test_a_run_that_nohup_started_survives_a_hang_up(job: Callable[..., str], here: Path) -> None:
    import signal

    from tests.lifecycle.launched import wait_until

    file = job("echo on; while [ ! -e ../../../../go ]; do sleep 0.05; done; echo off", "name: held\n")
    command = ["nohup", sys.executable, "-m", "workbench", "run", file]
    with (here / "out.txt").open("wb") as out:
        process = subprocess.Popen(command, cwd=here, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    wait_until(lambda: b"on\n" in (here / "out.txt").read_bytes(), "the job")
    process.send_signal(signal.SIGHUP)
    (here / "go").touch()
    assert process.wait(60) == 0
    assert b"off\n" in (here / "out.txt").read_bytes()


def test_a_run_whose_folder_goes_away_is_not_followed_for_ever(workbench: Workbench, job: Job, here: Path) -> None:
    waiting = f"while [ ! -e '{here}/go' ]; do sleep 0.05; done; sleep 0.5; rm -rf $WORKBENCH_RUN_DIR"
    name = workbench("run", "--detach", job(waiting)).stdout.strip()
    run = Workspace().run(name)
    (here / "go").touch()
    followed = workbench("logs", "-f", name)
    assert followed.returncode == ExitCode.WORKSPACE and "is gone" in followed.stderr
    with pytest.raises(WorkspaceError, match="is gone"):
        run.wait(30)
    done = workbench("run", job("rm -rf $WORKBENCH_RUN_DIR"))
    assert done.returncode == ExitCode.WORKSPACE and "is gone" in done.stderr
