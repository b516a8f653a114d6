"""What a full disk did not take of those who record for a run beside its script, or who are killed: the run says it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from workbench.client.heard import left_behind, tell
from workbench.lifecycle import submit
from workbench.view.fresh import refresh
from workbench.view.run_page import run_page
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.rebuild import rebuild
from workbench_store.states import RunState
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

from tests.client.scripts import run_script, start_script
from tests.lifecycle.launched import Launched, wait_until
from tests.small_disk import FILL, disk_of_few_files, fill, small_disk
from workbench import command

DISK_BYTES = 8 * 1024 * 1024


@pytest.fixture
def disk(here: Path) -> Iterator[Path]:
    with small_disk(here / "disk", DISK_BYTES) as place:
        yield place


def page_of(disk: Path, name: str = "m") -> tuple[Store, tuple[str, ...]]:
    """The store, up to date, and what the run's page warns of."""
    layout = WorkspaceLayout(disk / ".workbench")
    refresh(layout, store := Store(layout))
    warnings = run_page(layout, store, name).detail.warnings
    store.refresh()
    return store, warnings


CHILDREN = (
    FILL
    + """
import multiprocessing, os, sys, time, workbench
WAY = %r
def child(number):
    for step in range(5000):
        workbench.log({"c%%d" %% number: 1.0}, step=step)
if __name__ == "__main__":
    run = workbench.start_run(name="m", workspace="disk", system_metrics=False)
    run.log({"k": 1.0})
    ballast = fill()
    if WAY == "fork":
        for number in range(2):
            if not os.fork():
                child(number)
                sys.exit()
        os.wait(); os.wait()
    else:
        context = multiprocessing.get_context(WAY)
        processes = [context.Process(target=child, args=(number,)) for number in range(2)]
        [process.start() for process in processes]
        [process.join() for process in processes]
    %s
    run.end()
"""
)


@pytest.mark.parametrize("then", ["os.ftruncate(ballast, 0)", "pass", "os.kill(os.getpid(), 9)"])
@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_what_a_scripts_children_lose_who_leave_in_order(here: Path, disk: Path, way: str, then: str) -> None:
    run_script(here, CHILDREN % (way, then))
    (disk / "ballast").unlink()
    for _ in range(2):
        store, _ = page_of(disk)
        kept = sum(len(store.series("m", one.key)) for one in store.metrics("m") if one.key.startswith("c"))
        record = store.run("m")
        assert (record.lost_points, record.gap_bytes) == (10_000 - kept, 0) and kept < 10_000
        rebuild(store.layout)
    assert not list(store.layout.run("m").control.glob("lost-*")), "it is told once"


LIFE = (
    FILL
    + """
import os, sys, workbench
with workbench.start_run(HOW="m", workspace="disk", system_metrics=False) as run:
    ballast = fill()
    for number in range(4000):
        print("no room for this line", number)
    for step in range(3000):
        run.log({"k": 1.0}, step=step)
    run.set_tags({"t": "x" * 5000})
    END
"""
)


@pytest.mark.parametrize("looked", [True, False], ids=["looked at", "not looked at"])
def test_a_run_that_is_resumed_says_still_what_its_earlier_lives_lack(here: Path, disk: Path, looked: bool) -> None:
    """Which their reasons said until then."""
    for how, end in (("name", "pass"), ("resume", "os.kill(os.getpid(), 9)"), ("resume", "os.ftruncate(ballast, 0)")):
        run_script(here, LIFE.replace("HOW", how).replace("END", end))
        (disk / "ballast").unlink()
        if looked:
            page_of(disk)
    store, warnings = page_of(disk)
    assert store.run("m").state is RunState.COMPLETED and store.run("m").reason is None
    told = "; ".join(warnings)
    assert told.count("bytes of the log were lost") == 1 and told.count("the full disk did not take 1 record") == 1
    assert told.count("what waited for room on the full disk when a process was ended is lost") == 1
    assert len(store.series("m", "k")) + store.run("m").lost_points >= 6000
    rebuild(store.layout)
    assert page_of(disk)[1] == warnings


