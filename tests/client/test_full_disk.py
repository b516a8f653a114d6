"""A disk that is really full: training goes on, what fits in memory is kept, and what is there can be read."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from workbench.doctor.workspace import examine_workspace
from workbench.lifecycle.judge import judge
from workbench.view.fresh import refresh
from workbench.view.run_page import run_page
from workbench_store.journal.reader import decode_chunk
from workbench_store.layout import WorkspaceLayout
from workbench_store.rebuild import rebuild
from workbench_store.store import Store

from tests.client.scripts import run_script, start_script, the_run
from tests.lifecycle.launched import wait_until
from tests.small_disk import FILL, fill, small_disk
from workbench import PyTorchDistribution, Workspace, command

DISK_BYTES = 8 * 1024 * 1024


@pytest.fixture
def disk(here: Path) -> Iterator[Path]:
    """A small file system that holds the workspace."""
    with small_disk(here / "disk", DISK_BYTES) as place:
        yield place


SCRIPT = (
    FILL
    + """
import os, sys, time, workbench
os.environ["WORKBENCH_WORKSPACE"] = "disk"
open("model.bin", "wb").write(b"m" * 100_000)
run = workbench.start_run(experiment="full", system_metrics=False)
for step in range(100):
    run.log({"k": step}, step=step)
ballast = fill()
for step in range(100, 5000):
    run.log({"k": step}, step=step)
run.log_params({"late": "yes"})
run.set_tags({"late": "too"})
run.log_artifact("model.bin")
run.log_image("picture", [list(os.urandom(400))] * 400)
run.log_text("short", "kept in the record")
run.log_model("model.bin", "net")
%s
run.end()
"""
)
ROOM_AGAIN = """
os.ftruncate(ballast, 0)
time.sleep(0.7)
run.log({"k": 5000}, step=5000)
"""


def store_on(disk: Path) -> Store:
    return Store(WorkspaceLayout(disk / ".workbench"))


def test_what_waited_is_written_when_there_is_room_again(here: Path, disk: Path) -> None:
    done = run_script(here, SCRIPT % ROOM_AGAIN)
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if "made the workspace" not in line]
    assert len(warnings) == 4, done.stderr
    assert re.search("no room|No space", warnings[0]) and "model.bin" in warnings[1]
    assert "image 'picture'" in warnings[2] and "model 'net'" in warnings[3]
    store = store_on(disk)
    store.refresh()
    name = the_run(store)
    assert store.series(name, "k").steps == list(range(5001))
    record = store.run(name)
    assert (str(record.state), record.lost_points, record.gap_bytes) == ("Completed", 0, 0)
    assert store.params(name) == {"late": "yes"} and record.tags == {"late": "too"}
    assert store.artifacts(name) == []
    assert [one.content for one in store.media(name)] == ["kept in the record"]
    assert not list((disk / ".workbench").rglob("*.part"))


CUT_SHORT = """
import resource, workbench
run = workbench.start_run(experiment="cut", system_metrics=False)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
sizes = []
for step in range(2):
    run.log({"k": step}, step=step)
    sizes.append(sum(path.stat().st_size for path in run.path.glob("journal/*.wbj")))
longest = max(path.stat().st_size for path in run.path.glob("journal/*.wbj"))
within_a_record = longest + 100 * (sizes[1] - sizes[0]) + 7
resource.setrlimit(resource.RLIMIT_FSIZE, (within_a_record, hard))
for step in range(2, 3000):
    run.log({"k": step}, step=step)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
