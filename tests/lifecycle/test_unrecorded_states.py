"""Runs that end while nothing can be written, neither their journals nor the store, are shown as they are, and what is
lost of them is told."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode
from workbench.lifecycle import close_run, collect, submit
from workbench.lifecycle.files import read_json
from workbench.lifecycle.follow import FollowEvent, StateChanged, follow
from workbench.view.fresh import refresh
from workbench_store.errors import RunError, WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.rebuild import rebuild
from workbench_store.states import RunState
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

from tests.lifecycle.launched import Launched, wait_until
from tests.permissions import without_override
from tests.small_disk import fill, small_disk
from workbench import Workspace, command

SCRIPT = """
import sys, time, workbench
from pathlib import Path

with workbench.start_run(name=sys.argv[1], workspace="disk", system_metrics=False) as run:
    run.log({"k": 1.0})
    Path(sys.argv[1] + ".up").touch()
    while not Path("go").exists():
        time.sleep(0.02)
"""


@pytest.fixture
def disk(here: Path) -> Iterator[Path]:
    with small_disk(here / "disk", 12 * 1024 * 1024) as place:
        yield place


def started(here: Path, name: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, name])
    wait_until((here / f"{name}.up").exists, f"{name} to log")
    return process


def states_told(layout: WorkspaceLayout) -> dict[str, str]:
    """By every way of asking, which must say the same."""
    store = Store(layout)
    refresh(layout, store)
    told = {row.name: str(row.state) for row in store.runs().rows}
    assert {name: str(store.run(name).state) for name in told} == told
    assert {name: str(store.detail(name).states[-1].state) for name in told} == told
    counts = store.state_counts()
    assert {state: list(told.values()).count(state) for state in counts} == counts
    asked = store.query("SELECT name, state FROM runs WHERE ended IS NOT NULL OR state = 'NotResponding'").rows()
    assert dict(asked) == {name: state for name, state in told.items() if state != "Running"}
    running = store.matching("state = 'Running'").names
    assert running == sorted(name for name, state in told.items() if state == "Running")
    words = [sys.executable, "-m", "workbench", "--workspace", str(layout.root), "ls", "--json"]
    listed = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)["runs"]
    assert {run["name"]: run["state"] for run in listed} == told
    workspace = Workspace(layout.root)
    over = [name for name, state in told.items() if state != "Running"]
    assert {name: str(workspace.run(name).wait(timeout=10)) for name in over} == {name: told[name] for name in over}
    return told


def test_on_a_full_disk_runs_end_all_the_same(here: Path, disk: Path) -> None:
    layout = open_workspace(disk)
    killed, ended, living = (started(here, name) for name in ("killed", "ended", "living"))
    job = Launched(layout, submit(layout, command(command="sleep 1000"), narrate=None))
    try:
        job.wait_for(RunState.RUNNING)
        assert set(states_told(layout).values()) == {"Running"}
        fill(disk / "ballast")
        killed.kill()
        killed.wait()
        os.kill(ended.pid, signal.SIGTERM)
        ended.wait()
        job.kill_supervisor()
        expected = {"killed": "Failed", "ended": "Failed", "living": "Running", job.name: "NotResponding"}
        wait_until(lambda: states_told(layout) == expected, "what became of them")
        ends = {row.name: (row.started, row.ended) for row in Store(layout).runs().rows}
        seen: list[FollowEvent] = []
        assert follow(layout, job.name, seen.append) is RunState.NOT_RESPONDING
        assert isinstance(seen[-1], StateChanged) and "is gone" in str(seen[-1].reason)
        (disk / "ballast").unlink()
        assert states_told(layout) == expected
        assert {row.name: (row.started, row.ended) for row in Store(layout).runs().rows} == ends, "and it was recorded"
        assert not lease_of(layout).overlay.rows
        (here / "go").touch()
        assert living.wait() == 0
        wait_until(lambda: states_told(layout) == {**expected, "living": "Completed"}, "the last one's end")
        rebuild(layout)
        assert states_told(layout) == {**expected, "living": "Completed"}
    finally:
        (here / "go").touch()
        job.kill_everything()


def test_a_run_that_is_removed_while_the_disk_is_full_gets_no_other_state(here: Path, disk: Path) -> None:
    layout = open_workspace(disk)
    ended = started(here, "ended")
    assert states_told(layout) == {"ended": "Running"}
    fill(disk / "ballast")
    (here / "go").touch()
    assert ended.wait() == 0
    wait_until(lambda: states_told(layout) == {"ended": "Completed"}, "its end")
    words = [sys.executable, "-m", "workbench", "--workspace", str(disk)]
    subprocess.run([*words, "rm", "ended", "--yes"], check=True, capture_output=True)
    store = Store(layout)
    refresh(layout, store)
    assert {str(row.state) for row in store.runs().rows} <= {"Running", "Completed"}, "lists show what they showed"
    (disk / "ballast").unlink()
    refresh(layout, store)
    assert store.runs().rows == ()


def test_a_job_that_filled_the_disk_before_anybody_looked_is_found_and_cancelled(here: Path, disk: Path) -> None:
    layout = open_workspace(disk)
    first = started(here, "first")
    (here / "go").touch()
    assert first.wait() == 0 and states_told(layout) == {"first": "Completed"}
    text = f'{sys.executable} -c \'import workbench; workbench.log_text("words", "of it")\'; echo said; sleep 1000'
    job = Launched(layout, submit(layout, command(command=text, inputs={"lr": 0.5}, name="filling")))
    try:
        job.wait_for(RunState.RUNNING)
        wait_until(lambda: job.files.user_log.read_text() == "said\n", "its first words")
        fill(disk / "ballast")
        words = [sys.executable, "-m", "workbench", "--workspace", str(disk)]
        shown = subprocess.run([*words, "show", "filling", "--json"], capture_output=True, check=True)
        assert json.loads(shown.stdout)["state"] == "Running"
        assert subprocess.run([*words, "logs", "filling"], capture_output=True, check=True).stdout == b"said\n"
        listed = subprocess.run([*words, "media", "filling"], capture_output=True, check=True, text=True).stdout
        assert "words" in listed
        run = Workspace(disk).run("filling")
        assert (run.state, run.params, run.metrics()) == (RunState.RUNNING, {"lr": 0.5}, {})
        assert subprocess.run([*words, "cancel", "filling"], capture_output=True).returncode == 0
        assert run.wait(timeout=30) is RunState.CANCELED and run.state is RunState.CANCELED
    finally:
        job.kill_everything()


LOGGING = """
import os, time, workbench

