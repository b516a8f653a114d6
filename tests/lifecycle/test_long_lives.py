"""What meets a run that lives long: the package goes away under it, the machine sleeps, its disk turns read-only, its
clock's zone changes, and it logs for weeks."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import workbench_store
from workbench.compute.registry import add_compute
from workbench.lifecycle.judge import current_state
from workbench.view.fresh import refresh
from workbench_store.errors import StaleStore, WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState
from workbench_store.store import Store

import workbench
from tests.lifecycle.launched import Launch, wait_until
from tests.small_disk import small_disk

pytestmark = pytest.mark.slow

SUBMITTING = """
import sys
from workbench import Input, Output, Workspace, command
words = "touch {2}.started; cp -r {0}inputs.local{1} copy; while ! test -e {2}; do sleep 0.05; done; "
words += "echo x > outputs/o.txt; echo y > {0}outputs.named{1}/n.txt"
job = command(
    command=words.format("${{", "}}", sys.argv[1]),
    code="./code",
    inputs={"local": Input(type="uri_folder", path="./data", mode="download")},
    outputs={"named": Output(type="uri_folder", path="./results", mode="upload")},
    compute="single",
)
print(Workspace().submit(job).name)
"""


@pytest.mark.parametrize("moment", [RunState.QUEUED, RunState.RUNNING])
def test_the_package_goes_away_under_a_living_supervisor(
    here: Path, layout: WorkspaceLayout, launch: Launch, moment: RunState
) -> None:
    add_compute(layout, "single", "local", {"slots": 1})
    before = launch("while ! test -e outputs/go; do sleep 0.05; done", compute="single")
    before.wait_for(RunState.RUNNING)
    installed = install(here)
    for folder in ("code", "data"):
        (here / folder).mkdir()
        (here / folder / "file.txt").write_text(folder)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    submitting = [sys.executable, "-c", SUBMITTING, str(here / "go")]
    name = subprocess.run(submitting, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    if moment is RunState.RUNNING:
        (before.files.outputs / "go").touch()
        wait_until((here / "go.started").exists, "the command to run")
    wait_until(lambda: current_state(layout.run(name)) is moment, f"the run to be {moment}")
    shutil.rmtree(installed)
    (here / "go").touch()
    (before.files.outputs / "go").touch()
    wait_until(lambda: current_state(layout.run(name)).final, "the run to end")
    refresh(layout, store := Store(layout))
    record = store.run(name)
    assert (record.state, record.reason) == (RunState.COMPLETED, None)
    assert (here / "results" / "n.txt").read_text() == "y\n" and not layout.staged(name).exists()
    assert {one.path for one in store.artifacts(name)} >= {"outputs/o.txt"}


OTHERS = """
import sys
from workbench import PyTorchDistribution, Workspace, command
ways = {
    "for a while": command(command="sleep 2; echo x > outputs/o.txt"),
    "fails": command(command="sleep 1.5; exit 3"),
    "in ranks": command(command="sleep 2; echo $RANK", distribution=PyTorchDistribution(process_count_per_instance=2)),
    "too long": command(command="sleep 100"),
    "cancelled": command(command="sleep 100"),
    "removes its outputs": command(command="rm -rf outputs logs; sleep 1.5"),
}
job = ways[sys.argv[1]]
if sys.argv[1] == "too long":
    job.limits = {"timeout": 2}