def test_what_a_child_loses_who_outlives_its_script(here: Path, disk: Path) -> None:
    text = CHILDREN.replace("os.wait(); os.wait()", "").replace("child(number)\n", "time.sleep(2); child(number)\n")
    assert text.count("time.sleep(2)") == 1
    assert run_script(here, text % ("fork", "pass")).returncode == 0
    layout = WorkspaceLayout(disk / ".workbench")
    control = layout.run("m").control
    # Those of what they printed have no points.
    wait_until(lambda: len([*control.glob("lost-*-*-[1-9]*-*-*-*-*")]) == 2, "the children's words")
    (disk / "ballast").unlink()
    page_of(disk)
    store, _ = page_of(disk)
    kept = sum(len(store.series("m", one.key)) for one in store.metrics("m") if one.key.startswith("c"))
    assert store.run("m").lost_points == 10_000 - kept > 0


@pytest.mark.parametrize("room", [False, True], ids=["full", "room"])
@pytest.mark.parametrize("way", ["Process", "Pool"])
def test_what_children_that_multiprocessing_forks_lose_at_their_end(
    here: Path, disk: Path, way: str, room: bool
) -> None:
    """They leave past what the script registered for its end."""
    text = CHILDREN % ("fork", "pass")
    start = text.index("    if WAY ==")
    starts = {
        "Process": "    processes = [context.Process(target=child, args=(n,)) for n in range(2)]\n"
        "    [process.start() for process in processes]; [process.join() for process in processes]\n",
        "Pool": "    with context.Pool(2) as pool: pool.map(child, range(2), 1); pool.close(); pool.join()\n",
    }
    text = text[:start] + "    context = multiprocessing.get_context('fork')\n" + starts[way] + "    run.end()\n"
    if room:  # just before they end, too late for another try in between
        text = text.replace("step=step)\n", "step=step)\n    os.ftruncate(ballast, 0)\n", 1)
    assert run_script(here, text).returncode == 0
    if not room:
        (disk / "ballast").unlink()
    page_of(disk)
    store, _ = page_of(disk)
    kept = sum(len(store.series("m", one.key)) for one in store.metrics("m") if one.key.startswith("c"))
    assert store.run("m").lost_points == 10_000 - kept and (kept == 10_000 if room else kept < 10_000)


NO_MORE_FILES = """
import multiprocessing, os, sys, workbench
def child():
    for step in range(10):
        workbench.log({"c": 1.0}, step=step)
    workbench.log_params({"of": "a child"})
if __name__ == "__main__":
    with workbench.start_run(name="m", workspace="disk", system_metrics=False) as run:
        run.log({"k": 1.0}, step=0)
        os.mkdir("disk/many")
        try:
            for number in range(1_000_000):
                open("disk/many/%d" % number, "w").close()
        except OSError:
            pass
        if sys.argv[1] == "fork":
            if not os.fork():
                child()
                sys.exit()
            os.wait()
        else:
            process = multiprocessing.get_context("fork").Process(target=child)
            process.start()
            process.join()
        run.log({"k": 1.0}, step=1)
"""


@pytest.mark.parametrize("way", ["fork", "multiprocessing"])
@pytest.mark.parametrize("make", [small_disk, disk_of_few_files], ids=["no name", "a name"])
def test_what_children_lose_where_the_disk_takes_no_more_files(
    here: Path, way: str, make: Callable[[Path, int, int], AbstractContextManager[Path]]
) -> None:
    """Though it has room; on some not even one more name of a file."""
    with make(here / "disk", DISK_BYTES, 200) as disk:
        (here / "train.py").write_text(NO_MORE_FILES)
        subprocess.run([sys.executable, "train.py", way], cwd=here, check=True, timeout=60)
        shutil.rmtree(disk / "many")
        for _ in range(2):
            store, warnings = page_of(disk)
            assert store.run("m").lost_points == 10 and store.series("m", "k").steps == [0, 1]
            assert any("did not take 1 record" in warning for warning in warnings) and store.run("m").gap_bytes == 0
            rebuild(store.layout)


WAITING = (
    FILL
    + """
import time, workbench
run = workbench.start_run(name="m", workspace="disk", system_metrics=False)
fill()
for step in range(5000):
    run.log({"k": step}, step=step)
time.sleep(1000)
"""
)


