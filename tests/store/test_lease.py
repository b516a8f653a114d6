"""Many processes and one file: nobody is locked out, nothing is lost, and trouble is named."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from workbench_store.errors import StoreBusy, StoreDamaged, StoreTooNew
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.locks import FileLock
from workbench_store.store import Store

from tests import interrupting
from tests.store.journals import fresh, make_run, python, the_summary, write_points

STARTER = """
import os, sys
os.chdir(sys.argv[1])
import workbench
with workbench.start_run(experiment="many") as run:
    for step in range(20):
        run.log({"k": step}, step=step)
"""


def test_sixteen_processes_make_one_workspace(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    processes = [python(STARTER, str(tmp_path)) for _ in range(16)]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    layout = WorkspaceLayout(tmp_path / ".workbench")
    store = fresh(layout)
    rows = store.runs().rows
    assert len(rows) == 16 and {str(row.state) for row in rows} == {"Completed"}
    assert [the_summary(layout, row.name, "k").count for row in rows] == [20] * 16
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".new")]


WRITER_AND_READER = """
import sys
from pathlib import Path
from workbench_store.journal.writer import JournalWriter
from workbench_store.store import Store
from workbench_store.workspace import open_workspace
layout = open_workspace(explicit=sys.argv[1])
writer = JournalWriter(layout.run("r").journals, "client")
store = Store(layout)
for step in range(20):
    writer.points(1.0, step, ("k",), (1.0,))
    store.refresh()
    store.runs()
"""


@pytest.mark.slow
def test_readers_and_writers_at_once(layout: WorkspaceLayout) -> None:
    make_run(layout, "r")
    processes = [python(WRITER_AND_READER, str(layout.root)) for _ in range(4)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert the_summary(layout, "r", "k").count == 80
    assert len(fresh(layout).series("r", "k")) == 80


HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_foreign_holder_is_named_and_loses_nothing(layout: WorkspaceLayout) -> None:
    journals = make_run(layout, "r")
    fresh(layout)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(layout.store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    write_points(journals, "k", [(0, 1, 1.0, 1.0)])
    with pytest.raises(StoreBusy, match=str(holder.pid)):
        Store(layout).refresh()
    holder.communicate("")
    assert the_summary(layout, "r", "k").count == 1


def test_a_newer_store_is_left_as_it_is(layout: WorkspaceLayout) -> None:
    fresh(layout)
    with lease_of(layout).writing() as connection:
        connection.execute("UPDATE meta SET value = '999' WHERE key = 'schema'")
    before = hashlib.sha256(layout.store.read_bytes()).hexdigest()
    with pytest.raises(StoreTooNew, match="999"):
        Store(layout).refresh()
    make_run(layout, "late")
    with pytest.raises(StoreTooNew):
        Store(layout).runs()
    assert hashlib.sha256(layout.store.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("content", [b"scribbled over" * 5000, b"\x00" * 4096, b"x"])
def test_a_damaged_store_names_the_remedy(layout: WorkspaceLayout, content: bytes) -> None:
    make_run(layout, "r")
    fresh(layout)
    layout.store.write_bytes(content)
    with pytest.raises(StoreDamaged, match="doctor --rebuild"):
        Store(layout).refresh()


def test_a_deleted_store_comes_back_by_itself(layout: WorkspaceLayout) -> None:
    write_points(make_run(layout, "r"), "k", [(0, 1, 1.0, 1.0)])
    store = fresh(layout)
    layout.store.unlink()
    store.refresh()
    assert store.metrics("r")[0].count == 1


SESSION = """
import sys
from workbench_store.store import Store
from workbench_store.workspace import open_workspace
store = Store(open_workspace(explicit=sys.argv[1]))
store.refresh(); store.runs(); store.keys(); store.unfinished()
"""


def test_nothing_is_written_elsewhere(layout: WorkspaceLayout, tmp_path: Path) -> None:
    write_points(make_run(layout, "r"), "k", [(0, step, 1.0, 1.0) for step in range(5000)])
    home, here = tmp_path / "home", tmp_path / "cwd"
    home.mkdir()
    here.mkdir()
    subprocess.run(
        [sys.executable, "-c", SESSION, str(layout.root)],
        cwd=here,
        env={**os.environ, "HOME": str(home), "TMPDIR": str(here), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    assert list(home.iterdir()) == [] and list(here.iterdir()) == []


def test_a_forked_child_holds_no_lock(layout: WorkspaceLayout) -> None:
    lock = FileLock(layout.store_lock)
    assert lock.try_acquire()
    child = os.fork()
    if child == 0:
        signal.pause()
    try:
        assert not FileLock.is_free(layout.store_lock)
        lock.release()
        assert FileLock.is_free(layout.store_lock)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_forked_child_uses_the_store_itself(layout: WorkspaceLayout) -> None:
    write_points(make_run(layout, "r"), "k", [(0, 1, 1.0, 1.0)])
    store = fresh(layout)
    child = os.fork()
    if child == 0:
        os._exit(0 if Store(layout).run("r").name == "r" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.run("r").name == "r"


@pytest.mark.slow
def test_a_process_that_goes_through_many_workspaces_stays_small(tmp_path: Path) -> None:
    script = """
import os, sys, threading
from workbench_store.lease import lease_of
from workbench_store.store import Store
from workbench_store.workspace import open_workspace
def databases_threads():
    return len(os.listdir("/proc/self/task")) - threading.active_count()
layouts = [open_workspace(explicit=f"{sys.argv[1]}/ws{number}") for number in range(12)]
Store(layouts[0]).refresh()
one = databases_threads()
assert one > 0
with lease_of(layouts[0]).reading() as held:
    for layout in layouts[1:]:
        Store(layout).refresh()
    assert held.execute("SELECT count(*) FROM runs").fetchone() == (0,)