job.compute = "single"
print(Workspace().submit(job).name)
"""


@pytest.mark.parametrize("moment", [RunState.QUEUED, RunState.RUNNING])
@pytest.mark.parametrize(
    ("way", "state"),
    [
        ("for a while", RunState.COMPLETED),
        ("fails", RunState.FAILED),
        ("in ranks", RunState.COMPLETED),
        ("too long", RunState.CANCELED),
        ("cancelled", RunState.CANCELED),
        ("removes its outputs", RunState.COMPLETED),
    ],
)
def test_a_job_ends_as_it_should_though_the_package_goes_away(
    here: Path, layout: WorkspaceLayout, launch: Launch, way: str, state: RunState, moment: RunState
) -> None:
    """Whatever its supervisor needs late is loaded by then."""
    add_compute(layout, "single", "local", {"slots": 1})
    before = launch("while ! test -e outputs/go; do sleep 0.05; done", compute="single")
    before.wait_for(RunState.RUNNING)
    installed = install(here)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    submitting = [sys.executable, "-c", OTHERS, way]
    name = subprocess.run(submitting, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    if moment is RunState.RUNNING:
        (before.files.outputs / "go").touch()
    wait_until(lambda: current_state(layout.run(name)) is moment, f"the run to be {moment}")
    shutil.rmtree(installed)
    (before.files.outputs / "go").touch()
    run = workbench.Workspace(here).run(name)
    if way == "cancelled":
        wait_until(lambda: run.state is RunState.RUNNING, "it to run")
        run.cancel()
    assert run.wait(60) is state, run.record().reason
    assert "ModuleNotFound" not in str(run.record().reason) and not run.warnings
    assert not layout.staged(name).exists()


def test_an_error_of_ours_leaves_a_living_job_to_be_adopted(here: Path, layout: WorkspaceLayout) -> None:
    """It is not said to be over while it goes on."""
    installed = install(here)
    add_compute(layout, "single", "local", {"slots": 1})
    module = installed / "workbench" / "lifecycle" / "system_metrics.py"
    text = module.read_text()
    module.write_text(text.replace("        self._tried = True\n", "        raise RuntimeError('an error of ours')\n"))
    assert module.read_text() != text
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    submitting = [sys.executable, "-c", OTHERS, "for a while"]
    name = subprocess.run(submitting, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    run = workbench.Workspace(here).run(name)
    assert run.wait(60) is RunState.NOT_RESPONDING
    assert "an error of ours" in run.files.supervisor_log.read_text()
    run.adopt()
    assert run.wait(60) is RunState.COMPLETED and (run.files.outputs / "o.txt").read_text() == "x\n"


def install(here: Path) -> Path:
    """A copy of the package, which may be removed."""
    installed = here / "installed"
    for package in (workbench, workbench_store):
        source = Path(str(package.__file__)).parent
        shutil.copytree(source, installed / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return installed


def test_a_machine_that_sleeps_wakes_to_a_run_that_goes_on(launch: Launch) -> None:
    run = launch("while ! test -e outputs/go; do sleep 0.05; done; echo woken > outputs/woken.txt")
    run.wait_for(RunState.RUNNING)
    asleep = run.processes()
    supervisor = run.supervisor_pid()
    for pid in (*asleep, supervisor):
        os.kill(pid, signal.SIGSTOP)
    try:
        past = time.time() - 3600
        os.utime(run.files.heartbeat, (past, past))
        refresh(run.layout, store := Store(run.layout))
        assert store.run(run.name).state is RunState.RUNNING, "who sleeps is not dead"
    finally:
        for pid in (supervisor, *asleep):
            os.kill(pid, signal.SIGCONT)
    (run.files.outputs / "go").touch()
    assert run.finish() is RunState.COMPLETED
    assert (run.files.outputs / "woken.txt").exists()


@pytest.fixture
def disk(here: Path) -> Iterator[Path]:
    with small_disk(here / "disk", 64 * 1024 * 1024) as place:
        yield place


def test_a_disk_that_turns_read_only_is_told_and_is_still_read(here: Path, disk: Path) -> None:
    making = "import sys, workbench\n"
    making += (
        "with workbench.start_run(name=sys.argv[1], workspace='disk', system_metrics=False) as run: run.log({'k': 1.0})"
    )
    words = [sys.executable, "-m", "workbench", "--workspace", str(disk)]
    for name in ("seen", "new"):
        subprocess.run([sys.executable, "-c", making, name], check=True)
        if name == "seen":
            subprocess.run([*words, "ls"], check=True)
    turning = ["mount", "-o", "remount,ro", str(disk)]
    wait_until(
        lambda: subprocess.run(turning, capture_output=True).returncode == 0, "whoever uses the disk to leave it"
    )
    try:
        with pytest.raises(WorkspaceError, match="Read-only file system"):
            workbench.start_run(workspace=disk)
        listed = subprocess.run([*words, "ls", "--json"], capture_output=True, text=True)
        assert (listed.returncode, [run["name"] for run in json.loads(listed.stdout)["runs"]]) == (0, ["seen"])
        assert "cannot be taken in" in listed.stderr
        for asking, code in (
            (("sql", "SELECT name FROM runs"), 0),
            (("show", "new"), 0),
            (("compare", "seen", "new"), 0),
            (("lineage", "new"), 5),
        ):
            asked = subprocess.run([*words, *asking], capture_output=True, text=True)
            assert asked.returncode == code and "cannot be taken in" in asked.stderr, asked.stderr
            assert code == 0 or "new is on the disk" in asked.stderr
        with pytest.warns(StaleStore):
            assert [run.name for run in workbench.Workspace(disk).runs()] == ["seen"]
        # What is needed most on such a day: to copy all of it, and to prove a copy that may not be written.
        subprocess.run([*words, "backup", str(here / "copy")], check=True)
        assert sorted(run.name for run in workbench.Workspace(here / "copy").runs()) == ["new", "seen"]
        verified = subprocess.run([*words, "verify"], capture_output=True, text=True)
        assert verified.returncode == 4 and "not taken in all" in verified.stderr
        assert (
            "may not be written"
            in subprocess.run([*words, "doctor", "--rebuild"], capture_output=True, text=True).stderr
        )
        (here / "job.yml").write_text("command: echo hello\n")
        submitted = subprocess.run([*words, "run", "job.yml"], capture_output=True, text=True)
        assert submitted.returncode == 4 and "Read-only file system" in submitted.stderr
        assert "Traceback" not in listed.stderr + submitted.stderr
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    refresh(layout := WorkspaceLayout(disk / ".workbench"), store := Store(layout))
    assert sorted(store.runs().names) == ["new", "seen"]


def test_a_disk_that_is_read_only_and_has_no_store_yet_is_read_all_the_same(disk: Path) -> None:
    making = "import workbench\n"
    making += (
        "with workbench.start_run(name='only', workspace='disk', system_metrics=False) as run: run.log({'k': 1.0})"
    )
    words = [sys.executable, "-m", "workbench", "--workspace", str(disk)]
    subprocess.run([sys.executable, "-c", making], check=True)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        listed = subprocess.run([*words, "ls", "--json"], capture_output=True, text=True)
        assert (listed.returncode, [run["name"] for run in json.loads(listed.stdout)["runs"]]) == (0, ["only"])
        assert "kept in memory alone" in listed.stderr and "Read-only file system" in listed.stderr
        with pytest.warns(StaleStore):
            assert workbench.Workspace(disk).run("only").metrics() == {"k": 1.0}
        asked = subprocess.run([*words, "sql", "SELECT name FROM runs"], capture_output=True, text=True)
        assert asked.returncode == 4 and "Read-only file system" in asked.stderr and "Traceback" not in asked.stderr
        edited = subprocess.run([*words, "tag", "only", "a=b"], capture_output=True, text=True)
        assert edited.returncode == 4 and "Read-only file system" in edited.stderr
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    # The same process goes on with a file soon after it can have one.
    layout = WorkspaceLayout(disk / ".workbench")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StaleStore)
        wait_until(lambda: workbench.Workspace(disk).runs() and layout.store.exists(), "a store's file")
    assert [run.name for run in workbench.Workspace(disk).runs()] == ["only"]


def test_a_disk_with_no_room_for_another_file_is_told_and_is_still_read(disk: Path) -> None:
    workspace = workbench.Workspace(disk)
    for name in ("seen", "new"):
        with workbench.start_run(name=name, workspace=disk, system_metrics=False) as run:
            run.log({"k": 1.0})
        if name == "seen":
            assert [run.name for run in workspace.runs()] == ["seen"]
    subprocess.run(["mount", "-o", "remount,nr_inodes=400", str(disk)], check=True)
    with pytest.raises(OSError, match="No space left"):
        for number in range(400):
            (disk / f"file-{number}").touch()
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "--workspace", str(disk), "ls"], capture_output=True, text=True
    )
    assert done.returncode == 0 and "seen" in done.stdout and "cannot be taken in" in done.stderr
    with pytest.warns(StaleStore):
        assert [run.name for run in workspace.runs()] == ["seen"]
    for path in disk.glob("file-*"):
        path.unlink()
    assert sorted(run.name for run in workspace.runs()) == ["new", "seen"]


def test_a_changed_time_zone_changes_no_time(here: Path) -> None:
    with workbench.start_run(name="r", system_metrics=False) as run:
        run.log({"k": 1.0})
    seen = set()
    for zone in ("UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati"):
        words = [sys.executable, "-m", "workbench", "ls", "--json"]
        done = subprocess.run(words, env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True)
        (listed,) = json.loads(done.stdout)["runs"]
        seen.add((listed["created"], listed["started"], listed["ended"]))
        sql = [sys.executable, "-m", "workbench", "sql", "SELECT epoch(created) AS at FROM runs", "--csv"]
        at = subprocess.run(sql, env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True).stdout
        assert float(at.split()[1]) == pytest.approx(Store(WorkspaceLayout(here / ".workbench")).run("r").created)
    assert len(seen) == 1


MANY = """
import workbench
for step in range(1_000_000):
    workbench.log({"loss": 1.0 / (step + 1)}, step=step)