def killed_while_points_wait(here: Path, disk: Path) -> tuple[int, RunLayout]:
    """The PID of the script, and its run."""
    script = start_script(here, WAITING)
    files = WorkspaceLayout(disk / ".workbench").run("m")
    wait_until(lambda: list(files.journals.glob("*.waits")), "points that wait for room")
    script.kill()
    script.communicate()
    return script.pid, files


def test_a_killed_process_whose_pid_is_somebody_elses_by_now_is_gone(here: Path, disk: Path) -> None:
    """As in containers, where each script is PID 1."""
    pid, files = killed_while_points_wait(here, disk)
    (disk / "ballast").unlink()
    for path in list(files.journals.iterdir()):
        path.rename(path.with_name(path.name.replace(f"-{pid}-", f"-{os.getpid()}-")))
    store, _ = page_of(disk)
    assert "what waited for room on the full disk" in str(store.run("m").reason)
    assert not list(files.journals.glob("*.waits")), "it is told once"


def test_what_waited_is_told_once_there_is_room_however_often_it_was_looked_at_before(here: Path, disk: Path) -> None:
    _, files = killed_while_points_wait(here, disk)
    for _ in range(2):
        page_of(disk)
        assert list(files.journals.glob("*.waits")), "nobody could record it yet"
    (disk / "ballast").unlink()
    store, _ = page_of(disk)
    assert "what waited for room on the full disk" in str(store.run("m").reason)
    assert not list(files.journals.glob("*.waits"))


def test_who_closes_its_journal_leaves_no_note_that_something_waits(here: Path, disk: Path) -> None:
    text = WAITING.replace("time.sleep(1000)", "run.end()")
    assert text != WAITING and run_script(here, text).returncode == 0
    store, warnings = page_of(disk)
    assert not list(store.layout.run("m").journals.glob("*.waits"))
    assert store.run("m").lost_points > 0 and str(store.run("m").state) == "Completed"
    assert "what waited for room" not in " ".join([*warnings, str(store.run("m").reason)])


MEDIA = (
    FILL
    + """
import multiprocessing, os, sys, time, workbench
def log(run, first, count):
    for step in range(first, first + count):
        run.log_histogram("h", [1.0, 2.0], step=step)
        run.log_text("t", "x" * 5000, step=step)
run = workbench.start_run(name="m", workspace="disk", system_metrics=False)
ballast = fill()
%s
"""
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("log(run, 0, 20); os.ftruncate(ballast, 0); log(run, 20, 2); time.sleep(1); os.kill(os.getpid(), 9)", 20),
        ("log(run, 0, 5); os.ftruncate(ballast, 0)\nfor _ in range(2): os.fork() or sys.exit(); os.wait()", 5),
        (
            "def child():\n    log(run, 0, 5); os.ftruncate(ballast, 0); log(run, 5, 2); time.sleep(1)\n"
            "process = multiprocessing.get_context('fork').Process(target=child); process.start(); process.join()",
            5,
        ),
    ],
    ids=["killed when there was room again", "with children", "in a child that ends without its exit handlers"],
)
def test_how_many_media_are_not_saved(here: Path, disk: Path, text: str, count: int) -> None:
    done = run_script(here, MEDIA % text)
    assert done.stderr.count("cannot save text") == 1, done.stderr
    _, warnings = page_of(disk)
    assert warnings == (f"{count} of its texts could not be saved: No space left on device",)


def test_how_many_media_are_not_saved_where_the_disk_stays_full(here: Path, disk: Path) -> None:
    assert run_script(here, MEDIA % "run.log_params({'p': 1}); log(run, 0, 20); run.end()").returncode == 0
    (disk / "ballast").unlink()
    store, warnings = page_of(disk)
    told = str(store.run("m").reason)
    missing = 1 - len(store.params("m")) + 20 - len(store.media("m")) + 20
    on_disk = sum(int(text.partition(" of its texts could not be saved")[0]) for text in warnings)
    assert f"the full disk did not take {missing - on_disk} records" in told, (told, warnings)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_what_is_told_when_there_is_room_for_a_while_is_not_told_again(here: Path, disk: Path, count: int) -> None:
    text = f"""
for step in range(1000):
    run.log({{"k": 1.0}}, step=step)
for _ in range({count}):
    run.log_artifact(__file__)
os.ftruncate(ballast, 0)
time.sleep(1.5)
fill()
for step in range(1000, 2000):
    run.log({{"k": 1.0}}, step=step)
run.end()
"""
    assert run_script(here, MEDIA % text).returncode == 0
    (disk / "ballast").unlink()
    store, warnings = page_of(disk)
    on_disk = sum(int(text.partition(" of its files could not be saved")[0]) for text in warnings)
    words = str(store.run("m").reason).partition("the full disk did not take ")[2]
    assert on_disk + int(words.partition(" record")[0] or 0) == count