run.end()
"""


def test_a_record_that_was_cut_short_and_written_again_is_no_damage(here: Path) -> None:
    assert run_script(here, CUT_SHORT).returncode == 0
    store = store_on(here)
    store.refresh()
    name = the_run(store)
    journals = store.layout.run(name).journals.glob("*.wbj")
    assert sum(decode_chunk(file.read_bytes(), 0).gap_bytes for file in journals) > 0, "the disk has cut one short"
    assert store.series(name, "k").steps == list(range(3000)) and store.run(name).gap_bytes == 0
    assert [one.what for one in examine_workspace(store.layout) if one.level != "ok"] == []


def test_a_disk_that_stays_full_costs_only_what_came_after(here: Path, disk: Path) -> None:
    done = run_script(here, SCRIPT % "")
    assert done.returncode == 0, done.stderr
    assert "points could not be written" in done.stderr
    assert judge(WorkspaceLayout(disk / ".workbench")) == {}, "there is no room to record it yet"
    store = store_on(disk)
    refresh(store.layout, store)
    name = the_run(store)
    shown = store.run(name)
    (disk / "ballast").unlink()
    refresh(store.layout, store)
    steps = store.series(name, "k").steps
    assert steps == list(range(len(steps))) and len(steps) >= 100
    record = store.run(name)
    assert (str(record.state), record.lost_points) == ("Completed", 5000 - len(steps))
    assert "full disk" in str(record.reason) and record.ended is not None
    assert (shown.state, shown.lost_points, shown.gap_bytes) == (record.state, record.lost_points, 0)
    before = (record, store.detail(name).states)
    rebuild(store.layout)
    refresh(store.layout, store)
    assert (store.run(name), store.detail(name).states) == before, "and it is told once"


FAILING = SCRIPT.replace("run.end()", "raise ValueError('of no use')")


def test_how_a_script_failed_is_known_though_the_disk_stays_full(here: Path, disk: Path) -> None:
    done = run_script(here, FAILING % "")
    assert done.returncode == 1 and "of no use" in done.stderr
    (disk / "ballast").unlink()
    store = store_on(disk)
    refresh(store.layout, store)
    record = store.run(the_run(store))
    assert str(record.state) == "Failed" and "ValueError: of no use" in str(record.reason)
    assert record.lost_points > 0


RESUMED = """
import time, workbench
run = workbench.start_run(resume=%r, workspace="disk", system_metrics=False)
run.log({"after": 1.0})
time.sleep(1000)
"""


@pytest.mark.parametrize("seen", [True, False], ids=["looked at before", "not looked at before"])
def test_what_an_earlier_life_said_at_its_end_is_not_said_of_a_later_one(here: Path, disk: Path, seen: bool) -> None:
    assert run_script(here, SCRIPT % "").returncode == 0
    (disk / "ballast").unlink()
    store = store_on(disk)
    refresh(store.layout, store) if seen else store.refresh()
    name = the_run(store)
    lost = 5000 - len(store.series(name, "k"))
    script = start_script(here, RESUMED % name)
    try:
        wait_until(lambda: store.refresh() and "after" in [one.key for one in store.metrics(name)], "a second life")
    finally:
        script.kill()
        script.communicate()
    refresh(store.layout, store)
    record = store.run(name)
    assert (str(record.state), record.lost_points) == ("Failed", lost) and "without closing" in str(record.reason)
    assert "Completed" in [str(one.state) for one in store.detail(name).states]


AGAIN = """
import workbench
run = workbench.start_run(resume=%r, workspace="disk", system_metrics=False)
run.log({"after": 1.0})
raise ValueError("of no use")
"""


def test_a_run_is_not_resumed_without_room_for_how_it_goes_on(here: Path, disk: Path) -> None:
    assert run_script(here, SCRIPT % ROOM_AGAIN).returncode == 0
    store = store_on(disk)
    refresh(store.layout, store)
    name = the_run(store)
    before = (store.run(name), store.detail(name).states)
    fill(disk / "ballast")
    done = run_script(here, AGAIN % name)
    assert done.returncode == 1 and "WorkspaceError" in done.stderr and "of no use" not in done.stderr
    (disk / "ballast").unlink()
    refresh(store.layout, store)
    assert (store.run(name), store.detail(name).states) == before
    assert run_script(here, AGAIN % name).returncode == 1
    refresh(store.layout, store)
    assert "of no use" in str(store.run(name).reason)


def test_nor_is_one_of_which_a_full_disk_still_keeps_the_end(here: Path, disk: Path) -> None:
    assert run_script(here, SCRIPT % "").returncode == 0
    store = store_on(disk)
    name = WorkspaceLayout(disk / ".workbench").runs.glob("*").__next__().name
    done = run_script(here, AGAIN % name)
    assert done.returncode == 1 and "WorkspaceError" in done.stderr and "of no use" not in done.stderr
    (disk / "ballast").unlink()
    assert "of no use" in run_script(here, AGAIN % name).stderr
    refresh(store.layout, store)
    lost = 5000 - len(store.series(name, "k"))
    states = [str(one.state) for one in store.detail(name).states]
    assert lost > 0 and store.run(name).lost_points == lost
    assert [state for state in states if state != "Running"] == ["Completed", "Failed"]
    assert "full disk did not take" in " ".join(str(one.reason) for one in store.detail(name).states)


KILLED = SCRIPT % "time.sleep(1000)"


def test_what_a_killed_life_had_waiting_is_told_by_the_next(here: Path, disk: Path) -> None:
    script = start_script(here, KILLED)
    layout = WorkspaceLayout(disk / ".workbench")
    wait_until(lambda: list(layout.runs.glob("*/journal/*.waits")), "points that wait for room")
    script.kill()
    script.communicate()
    (disk / "ballast").unlink()
    (name,) = [path.name for path in layout.runs.glob("[!.]*")]
    assert run_script(here, (AGAIN % name).replace("raise", "# raise")).returncode == 0
    refresh(layout, store := store_on(disk))
    assert str(store.run(name).state) == "Completed"
    assert "what waited for room on the full disk" in " ".join(store.detail(name).warnings)
    assert not list(layout.runs.glob("*/journal/*.waits")), "it is told once"


KILLED_CHILD = (
    FILL
    + """