"""


def test_a_million_records_of_each_rank_are_all_kept(launch: Launch, here: Path) -> None:
    (here / "code").mkdir()
    (here / "code" / "train.py").write_text(MANY)
    ranks = {"type": "pytorch", "process_count_per_instance": 2}
    run = launch(f"{sys.executable} train.py", code=str(here / "code"), distribution=ranks)
    wait_until(lambda: run.state is RunState.RUNNING, "the ranks to run")
    deadline = time.monotonic() + 240
    while not run.state.final and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.state is RunState.COMPLETED
    refresh(run.layout, store := Store(run.layout))
    for rank in (0, 1):
        (summary,) = [one for one in store.metrics(run.name, rank=rank) if one.key == "loss"]
        assert (summary.count, summary.last_step, summary.max, summary.max_step) == (1_000_000, 999_999, 1.0, 0)


def test_a_log_of_ten_gigabytes_at_full_speed_stays_within_its_cap(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    cap = 8 * 1024 * 1024
    monkeypatch.setenv("WORKBENCH_LOG_CAP", str(cap))
    run = launch("echo first; yes 'a line of a log that never ends' | head -c 10000000000; echo; echo last")
    deadline = time.monotonic() + 240
    most = 0
    while not run.state.final and time.monotonic() < deadline:
        if run.files.user_log.exists():
            most = max(most, run.files.user_log.stat().st_blocks * 512)
        time.sleep(0.02)
    assert run.state is RunState.COMPLETED
    assert run.files.user_log.stat().st_blocks * 512 < 2 * cap
    assert most < 1_000_000_000, "the disk is not needed for what is cut out"