for _ in range(2):
    for layout in layouts[::2]:
        Store(layout).refresh()
        assert len(Store(layout).runs().rows) == 0
assert databases_threads() <= 5 * one, (databases_threads(), one)
wrong = []
def use(first):
    try:
        for turn in range(20):
            Store(layouts[(first * 7 + turn * 5) % 12]).runs()
    except BaseException as error:
        wrong.append(error)
users = [threading.Thread(target=use, args=(number,)) for number in range(6)]
for user in users: user.start()
for user in users: user.join()
assert not wrong, wrong
"""
    process = python(script, str(tmp_path))
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors


HOLDING = """
import signal, sys, os
from pathlib import Path
from workbench_store.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
assert lock.try_acquire(shared=True)
print("held", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_one_that_is_stopped_while_it_reads_keeps_nobody_from_reading(
    layout: WorkspaceLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench_store.store._INGEST_PATIENCE", 0.2)
    write_points(make_run(layout, "r"), "k", [(0, 0, 1.0, 1.0)])
    assert fresh(layout).runs().names == ["r"]
    write_points(layout.run("r").journals, "new", [(0, 0, 1.0, 1.0)])
    with python(HOLDING, str(layout.store_lock)) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == "held\n"
            store = Store(layout)
            done = store.refresh()
            assert done.blocked is not None and f"PID {holder.pid}" in done.blocked
            assert [one.key for one in store.metrics("r")] == ["k"], "what is there is shown"
            with pytest.raises(StoreBusy, match=f"PID {holder.pid}") as caught, lease_of(layout).writing(0.2):
                pass
            assert sys.platform != "linux" or f"kill -CONT {holder.pid}" in str(caught.value.remedy)
            if sys.platform == "linux":
                # It is not waited for until the time is over, which would be a day.
                monkeypatch.setattr("workbench_store.lease.LOOK_SECONDS", 0.1)
                with pytest.raises(StoreBusy, match=f"PID {holder.pid}"), lease_of(layout).writing(86_400.0):
                    pass
        finally:
            holder.kill()
    assert {one.key for one in fresh(layout).metrics("r")} == {"k", "new"}


INTERRUPTED = """
import faulthandler, os, random, signal, sys, threading
from workbench_store.layout import WorkspaceLayout
from workbench_store.store import Store
store = Store(WorkspaceLayout(__import__("pathlib").Path(sys.argv[1])))
random.seed(1)
faulthandler.dump_traceback_later(100, exit=True)
told = []
for _ in range(40):
    timer = threading.Timer(0.01 + random.random() * 0.05, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        while True:
            store.runs(), store.series("r", "k")
    except BaseException as error:
        told.append(type(error).__name__)
    timer.join()
    for _ in range(3):
        store.runs(), store.series("r", "k")
print(sorted(set(told)))
"""


def test_ctrl_c_is_a_keyboard_interrupt_wherever_it_comes_and_the_store_can_be_used_after_it(
    layout: WorkspaceLayout,
) -> None:
    write_points(make_run(layout, "r"), "k", [(0, step, 1.0 + step, 0.5) for step in range(20_000)])
    fresh(layout)
    done = python(INTERRUPTED, str(layout.root))
    out, errors = done.communicate(timeout=120)
    assert (done.returncode, out) == (0, "['KeyboardInterrupt']\n"), errors
    with lease_of(layout).writing(patience=1.0):  # nobody holds it
        pass


EVERYWHERE = (
    Path(interrupting.__file__).read_text()
    + """
from pathlib import Path
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.store import Store
layout = WorkspaceLayout(Path(sys.argv[1]))
store, news = Store(layout), sys.argv[2] == "news"
look = store.refresh if news else store.runs
store.refresh(), store.runs()
OURS = ("lease.py", "locks.py", "patience.py", "connection.py", "overlay.py", "contextlib.py", "store.py", "ingest.py",
    "held_back.py")

def held():
    links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    files = [os.readlink(link) for link in links if os.path.islink(link)]
    locks = [line for line in open("/proc/locks") if " " + str(os.getpid()) + " " in line and "->" not in line]
    return [path for path in files if "store." in path] + locks

place, reached, step = 0, True, int(sys.argv[3])
while reached:
    if news:
        writer = JournalWriter(layout.run("r").journals, "client")
        writer.points(float(place), place, ("k",), (1.0,))
        writer.close()
    ctrl_c = CtrlC(place, *OURS)
    try:
        with ctrl_c:
            look()
    except KeyboardInterrupt:
        pass
    reached = ctrl_c.sent
    assert not held(), (place, held())
    store.runs()
    place += step
print("all", place > 10)
"""
)


@pytest.mark.parametrize(("what", "step"), [("still", "1"), ("news", "7")])
def test_wherever_ctrl_c_comes_nothing_is_held_after_it(layout: WorkspaceLayout, what: str, step: str) -> None:
    write_points(make_run(layout, "r"), "k", [(0, 0, 1.0, 0.5)])
    fresh(layout)
    out, errors = python(EVERYWHERE, str(layout.root), what, step).communicate(timeout=300)
    assert out == "all True\n", errors


def test_after_a_ctrl_c_that_is_over_an_error_is_told_as_what_it_is(layout: WorkspaceLayout) -> None:
    make_run(layout, "r")
    fresh(layout)
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:  # whoever looks at what there is, once they have stopped
        with pytest.raises(duckdb.CatalogException), lease_of(layout).reading() as connection:
            connection.execute("SELECT * FROM nowhere")
        with pytest.raises(duckdb.CatalogException), lease_of(layout).writing() as connection:
            connection.execute("SELECT * FROM nowhere")