import glob, os, signal, time, workbench
run = workbench.start_run(name="parent", workspace="disk", system_metrics=False)
run.log({"k": 1.0})
child = os.fork()
if child == 0:
    workbench.log({"child": 0})
    fill()
    for step in range(1, 3000):
        workbench.log({"child": step}, step=step)
    time.sleep(1000)
while not glob.glob("disk/.workbench/runs/parent/journal/*.waits"):
    time.sleep(0.01)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
os.truncate("disk/ballast", 0)
run.end()
"""
)


def test_what_a_killed_child_had_waiting_is_told_by_its_parent(here: Path, disk: Path) -> None:
    done = run_script(here, KILLED_CHILD)
    assert done.returncode == 0, done.stderr
    refresh(WorkspaceLayout(disk / ".workbench"), store := store_on(disk))
    assert str(store.run("parent").state) == "Completed"
    assert "what waited for room on the full disk" in " ".join(store.detail("parent").warnings)
    assert not list((disk / ".workbench").rglob("*.waits")), "it is told once"


OUTLIVING = KILLED_CHILD.replace(
    """os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
os.truncate""",
    """os.kill(child, signal.SIGSTOP)
os.truncate""",
).replace("run.end()", "run.end(); os.kill(child, signal.SIGKILL); os.waitpid(child, 0)")


def test_what_a_child_had_waiting_that_outlived_its_parent_is_told_of_the_run(here: Path, disk: Path) -> None:
    assert "SIGSTOP" in OUTLIVING
    done = run_script(here, OUTLIVING)
    assert done.returncode == 0, done.stderr
    layout = WorkspaceLayout(disk / ".workbench")
    refresh(layout, store := store_on(disk))
    assert str(store.run("parent").state) == "Completed"
    for _ in range(2):
        (told,) = run_page(layout, store, "parent").detail.warnings
        assert "what waited for room on the full disk" in told
    assert not list((disk / ".workbench").rglob("*.waits")), "it is told once"


CUT_AT_THE_END = (
    FILL
    + """