if "WORKBENCH_RUN_DIR" not in os.environ:
    workbench.start_run(name="k", workspace="disk", system_metrics=False)
for n in range(10**6):
    workbench.log({"n": n}, step=n)
    print("line", n, "x" * 500, flush=True)
    time.sleep(0.005)
"""


@pytest.mark.parametrize("ended_by", ["cancel", "timeout"])
def test_of_a_job_that_is_ended_on_a_full_disk_it_is_told_that_more_is_lost(
    here: Path, disk: Path, ended_by: str
) -> None:
    layout = open_workspace(disk)
    (here / "log.py").write_text(LOGGING)
    text = f"{sys.executable} {here / 'log.py'}"
    seconds = 6 if ended_by == "timeout" else None
    job = Launched(layout, submit(layout, command(command=text, timeout=seconds)))
    try:
        job.wait_for(RunState.RUNNING)
        wait_until(lambda: b"line 20 " in job.files.user_log.read_bytes(), "its first words")
        fill(disk / "ballast")
        wait_until(lambda: list(job.files.journals.glob("client-*.waits")), "points that wait for room")
        if ended_by == "cancel":
            Workspace(disk).run(job.name).cancel()
        assert Workspace(disk).run(job.name).wait(timeout=60) is RunState.CANCELED
        (disk / "ballast").unlink()
        job.finish()
        warnings = " ".join(job.warnings())
        assert "bytes of the log were lost" in warnings and "what waited for room on the full disk" in warnings
        assert not list(job.files.journals.glob("*.waits"))
    finally:
        job.kill_everything()


def test_of_a_script_that_is_killed_on_a_full_disk_too(here: Path, disk: Path) -> None:
    layout = open_workspace(disk)
    with subprocess.Popen([sys.executable, "-c", LOGGING], stdout=subprocess.DEVNULL) as process:
        files = layout.run("k")
        wait_until(lambda: list(files.journals.glob("script-*.wbj")), "its run")
        fill(disk / "ballast")
        wait_until(lambda: list(files.journals.glob("script-*.waits")), "points that wait for room")
        (disk / "ballast").unlink()
        wait_until(lambda: not list(files.journals.glob("script-*.waits")), "points that are written")
        fill(disk / "ballast")
        wait_until(lambda: list(files.journals.glob("script-*.waits")), "points that wait for room again")
        process.kill()
    (disk / "ballast").unlink()
    refresh(layout, store := Store(layout))
    record = store.run("k")
    assert record.state is RunState.FAILED and "what waited for room on the full disk" in str(record.reason)
    assert not list(files.journals.glob("*.waits")), "it is told once"


def test_on_a_disk_that_turned_read_only_too(here: Path, disk: Path) -> None:
    layout = open_workspace(disk)
    killed = started(here, "killed")
    assert states_told(layout) == {"killed": "Running"}
    killed.kill()
    killed.wait()
    lease_of(layout).rest()
    turning = ["mount", "-o", "remount,ro", str(disk)]
    wait_until(
        lambda: subprocess.run(turning, capture_output=True).returncode == 0, "whoever uses the disk to leave it"
    )
    try:
        assert states_told(layout) == {"killed": "Failed"}
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert states_told(layout) == {"killed": "Failed"}
    assert not lease_of(layout).overlay.rows


def test_a_run_that_may_only_be_looked_at_is_not_cancelled_and_it_is_said_why(here: Path, disk: Path) -> None:
    job = Launched(layout := open_workspace(disk), submit(layout, command(command="sleep 1000")))
    view = here / "view"
    view.mkdir()
    subprocess.run(["mount", "--bind", str(disk), str(view)], check=True)
    try:
        job.wait_for(RunState.RUNNING)
        states_told(layout)
        subprocess.run(["mount", "-o", "remount,ro,bind", str(view)], check=True)
        words = [sys.executable, "-m", "workbench", "--workspace", str(view), "cancel", job.name]
        held = subprocess.run(words, capture_output=True, text=True)
        assert held.returncode == ExitCode.WORKSPACE and "Read-only file system" in held.stderr, held.stderr
        assert job.state is RunState.RUNNING
    finally:
        subprocess.run(["umount", str(view)], check=True)
        job.kill_everything()


def test_a_note_of_what_is_lost_stays_until_it_is_told(here: Path, disk: Path) -> None:
    """All of a job is killed; what closes the run finds no room, and is asked again."""
    layout = open_workspace(disk)
    (here / "log.py").write_text(LOGGING)
    job = Launched(layout, submit(layout, command(command=f"{sys.executable} {here / 'log.py'}")))
    try:
        job.wait_for(RunState.RUNNING)
        wait_until(lambda: list(job.files.journals.glob("client-*.wbj")), "its first points")
        fill(disk / "ballast")
        wait_until(lambda: list(job.files.journals.glob("client-*.waits")), "points that wait for room")
    finally:
        job.kill_everything()
    with pytest.raises(WorkspaceError, match="nothing was recorded"):
        close_run(layout, job.name, RunState.FAILED)
    assert list(job.files.journals.glob("*.waits"))
    (disk / "ballast").unlink()
    close_run(layout, job.name, RunState.FAILED)
    assert "what waited for room on the full disk" in " ".join(job.warnings())
    assert not list(job.files.journals.glob("*.waits"))


def test_a_job_that_makes_its_runs_control_unwritable_at_once_is_watched_all_the_same(here: Path) -> None:
    layout = open_workspace()
    control = layout.run("j").control
    (here / "job.yml").write_text(f"command: chmod 500 {control}; sleep 1; exit 3\nname: j\n")
    words = [*without_override(), sys.executable, "-m", "workbench", "run", "--detach", "job.yml"]
    subprocess.run(words, check=True, capture_output=True)
    job = Launched(layout, "j")
    try:
        wait_until(lambda: job.state.final, "the run's end")
    finally:
        control.chmod(0o700)
    job.finish()
    assert job.last_state()["exit_code"] == 3, job.last_state()


def test_a_job_with_nothing_to_save_is_completed_though_the_disk_is_full(here: Path, disk: Path) -> None:
    layout = open_workspace(disk)
    text = f"while ! test -e {here / 'go'}; do sleep 0.05; done"
    job = Launched(layout, submit(layout, command(command=text)))
    try:
        job.wait_for(RunState.RUNNING)
        wait_until(lambda: (read_json(job.files.job_process) or {}).get("pid"), "the job")
        fill(disk / "ballast")
        (here / "go").touch()
        wait_until(job.files.collected.exists, "that it is written down that all is saved")
        (disk / "ballast").unlink()
        assert job.finish() is RunState.COMPLETED, job.last_state()
    finally:
        job.kill_everything()


def test_a_job_whose_many_files_find_no_room_to_be_recorded_is_completed_when_they_do(here: Path, disk: Path) -> None:
    """Who follows it may leave meanwhile."""
    (here / "job.yml").write_text(
        f"name: many\ncommand: for n in $(seq 60); do echo $n > outputs/file-$n; done; touch {here / 'on'}; "
        f"while ! test -e {here / 'go'}; do sleep 0.05; done\n"
    )
    words = [sys.executable, "-m", "workbench", "--workspace", str(disk), "run", "job.yml"]
    following = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    job = Launched(open_workspace(disk), "many")
    try:
        wait_until((here / "on").exists, "its files")
        fill(disk / "ballast")
        (here / "go").touch()
        wait_until(lambda: not job.processes(), "the command's end")
        time.sleep(1.0)
        assert job.state in (RunState.RUNNING, RunState.FINALIZING)
        following.send_signal(signal.SIGTERM)
        _, told = following.communicate(timeout=60)
        assert following.returncode == ExitCode.INTERRUPTED, told
        (disk / "ballast").unlink()
        assert job.finish() is RunState.COMPLETED, job.last_state()
        assert len([one for one in Workspace(disk).run("many").artifacts if one.kind == "output"]) == 60
        assert job.files.collected.exists() and not job.layout.staged("many").exists()
    finally:
        (disk / "ballast").unlink(missing_ok=True)
        job.kill_everything()


def test_who_collects_outputs_on_a_full_disk_is_told_so_at_once(here: Path, disk: Path) -> None:
    layout = open_workspace(disk)
    text = f"for n in $(seq 60); do echo $n > outputs/file-$n; done; touch {here / 'on'}; sleep 600"
    job = Launched(layout, submit(layout, command(command=text)))
    try:
        wait_until((here / "on").exists, "its files")
    finally:
        job.kill_everything()
    close_run(layout, job.name, RunState.FAILED)
    fill(disk / "ballast")
    with pytest.raises(RunError, match=r"cannot be saved: .*No space"):
        collect(layout, job.name)
    (disk / "ballast").unlink()
    collect(layout, job.name)
    assert len([one for one in Workspace(disk).run(job.name).artifacts if one.kind == "output"]) == 60


def test_a_job_with_nothing_to_save_is_completed_though_the_disk_takes_no_more_files(here: Path) -> None:
    with small_disk(here / "few", 24 * 1024 * 1024, files=200) as few:
        layout = open_workspace(few)
        job = Launched(layout, submit(layout, command(command=f"while ! test -e {here / 'go'}; do sleep 0.05; done")))
        try:
            job.wait_for(RunState.RUNNING)
            wait_until(lambda: (read_json(job.files.job_process) or {}).get("pid"), "the job")
            (few / "many").mkdir()
            with pytest.raises(OSError, match="No space"):
                for number in range(10_000):
                    (few / "many" / str(number)).touch()
            (here / "go").touch()
            assert job.finish() is RunState.COMPLETED, job.last_state()
            assert job.files.collected.exists() and not layout.staged(job.name).exists()
        finally:
            job.kill_everything()


@pytest.mark.parametrize("code", [0, 3])
def test_how_a_job_ended_is_known_though_the_runs_control_may_not_be_written_any_more(here: Path, code: int) -> None:
    layout = open_workspace()
    (here / "job.yml").write_text(f"command: touch outputs/on; sleep 1; exit {code}\nname: j\n")
    words = [*without_override(), sys.executable, "-m", "workbench", "run", "--detach", "job.yml"]
    subprocess.run(words, check=True, capture_output=True)
    job = Launched(layout, "j")
    job.wait_for_file("on")
    job.wait_for(RunState.RUNNING)
    wait_until(lambda: (read_json(job.files.job_process) or {}).get("pid"), "the job's parent to name it")
    job.files.control.chmod(0o500)
    try:
        wait_until(lambda: job.state.final, "the run's end")
    finally:
        job.files.control.chmod(0o700)
    job.finish()
    assert job.last_state()["exit_code"] == code, job.last_state()
