"""Processes that are not the run's, pipes, copies of a workspace, renamed machines, full disks, slots, logs, names."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from workbench.lifecycle import adopt, cancel, sweep_leftovers
from workbench.lifecycle.files import read_json, write_json
from workbench.lifecycle.judge import judge, supervisor_alive
from workbench.lifecycle.logs import read_log
from workbench.lifecycle.supervisor_start import start_supervisor
from workbench.spec import Environment, Input, Output
from workbench.workspace import Workspace
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.processes import process_start
from workbench_store.states import RunState
from workbench_store.store import Store

from tests.lifecycle.launched import Launch, Launched, wait_until
from tests.small_disk import fill, small_disk

FORGETFUL = [sys.executable, "-c", "import time; time.sleep(1000)"]


@pytest.fixture
def bystander() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of this user that leads a group of its own and belongs to nobody's job."""
    process = subprocess.Popen(FORGETFUL, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_process_that_has_got_a_jobs_pid_is_left_alone(launch: Launch, bystander: "subprocess.Popen[bytes]") -> None:
    run = launch("echo on > outputs/on; sleep 1000")
    run.wait_for_file("on")
    run.kill_everything()
    run.files.exit_status.unlink(missing_ok=True)
    record = read_json(run.files.job_process) or {}
    reused = {"pid": bystander.pid, "start": "1", "parent": os.getpid(), "parent_start": "1"}
    write_json(run.files.job_process, {**record, **reused, "ranks": [{**reused, "essential": True}]})
    adopt(run.layout, run.name)
    assert run.finish() is RunState.FAILED
    assert bystander.poll() is None


def test_a_copied_workspace_leaves_the_originals_job_alone(launch: Launch, tmp_path: Path) -> None:
    run = launch(
        "echo on > outputs/on; while [ ! -e outputs/go ]; do sleep 0.05; done; echo o > ${{outputs.o}}/f",
        outputs={"o": Output()},
    )
    run.wait_for_file("on")
    copy = WorkspaceLayout(tmp_path / "the copy" / ".workbench")
    shutil.copytree(run.layout.root, copy.root, symlinks=True)
    cancel(copy, run.name)
    twin = Launched(copy, run.name)
    assert twin.finish() is RunState.CANCELED
    assert run.state is RunState.RUNNING and run.processes()
    (run.files.outputs / "go").touch()
    assert run.finish() is RunState.COMPLETED
    assert (run.files.named_outputs / "o" / "f").read_text() == "o\n"
    assert not (twin.files.named_outputs / "o" / "f").exists()


def test_nor_does_a_copy_touch_it_when_the_original_was_moved(launch: Launch, here: Path, tmp_path: Path) -> None:
    run = launch("echo on > outputs/on; while [ ! -e outputs/go ]; do sleep 0.05; done")
    run.wait_for_file("on")
    copy, moved = WorkspaceLayout(tmp_path / "copy" / ".workbench"), WorkspaceLayout(here / "moved")
    shutil.copytree(run.layout.root, copy.root, symlinks=True)
    run.layout.root.rename(moved.root)
    original, twin = Launched(moved, run.name), Launched(copy, run.name)
    job = (read_json(original.files.job_process) or {})["pid"]
    try:
        cancel(copy, run.name)
        assert twin.finish() is RunState.CANCELED
        assert process_start(job) is not None
    finally:
        (original.files.outputs / "go").touch()
    wait_until(lambda: process_start(job) is None, "the end of the original's job")
    moved.root.rename(run.layout.root)
    # Its supervisor could not find its folder meanwhile, and may have left.
    wait_until(lambda: run.state.final or not supervisor_alive(run.files), "its supervisor to go on or to leave")
    if not run.state.final:
        adopt(run.layout, run.name)
    assert run.finish() is RunState.COMPLETED


def test_pipes_in_outputs_and_inputs_hold_nobody_up(launch: Launch, here: Path) -> None:
    data = here / "data"
    data.mkdir()
    os.mkfifo(data / "pipe")
    (data / "rows").write_text("rows\n")
    run = launch(
        "cp ${{inputs.d}}/rows ${{outputs.o}}/rows; mkfifo ${{outputs.o}}/pipe",
        inputs={"d": Input(path=str(data), type="uri_folder", mode="download")},
        outputs={"o": Output(path=str(here / "published"), mode="upload")},
    )
    assert run.finish() is RunState.COMPLETED
    assert os.listdir(here / "published") == ["rows"]


def test_adopting_does_not_double_the_machines_figures(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SYSTEM_METRICS", "0.2")
    run = launch("while [ ! -e outputs/go ]; do sleep 0.05; done")
    seen = Workspace(run.layout.root, create=False).run(run.name)
    key = "system/cpu_percent"
    wait_until(lambda: seen.metrics().get(key) is not None, "the first figures")
    run.kill_supervisor()
    before = len(seen.series(key).steps)
    adopt(run.layout, run.name)
    wait_until(lambda: len(seen.series(key).steps) > before + 8, "more figures")
    (run.files.outputs / "go").touch()
    run.finish()
    steps = seen.series(key).steps
    assert steps == sorted(set(steps)), "each step once"


def test_a_run_took_as_long_as_its_command_whenever_it_is_adopted(launch: Launch) -> None:
    run = launch("echo on > outputs/on; while [ ! -e outputs/go ]; do sleep 0.05; done")
    run.wait_for_file("on")
    run.kill_supervisor()
    (run.files.outputs / "go").touch()
    wait_until(run.files.exit_status.exists, "the exit status")
    told = read_json(run.files.exit_status) or {}
    time.sleep(1.1)  # what is waited for is that time passes
    adopt(run.layout, run.name)
    run.finish()
    record = Workspace(run.layout.root, create=False).run(run.name).record()
    assert record.seconds == told["seconds"] and record.ended == told["ended"]
    stage = next(event for event in reversed(run.events("stage")) if event["stage"] == "run")
    assert stage["seconds"] == told["seconds"]


@pytest.fixture
def silent_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A package index that takes calls and never answers; set once it was called."""
    called = threading.Event()
    kept = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_nobody() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return
                called.set()

        threading.Thread(target=answer_nobody, daemon=True).start()
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.getsockname()[1]}/simple")
        monkeypatch.setenv("UV_HTTP_TIMEOUT", "1000")
        yield called
        for one in kept:
            one.close()


def test_cancelling_ends_an_environments_build(launch: Launch, silent_index: threading.Event) -> None:
    conda = {"dependencies": [f"python={sys.version_info.major}.{sys.version_info.minor}", {"pip": ["humanize"]}]}
    run = launch("true", environment=Environment(conda_file=conda))
    assert silent_index.wait(30), "the installer has asked the index"
    cancel(run.layout, run.name)
    assert run.finish() is RunState.CANCELED
    assert not run.processes()


@pytest.mark.parametrize("gone", ["$(readlink outputs)", "$(readlink logs)"])
def test_a_job_that_removes_its_folders_is_completed(launch: Launch, gone: str) -> None:
    run = launch(f"rm -rf {gone}; echo done")
    assert run.finish() is RunState.COMPLETED
    assert not run.layout.staged(run.name).exists()


def test_a_file_in_the_place_of_outputs_is_kept(launch: Launch) -> None:
    run = launch("rm outputs; echo data > outputs")
    assert run.finish() is RunState.COMPLETED
    assert (run.files.outputs / "outputs").read_text() == "data\n"
    assert "outputs/outputs" in run.artifacts()


def test_links_out_of_the_outputs_are_told_and_not_read(launch: Launch) -> None:
    run = launch("ln -s /proc/uptime outputs/changing")
    assert run.finish() is RunState.COMPLETED
    (artifact,) = [fields for fields in run.events("artifact") if fields["path"] == "outputs/changing"]
    assert artifact["hash"] is None


def test_a_machine_that_was_renamed_still_knows_its_runs(launch: Launch) -> None:
    run = launch("echo on > outputs/on; sleep 1000")
    run.wait_for_file("on")
    run.kill_supervisor()
    for path in (run.files.supervisor_process, run.files.job_process, run.files.identity):
        write_json(path, {**(read_json(path) or {}), "host": "as-it-was-called"})
    assert judge(run.layout, [run.name]) == {run.name: RunState.NOT_RESPONDING}
    cancel(run.layout, run.name)
    assert run.finish() is RunState.CANCELED
    assert not run.processes()


def test_a_log_ends_within_its_cap(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_LOG_CAP", str(64 * 1024))
    run = launch("echo first; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo last")
    assert run.finish() is RunState.COMPLETED
    assert run.files.user_log.stat().st_size < 66 * 1024
    text = read_log(run.files)
    assert text.startswith("first\n") and text.endswith("last\n") and "left out here" in text


def test_a_slot_stays_taken_while_the_job_runs(launch: Launch, here: Path) -> None:
    from workbench.compute import add_compute

    layout = launch("true").layout
    add_compute(layout, "single", "local", {"slots": 1})
    first = launch("echo on > outputs/on; while [ ! -e outputs/go ]; do sleep 0.05; done", compute="single")
    first.wait_for_file("on")
    first.kill_supervisor()
    second = launch("true", compute="single")
    second.wait_for(RunState.QUEUED)
    (first.files.outputs / "go").touch()
    assert second.finish() is RunState.COMPLETED


def test_a_sweep_removes_what_killed_snapshots_left(launch: Launch, layout: WorkspaceLayout) -> None:
    layout.blobs.mkdir(exist_ok=True)
    old, new = layout.blobs / "a.new", layout.blobs / "b.new"
    for draft in (old, new):
        draft.write_bytes(b"half")
    os.utime(old, (1, 1))
    sweep_leftovers(layout)
    assert new.exists() and not old.exists()


def test_a_run_sweeps_at_its_end(launch: Launch, layout: WorkspaceLayout) -> None:
    layout.blobs.mkdir(exist_ok=True)
    old = layout.blobs / "a.new"
    old.write_bytes(b"half")
    os.utime(old, (1, 1))
    launch("true").finish()
    wait_until(lambda: not old.exists(), "the sweep")


def test_a_folder_with_blanks_and_quotes_is_one_word_to_the_command(launch: Launch, here: Path) -> None:
    data = here / 'My "Project\'s" $data'
    data.mkdir()
    (data / "rows").write_text("rows\n")
    run = launch(
        "cat ${{inputs.d}}/rows > ${{outputs.o}}/seen",
        inputs={"d": Input(path=str(data), type="uri_folder")},
        outputs={"o": Output(path=str(here / "out put"))},
    )
    assert run.finish() is RunState.COMPLETED
    assert (here / "out put" / "seen").read_text() == "rows\n"


# -- a disk that is full when the command ends

DISK_BYTES = 24 * 1024 * 1024
FILL = "cat /dev/zero > ${{inputs.ballast}} 2>/dev/null; cat /dev/zero >> ${{inputs.ballast}} 2>/dev/null"


@pytest.fixture
def disk(here: Path) -> Iterator[Path]:
    """A small file system for the workspace."""
    with small_disk(here / "disk", DISK_BYTES) as place:
        yield place


def test_how_a_job_ended_is_known_though_the_disk_is_full(disk: Path) -> None:
    from workbench.lifecycle import submit
    from workbench.spec import command
    from workbench_store.workspace import open_workspace

    layout = open_workspace(explicit=str(disk))
    ballast = disk / "ballast"
    job = command(command=f"{FILL}; exit 3", inputs={"ballast": str(ballast)})
    run = Launched(layout, submit(layout, job))
    try:
        wait_until(lambda: (read_json(run.files.exit_status) or {}).get("exit_code") == 3, "the exit status")
        assert shutil.disk_usage(disk).free == 0
        # The last page of its journal may have room for the end; if not, the run is held until there is some.
        assert run.state.final or judge(layout, [run.name]) == {}
        ballast.unlink()
        assert run.finish() is RunState.FAILED
        assert run.last_state()["exit_code"] == 3
    finally:
        ballast.unlink(missing_ok=True)
        run.kill_everything()


def test_what_was_cancelled_is_not_started_when_there_is_room_again(disk: Path) -> None:
    from workbench.compute import add_compute
    from workbench.lifecycle import submit
    from workbench.spec import command
    from workbench_store.workspace import open_workspace

    layout = open_workspace(explicit=str(disk))
    add_compute(layout, "single", "local", {"slots": 1})
    ballast, proof = disk / "ballast", disk.parent / "proof"
    first = Launched(layout, submit(layout, command(command="sleep 1000", compute="single")))
    first.wait_for(RunState.RUNNING)
    second = Launched(layout, submit(layout, command(command=f"touch {proof}", compute="single")))
    second.wait_for(RunState.QUEUED)
    try:
        subprocess.run(
            ["sh", "-c", f"cat /dev/zero > {ballast}; cat /dev/zero >> {ballast}"], stderr=subprocess.DEVNULL
        )
        first.kill_everything()
        wait_until(lambda: (not second.state.final and len(second.processes()) > 0) or second.state.final, "the parent")
        cancel(layout, second.name)
        wait_until(lambda: not second.processes(), "the end of what waits")
    finally:
        ballast.unlink(missing_ok=True)
    second.finish()
    assert not proof.exists()


def test_an_edit_that_the_disk_does_not_take_is_told(disk: Path) -> None:
    from workbench.compute import add_compute
    from workbench.lifecycle import edit_note, edit_tags
    from workbench_store.errors import WorkspaceError
    from workbench_store.workspace import open_workspace

    layout = open_workspace(explicit=str(disk))
    layout.run("r").journals.mkdir(parents=True)
    ballast = disk / "ballast"
    fill(ballast)
    with pytest.raises(WorkspaceError):
        edit_tags(layout, ["r"], {"k": "v"})
    with pytest.raises(WorkspaceError):
        edit_note(layout, "r", "text")
    with pytest.raises(WorkspaceError):
        add_compute(layout, "two", "local", {})


LAST_WORDS = """
import resource, signal, workbench, os
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
workbench.log({"k": 0.0}, step=0)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
folder = os.path.join(os.environ["WORKBENCH_RUN_DIR"], "journal")
size = max(os.stat(os.path.join(folder, name)).st_size for name in os.listdir(folder) if name.startswith("client"))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
for step in range(1, 30):
    workbench.log({"k": float(step)}, step=step)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
"""


def test_what_waits_when_a_jobs_script_ends_is_written(launch: Launch, here: Path) -> None:
    (here / "src").mkdir()
    (here / "src" / "main.py").write_text(LAST_WORDS)
    run = launch(f"{sys.executable} main.py", code=str(here / "src"))
    assert run.finish() is RunState.COMPLETED
    assert Workspace(run.layout.root, create=False).run(run.name).series("k").steps == list(range(30))


def test_a_rebuild_that_has_no_room_leaves_the_store_as_it_was(disk: Path) -> None:
    from workbench_store.errors import WorkbenchError
    from workbench_store.journal.writer import JournalWriter
    from workbench_store.rebuild import rebuild
    from workbench_store.workspace import open_workspace

    layout = open_workspace(explicit=str(disk))
    for number in range(3):
        layout.run(f"r{number}").journals.mkdir(parents=True)
        writer = JournalWriter(layout.run(f"r{number}").journals, "script")
        for step in range(3000):
            writer.points(1.0, step, ("k",), (float(step),))
        writer.close()
    store = Store(layout)
    store.refresh()
    before = store.series("r1", "k")
    fill(disk / "ballast")
    with pytest.raises((WorkbenchError, OSError)):
        rebuild(layout)
    assert Store(layout).series("r1", "k") == before
    (disk / "ballast").unlink()
    rebuild(layout)
    assert store.series("r1", "k") == before and json.dumps(os.listdir(layout.tmp)).count("rebuild/") == 0


def test_killing_the_job_parent_while_the_job_runs_keeps_the_slot_with_the_supervisor(launch: Launch) -> None:
    from workbench.compute import add_compute

    layout = launch("true").layout
    add_compute(layout, "single", "local", {"slots": 1})
    first = launch("echo on > outputs/on; sleep 1000", compute="single")
    first.wait_for_file("on")
    wait_until(lambda: (read_json(first.files.job_process) or {}).get("pid"), "the job's PID")
    os.kill((read_json(first.files.job_process) or {})["parent"], signal.SIGKILL)
    second = launch("true", compute="single")
    second.wait_for(RunState.QUEUED)
    cancel(layout, first.name)
    assert first.finish() is RunState.CANCELED
    assert second.finish() is RunState.COMPLETED


@pytest.mark.parametrize("taken", [False, True], ids=["free", "taken"])
def test_a_supervisor_whose_run_was_given_up_makes_none(launch: Launch, layout: WorkspaceLayout, taken: bool) -> None:
    name = launch("true", name="given-up").name if taken else "given-up"
    if taken:
        Launched(layout, name).finish()
    files = layout.run(name)
    before = sorted(files.root.rglob("*"))
    folder = RunLayout(layout.tmp / "run-given-up")
    folder.control.mkdir(parents=True)
    started = start_supervisor(layout, name, folder.root, adopting=False)
    assert started.await_lock()
    pid = (read_json(folder.supervisor_process) or {})["pid"]
    # The submitter removes the folder, and a busy machine lets the supervisor look only then.
    shutil.rmtree(folder.root)
    started.abandon()
    wait_until(lambda: process_start(pid) is None, "the supervisor's end")
    assert sorted(files.root.rglob("*")) == before and files.root.exists() is taken