import time, workbench
run = workbench.start_run(name="cut", workspace="disk", system_metrics=False)
ballast = fill()
for step in range(20_000):
    run.log({"k": step}, step=step)
for _ in range(2):  # what is cut short at the end of the first room is followed by what gets into the second
    os.ftruncate(ballast, os.fstat(ballast).st_size - 65536)
    time.sleep(0.8)
run.end()
"""
)


def test_what_a_full_disk_cut_short_at_the_end_is_no_damage_while_it_is_full_either(here: Path, disk: Path) -> None:
    assert run_script(here, CUT_AT_THE_END).returncode == 0
    store = store_on(disk)
    refresh(store.layout, store)
    journals = store.layout.run("cut").journals.glob("*.wbj")
    assert sum(decode_chunk(file.read_bytes(), 0).gap_bytes for file in journals) > 0, "the disk has cut one short"
    shown = store.run("cut")
    assert (str(shown.state), shown.gap_bytes) == ("Completed", 0)
    (disk / "ballast").unlink()
    refresh(store.layout, store)
    record = store.run("cut")
    assert (record.gap_bytes, record.lost_points) == (0, shown.lost_points) and shown.lost_points > 0


UNSAVED = (
    FILL
    + """
import workbench
run = workbench.start_run(name="media", workspace="disk", system_metrics=False)
ballast = fill()
for step in range(5):
    run.log_text("t", "long " * 1000, step=step)
os.ftruncate(ballast, 0)
run.log_text("t", "long " * 1000, step=5)
run.end()
"""
)


def test_of_media_that_need_a_file_it_is_told_how_many_are_not_saved(here: Path, disk: Path) -> None:
    done = run_script(here, UNSAVED)
    assert done.returncode == 0 and done.stderr.count("cannot save text 't'") == 1, done.stderr
    refresh(WorkspaceLayout(disk / ".workbench"), store := store_on(disk))
    assert [one.step for one in store.media("media")] == [5]
    (told,) = store.detail("media").warnings
    assert told.startswith("5 of its texts could not be saved: No space left")


LITTLE_ROOM = """
import workbench
run = workbench.start_run(name="little", workspace="disk", system_metrics=False)
for step in range(1000):
    run.log({"k": step}, step=step)
run.end()
"""


@pytest.mark.parametrize("pages", range(7))
def test_with_little_room_a_run_is_refused_or_told_of_as_it_was(here: Path, disk: Path, pages: int) -> None:
    assert run_script(here, "import workbench\nworkbench.log({'k': 1})\n", WORKBENCH_WORKSPACE="disk").returncode == 0
    fill(disk / "ballast")
    os.truncate(disk / "ballast", (disk / "ballast").stat().st_size - pages * 4096)
    done = run_script(here, LITTLE_ROOM)
    layout = WorkspaceLayout(disk / ".workbench")
    if done.returncode:
        assert "WorkspaceError" in done.stderr and "cannot write" not in done.stderr, done.stderr
        assert not layout.run("little").root.exists() and not list(layout.runs.glob(".*"))
        return
    (disk / "ballast").unlink()
    refresh(layout, store := store_on(disk))
    record = store.run("little")
    kept = len(store.series("little", "k").steps) if store.metrics("little") else 0
    assert (str(record.state), kept + record.lost_points, record.gap_bytes) == ("Completed", 1000, 0)


MANY_MEDIA = (
    FILL
    + """
import os, workbench
import workbench_store.journal.waiting as waiting
waiting.HELD_BYTES = 100_000
os.environ["WORKBENCH_WORKSPACE"] = "disk"
run = workbench.start_run(name="media", system_metrics=False)
ballast = fill()
run.log_params({"lr": 0.5})
for step in range(2000):
    run.log_text("words", "step %d " % step + "x" * 200, step=step)
    run.log({"k": step}, step=step)
