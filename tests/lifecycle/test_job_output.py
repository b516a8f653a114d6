"""What a job prints is in its log, all of it and in its order, whoever is killed and however it is written."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from workbench.compute import job_log, local_start
from workbench.compute.protocol import JobLaunch, RankLaunch
from workbench.lifecycle import adopt
from workbench.lifecycle.files import read_json
from workbench.lifecycle.judge import judge
from workbench.lifecycle.logs import read_log
from workbench.spec import MpiDistribution, PyTorchDistribution
from workbench_store.layout import RunLayout
from workbench_store.processes import process_start
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch, Launched, wait_until
from tests.small_disk import fill, small_disk

#: Everyday ways to write that open the job's stdout or stderr anew.
OPENS_AGAIN = """
echo one
echo two > /dev/stderr
echo three | tee /dev/stderr > /dev/null
python - <<'END'
import logging
print("four", flush=True)
open("/dev/stdout", "w").write("five\\n")
logging.basicConfig(filename="/dev/stderr", filemode="w", format="%(message)s")
logging.warning("six")
END
echo seven >> /proc/self/fd/1
echo eight
"""
SAID = "".join(f"{word}\n" for word in "one two three four five six seven eight".split())
#: More than pipes hold.
MUCH = "seq 1 400000"


def much() -> str:
    return "".join(f"{number}\n" for number in range(1, 400_001))


def parent_of(run: Launched) -> int:
    wait_until(lambda: (read_json(run.files.job_process) or {}).get("pid"), "the job's PID")
    return int((read_json(run.files.job_process) or {})["parent"])


def test_what_opens_its_output_again_erases_nothing(launch: Launch) -> None:
    run = launch(OPENS_AGAIN)
    assert run.finish() is RunState.COMPLETED
    assert read_log(run.files) == SAID


def test_nor_do_ranks(launch: Launch) -> None:
    run = launch(OPENS_AGAIN, distribution=PyTorchDistribution(process_count_per_instance=3))
    assert run.finish() is RunState.COMPLETED
    assert [read_log(run.files, rank) for rank in range(3)] == [SAID] * 3


def test_nor_do_the_ranks_of_mpi(launch: Launch, mpirun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(mpirun.parent), prepend=os.pathsep)
    run = launch(
        OPENS_AGAIN + "env | grep -c WORKBENCH_RANK_PIPES; true",
        distribution=MpiDistribution(process_count_per_instance=2),
    )
    assert run.finish() is RunState.COMPLETED
    assert [read_log(run.files, rank) for rank in range(2)] == [SAID + "0\n"] * 2


def test_where_there_can_be_no_pipe_the_log_is_the_jobs_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_log, "place_of", lambda *of: "/nowhere")
    assert job_log.new_pipes(2) == []
    monkeypatch.undo()
    monkeypatch.setattr(local_start, "new_pipes", lambda count: [])
    files = RunLayout(tmp_path / "run")
    files.control.mkdir(parents=True)
    ranks = tuple(RankLaunch({"RANK": str(rank)}, rank) for rank in range(2))
    launch = JobLaunch("id", files, "echo plain $RANK; echo again >&2", tmp_path, os.environ, logs=2)
    job = local_start.PreparedLocalJob(launch).start(ranks)
    wait_until(lambda: job.wait(0.1), "its end")
    assert [read_log(files, rank) for rank in range(2)] == ["plain 0\nagain\n", "plain 1\nagain\n"]


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_supervisor_goes_on_where_the_parent_was_killed(launch: Launch, ranks: int) -> None:
    run = launch(
        f"echo on > outputs/on$RANK; while [ ! -e outputs/go ]; do sleep 0.05; done; {MUCH}; sleep 0.3; echo last",
        distribution=PyTorchDistribution(process_count_per_instance=ranks),
    )
    for rank in range(ranks):
        run.wait_for_file(f"on{rank}")
    os.kill(parent_of(run), signal.SIGKILL)
    (run.files.outputs / "go").touch()
    run.finish()
    assert [read_log(run.files, rank) for rank in range(ranks)] == [much() + "last\n"] * ranks


def test_who_adopts_goes_on_where_both_were_killed(launch: Launch) -> None:
    # Its own stdout is another by then, as after `exec > file`: what it started has the pipe still.
    run = launch(
        f"( while [ ! -e outputs/go ]; do sleep 0.05; done; {MUCH}; echo last; touch outputs/said ) & "
        "exec > outputs/other 2>&1; echo on > outputs/on; while [ ! -e outputs/said ]; do sleep 0.05; done"
    )
    run.wait_for_file("on")
    parent = parent_of(run)
    run.kill_supervisor()
    os.kill(parent, signal.SIGKILL)
    (run.files.outputs / "go").touch()
    judge(run.layout, [run.name])
    adopt(run.layout, run.name)
    run.finish()
    assert read_log(run.files) == much() + "last\n"


def test_what_was_printed_while_nobody_was_there_is_said_to_be_missing(launch: Launch) -> None:
    run = launch("echo first; echo on > outputs/on; while [ ! -e outputs/go ]; do sleep 0.05; done; echo last")
    run.wait_for_file("on")
    parent, child = parent_of(run), int((read_json(run.files.job_process) or {})["pid"])
    wait_until(lambda: read_log(run.files) == "first\n", "the parent to bring what was printed to the log")
    run.kill_supervisor()
    os.kill(parent, signal.SIGKILL)
    (run.files.outputs / "go").touch()
    wait_until(lambda: process_start(child) is None, "its end")
    adopt(run.layout, run.name)
    assert run.finish() is RunState.FAILED and read_log(run.files) == "first\n"
    assert any("its log may lack the end" in fields["text"] for fields in run.events("warning"))


def test_the_parent_goes_on_without_a_supervisor(launch: Launch) -> None:
    run = launch(f"echo on > outputs/on; while [ ! -e outputs/go ]; do sleep 0.05; done; {MUCH}")
    run.wait_for_file("on")
    run.kill_supervisor()
    (run.files.outputs / "go").touch()
    wait_until(lambda: (read_json(run.files.exit_status) or {}).get("exit_code") == 0, "the command's end")
    assert read_log(run.files) == much()
    adopt(run.layout, run.name)
    assert run.finish() is RunState.COMPLETED and read_log(run.files) == much()


def test_the_last_words_of_what_a_command_leaves_behind(launch: Launch) -> None:
    run = launch(
        "(trap 'echo ended; exit' TERM; touch outputs/on; while true; do sleep 0.05; done) & "
        "until [ -e outputs/on ]; do sleep 0.05; done"
    )
    assert run.finish() is RunState.COMPLETED
    assert read_log(run.files).endswith("ended\n")


def test_what_floods_its_output_is_ended_with_the_command(launch: Launch) -> None:
    run = launch("yes & sleep 0.2; echo over")
    assert run.finish() is RunState.COMPLETED


@pytest.fixture
def disk(here: Path) -> Iterator[Path]:
    with small_disk(here / "disk", 24 * 1024**2) as place:
        yield place


@pytest.mark.parametrize("lines", [1000, 400_000], ids=["that fits into memory", "that does not"])
def test_a_job_prints_on_while_the_disk_is_full(disk: Path, lines: int) -> None:
    from workbench.lifecycle import submit
    from workbench.spec import command
    from workbench_store.workspace import open_workspace

    layout = open_workspace(explicit=str(disk))
    signs = disk.parent
    job = command(
        command=f"echo first; touch {signs}/on; while [ ! -e {signs}/go ]; do sleep 0.05; done; "
        f"seq 1 {lines} || exit 9; touch {signs}/said; while [ ! -e {signs}/room ]; do sleep 0.05; done; "
        "sleep 1; echo last"
    )
    run = Launched(layout, submit(layout, job))
    try:
        wait_until((signs / "on").exists, "the job")
        ballast = fill(disk / "ballast")
        (signs / "go").touch()
        wait_until((signs / "said").exists, "a job that a full disk does not hold up")
        ballast.unlink()
        (signs / "room").touch()
        assert run.finish() is RunState.COMPLETED
    finally:
        (disk / "ballast").unlink(missing_ok=True)
        run.kill_everything()
    text = read_log(run.files)
    assert text.startswith("first\n1\n2\n") and text.endswith("last\n")
    if lines == 1000:
        assert text == "first\n" + "".join(f"{number}\n" for number in range(1, 1001)) + "last\n"
    else:
        (told,) = [line for line in text.splitlines() if "lost here" in line]
        lost = int(told.split()[1])
        whole = "first\n" + much() + "last\n"
        assert len(text) - len(told) - 2 == len(whole) - lost and shutil.disk_usage(disk).free > 0


def test_what_a_full_disk_never_took_is_told_by_the_run(disk: Path) -> None:
    from workbench.lifecycle import submit
    from workbench.spec import command
    from workbench_store.workspace import open_workspace

    layout = open_workspace(explicit=str(disk))
    signs = disk.parent
    job = command(command=f"touch {signs}/on; while [ ! -e {signs}/go ]; do sleep 0.05; done; seq 1 1000; exit 3")
    run = Launched(layout, submit(layout, job))
    try:
        wait_until((signs / "on").exists, "the job")
        fill(disk / "ballast")
        (signs / "go").touch()
        wait_until(lambda: (read_json(run.files.exit_status) or {}).get("exit_code") == 3, "the exit status")
        (disk / "ballast").unlink()
        assert run.finish() is RunState.FAILED and run.last_state()["exit_code"] == 3
    finally:
        (disk / "ballast").unlink(missing_ok=True)
        run.kill_everything()
    lost = len("".join(f"{number}\n" for number in range(1, 1001))) - len(read_log(run.files))
    told = [fields["text"] for fields in run.events("warning") if "bytes of the log were lost" in fields["text"]]
    assert told == [f"{lost:,} bytes of the log were lost: there was no room on the disk"]