THREADS = """
import threading, workbench
run = workbench.start_run(name="m", system_metrics=False)
def log(number):
    for step in range(200):
        run.log_artifact("x" * (300 if step % 2 else 3))
        run.log_image("i", "no-%d.png" % number)
        run.log_model("no-%d-%d" % (number, step), "best")
threads = [threading.Thread(target=log, args=(number,)) for number in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_many_threads_can_fail_to_save_things_at_once(here: Path) -> None:
    done = run_script(here, THREADS)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr[-3000:]
    _, warnings = page_of(here)
    assert {text.partition(" could not")[0] for text in warnings} == {
        *("600 of its files", "1200 of its images", "1200 of its models"),
    }


CUT = """
    ballast = os.open(os.environ["BALLAST"], os.O_WRONLY)
    for step in range(20_000):
        workbench.log({"c": step}, step=step)
    for _ in range(2):  # what is cut short at the end of the first room is followed by what gets into the second
        os.ftruncate(ballast, os.fstat(ballast).st_size - 65536)
        time.sleep(0.8)
"""
CUT_IN_A_CHILD = (
    FILL
    + f"""
import os, sys, time, workbench
run = workbench.start_run(name="m", workspace="disk", system_metrics=False)
os.environ["BALLAST"] = "disk/ballast"
fill()
if not os.fork():{CUT}
    sys.exit()
os.wait()
"""
)


def test_what_a_full_disk_cuts_short_of_a_child_is_no_damage(here: Path, disk: Path) -> None:
    assert run_script(here, CUT_IN_A_CHILD).returncode == 0
    (disk / "ballast").unlink()
    store, _ = page_of(disk)
    record = store.run("m")
    assert (str(record.state), record.gap_bytes) == ("Completed", 0) and record.lost_points > 0


def test_nor_what_it_cuts_short_of_a_jobs_process(here: Path, disk: Path) -> None:
    (here / "cut.py").write_text(f"import os, time, workbench\nif True:{CUT}")
    layout = open_workspace(disk)
    ballast = fill(disk / "ballast")
    os.truncate(ballast, ballast.stat().st_size - 1024 * 1024)
    text = f"{sys.executable} {here / 'cut.py'}"
    job = Launched(layout, submit(layout, command(command=text, environment_variables={"BALLAST": str(ballast)})))
    try:
        wait_until(lambda: list(job.files.control.glob("lost-*")) or job.state.final, "the job's end")
        ballast.unlink()
        assert str(job.finish()) == "Completed"
    finally:
        job.kill_everything()
    store, _ = page_of(disk, job.name)
    record = store.run(job.name)
    assert record.gap_bytes == 0 and record.lost_points > 0


def test_what_is_told_again_counts_once(here: Path) -> None:
    """Whoever told it was killed before it took the note away."""
    script = "import workbench; workbench.start_run(name='m', system_metrics=False).end()"
    assert run_script(here, script).returncode == 0
    files = WorkspaceLayout(here / ".workbench").run("m")
    for _ in range(2):
        (files.journals / "client-r0-4999999-abcdef01.wbj.waits").touch()
        (files.control / "lost-r0-1-50-2-7-abcdef01").touch()
        journal = JournalWriter(files.journals, "judge")
        tell(journal, notes := left_behind(files))
        journal.close()
        assert len(notes) == 2 and not left_behind(files)
    store, warnings = page_of(here)
    assert store.run("m").lost_points == 50 and len(warnings) == 2, json.dumps(warnings)