os.ftruncate(ballast, 0)
run.end()
"""
)


def test_of_all_that_memory_cannot_hold_it_is_told(here: Path, disk: Path) -> None:
    assert run_script(here, MANY_MEDIA).returncode == 0
    refresh(WorkspaceLayout(disk / ".workbench"), store := store_on(disk))
    kept, points = len(store.media("media")), len(store.series("media", "k"))
    record = store.run("media")
    assert 0 < kept < 2000 and 0 < points < 2000 and record.lost_points == 2000 - points
    assert f"did not take {2000 - kept:,} records" in " ".join(store.detail("media").warnings)
    assert store.params("media") == {"lr": 0.5} and str(record.state) == "Completed", "which are kept longest"


def test_a_run_cannot_begin_without_room_and_says_so(here: Path, disk: Path) -> None:
    assert run_script(here, "import workbench\nworkbench.log({'k': 1})\n", WORKBENCH_WORKSPACE="disk").returncode == 0
    fill(disk / "ballast")
    done = run_script(here, "import workbench\nworkbench.start_run()\n", WORKBENCH_WORKSPACE="disk")
    assert done.returncode == 1 and "WorkspaceError" in done.stderr and "room" in done.stderr


def test_the_store_stays_readable_and_catches_up_later(here: Path, disk: Path) -> None:
    script = "import workbench\nwith workbench.start_run('one', system_metrics=False) as run:\n    run.log({'k': 1})\n"
    assert run_script(here, script, WORKBENCH_WORKSPACE="disk").returncode == 0
    store = store_on(disk)
    store.refresh()
    many = "    for step in range(20_000): run.log({'k': step}, step=step)\n"
    assert run_script(here, script.replace("one", "two") + many, WORKBENCH_WORKSPACE="disk").returncode == 0
    ballast = fill(disk / "ballast")
    assert "No space left" in str(store.refresh().blocked)
    assert [row.experiment for row in store.runs().rows] == ["one"]
    assert [row.experiment for row in store_on(disk).runs().rows] == ["one"]
    ballast.unlink()
    assert store.refresh().blocked is None
    assert [row.experiment for row in store.runs().rows] == ["two", "one"]
    assert store.metrics(store.runs().names[0])[0].count == 20_001


def test_a_list_is_shown_from_a_full_disk(here: Path, disk: Path) -> None:
    script = "import workbench\nwith workbench.start_run('one', system_metrics=False) as run:\n    run.log({'k': 1})\n"
    assert run_script(here, script, WORKBENCH_WORKSPACE="disk").returncode == 0
    store_on(disk).refresh()
    fill(disk / "ballast")
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "ls"],
        cwd=here,
        env={**os.environ, "WORKBENCH_WORKSPACE": "disk"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "one" in done.stdout, done.stderr


IN_A_JOB = """
import os, resource, workbench
if os.environ.get("WORKBENCH_RANK", os.environ.get("RANK", "0")) == os.environ["LIMITED"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for step in range(3000):
    workbench.log({"k": step}, step=step)
workbench.log_params({"late": "yes"})
%s
"""


@pytest.mark.parametrize("end", ["", "workbench.active_run().end()"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_what_the_processes_of_a_job_lost_is_told(here: Path, end: str, ranks: int) -> None:
    (here / "src").mkdir()
    (here / "src" / "t.py").write_text(IN_A_JOB % end)
    job = command(
        command=f"{sys.executable} t.py",
        code="src",
        environment_variables={"LIMITED": str(ranks - 1)},
        distribution=PyTorchDistribution(process_count_per_instance=ranks) if ranks > 1 else None,
    )
    run = Workspace().submit(job)
    assert run.wait() == "Completed", run.logs()
    (store := Store(WorkspaceLayout(here / ".workbench"))).refresh()
    kept = len(store.series(run.name, "k", rank=ranks - 1).values)
    assert 0 < kept < 3000 and store.run(run.name).lost_points == 3000 - kept
    (told,) = [text for text in store.detail(run.name).warnings if "did not take" in text]
    assert "1 record " in told
