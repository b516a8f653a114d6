"""What a script prints is in its run's log, in order, whatever it does with its streams, and they always work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from workbench.client.log_limit import cap_bytes
from workbench.lifecycle.logs import read_log
from workbench_store.layout import RunLayout
from workbench_store.store import Store

from tests.client.scripts import run_script
from tests.client.test_full_disk import disk as disk
from tests.small_disk import FILL
from workbench import Workspace

OPEN = """
import contextlib, io, logging, os, sys, threading, time, warnings
logging.basicConfig(level=logging.INFO, format="%(message)s")  # a handler that holds stderr already
import workbench
run = workbench.start_run(name="r", system_metrics=False)
"""


def log_of(here: Path) -> str:
    return read_log(RunLayout(here / ".workbench" / "runs" / "r"))


def ran(here: Path, text: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    done = run_script(here, OPEN + text, **environ)
    done.stderr = done.stderr.replace(f"workbench: made the workspace {here / '.workbench'}\n", "")
    return done


def test_both_streams_are_kept_in_order(here: Path) -> None:
    done = ran(
        here,
        """
print("one")
print("two", file=sys.stderr)
logging.info("three")
sys.stdout.write("four"); sys.stdout.writelines([" and", " a half", "\\n"])
warnings.warn("five")
print("six", end="", flush=True); print()
threading.Thread(target=lambda: print("seven")).start()
""",
    )
    assert done.returncode == 0
    lines = log_of(here).splitlines()
    assert lines[:4] == ["one", "two", "three", "four and a half"] and "five" in lines[4]
    assert lines[-2:] == ["six", "seven"]
    assert done.stdout == "one\nfour and a half\nsix\nseven\n" and done.stderr.startswith("two\nthree\n")
    assert Workspace().run("r").logs() == log_of(here)


def test_progress_bars_take_one_line(here: Path) -> None:
    ran(here, "for n in range(500):\n    sys.stderr.write('\\r%d of 500' % n)\nprint('\\ndone')")
    assert log_of(here) == "499 of 500\ndone\n"


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        ("raise ValueError('too steep')", "ValueError: too steep"),
        ("with run:\n    raise ValueError('too steep')", "ValueError: too steep"),
        ("with run:\n    sys.exit('no data')", "no data"),
        ("with run:\n    1 / 0", "ZeroDivisionError"),
        ("threading.Thread(target=lambda: 1 / 0).start()", "ZeroDivisionError"),
    ],
)
def test_what_ends_a_script_is_in_the_log_once(here: Path, text: str, logged: str) -> None:
    done = ran(here, text)
    found = log_of(here)
    assert found.count(logged) == 1 and logged in done.stderr
    assert ("Traceback" in found) == ("sys.exit" not in text)


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        ("print('a'); run.end(); print('b')", "a\n"),
        ("print('a'); sys.stdout.close()\ntry: print('b')\nexcept ValueError: sys.stderr.write('c\\n')", "a\nbc\n"),
        ("sys.stdout = None; print('a'); print('b', file=sys.stderr)", "b\n"),
        ("sys.stdout.write('')\ntry: sys.stdout.write(5)\nexcept TypeError: print('no')", "no\n"),
        ("with contextlib.redirect_stdout(io.StringIO()): print('hidden')\nprint('seen')", "seen\n"),
        ("sys.stdout.reconfigure(encoding='ascii', errors='replace'); print('\\u00fc')", "ü\n"),
        ("sys.stdout.reconfigure(errors='ignore'); print('x\\ud800')", "x\\ud800\n"),
        ("os.close(1)\nprint('a', file=sys.stderr)", "a\n"),
    ],
)
def test_streams_are_treated_badly(here: Path, text: str, logged: str) -> None:
    ran(here, text)
    assert log_of(here) == logged


def test_the_streams_are_as_before_at_the_end(here: Path) -> None:
    done = ran(
        here,
        """
out, inner = sys.stdout, sys.stdout.write
assert "write" in vars(out) and out is sys.__stdout__ and out.fileno() == 1
run.end()
assert "write" not in vars(sys.stdout) and "write" not in vars(sys.stderr)
inner("late\\n")
with workbench.start_run(name="second", system_metrics=False):
    print("in the second")
    own = sys.stdout.write
    sys.stdout.write = lambda text: own(text.upper())
    print("loud")
print("after")
""",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "late\nin the second\nLOUD\nAFTER\n" and log_of(here) == ""
    second = RunLayout(here / ".workbench" / "runs" / "second")
    assert read_log(second) == "in the second\nLOUD\n"


def test_one_stream_for_both_is_heard_once(here: Path) -> None:
    done = run_script(here, "import sys; sys.stderr = sys.stdout\n" + OPEN + "print('a'); print('b', file=sys.stderr)")
    assert done.returncode == 0 and log_of(here) == "a\nb\n"


def test_nothing_is_heard_that_is_not_to_be(here: Path) -> None:
    done = run_script(here, OPEN.replace("system_metrics", "console=False, system_metrics") + "print('a')")
    assert done.stdout == "a\n" and log_of(here) == ""
    assert not RunLayout(here / ".workbench" / "runs" / "r").user_log.exists()


def test_forked_children_are_heard(here: Path) -> None:
    done = ran(
        here,
        """
print("before", flush=True)
for number in range(3):
    pid = os.fork()
    if pid == 0:
        print("child", number, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
print("after")
""",
    )
    assert done.returncode == 0, done.stderr
    assert log_of(here).splitlines() == ["before", "child 0", "child 1", "child 2", "after"]


def test_a_killed_script_leaves_its_log(here: Path) -> None:
    ran(here, "print('said'); os.kill(os.getpid(), 9)")
    assert log_of(here) == "said\n"


def test_a_long_log_keeps_head_and_tail(here: Path) -> None:
    cap = 64 * 1024
    done = ran(here, "for n in range(50_000): print('line %06d' % n)", WORKBENCH_LOG_CAP=str(cap))
    assert len(done.stdout.splitlines()) == 50_000
    lines = log_of(here).splitlines()
    assert (lines[0], lines[-1]) == ("line 000000", "line 049999")
    assert sum("left out here" in line for line in lines) == 1
    log = RunLayout(here / ".workbench" / "runs" / "r").user_log
    assert log.read_text() == log_of(here) and log.stat().st_size < 2 * cap < cap_bytes()


def test_a_full_disk_does_not_keep_anyone_from_printing(here: Path, disk: Path) -> None:
    done = ran(
        here,
        FILL
        + """
print("before")
ballast = fill()
for n in range(2000):
    print("no room for line", n)
os.ftruncate(ballast, 0)
print("after")
""",
        WORKBENCH_WORKSPACE="disk",
    )
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2002
    found = read_log(RunLayout(disk / ".workbench" / "runs" / "r")).splitlines()
    assert found == ["before", *(f"no room for line {number}" for number in range(2000)), "after"]


FULL_TO_ITS_END = """
print("before")
ballast = fill()
for n in range(5000):
    print("no room for line", n)
"""


def test_what_was_printed_while_a_disk_was_full_is_kept_though_nothing_is_printed_later(here: Path, disk: Path) -> None:
    ran(here, FILL + FULL_TO_ITS_END + "os.ftruncate(ballast, 0)", WORKBENCH_WORKSPACE="disk")
    lines = read_log(RunLayout(disk / ".workbench" / "runs" / "r")).splitlines()
    assert lines == ["before", *(f"no room for line {number}" for number in range(5000))]
    workspace = Workspace(disk)
    assert workspace.run("r").state == "Completed" and Store(workspace.layout).detail("r").warnings == ()


@pytest.mark.parametrize("more", ["", "for n in range(10_000):\n    run.set_tags({'n': n})\n"], ids=["", "tags"])
def test_a_run_says_what_its_log_lacks_where_the_disk_is_full_to_the_end(here: Path, disk: Path, more: str) -> None:
    """In its notes, and where these find no room either in its reason."""
    ran(here, FILL + FULL_TO_ITS_END + more + "raise ValueError('too much')", WORKBENCH_WORKSPACE="disk")
    (disk / "ballast").unlink()
    workspace = Workspace(disk)
    (run,) = workspace.runs()
    told = [str(run.record().reason), *Store(workspace.layout).detail("r").warnings]
    assert run.state == "Failed" and "too much" in told[0]
    assert sum("bytes of the log were lost: there was no room" in text for text in told) == 1
    assert "bytes of the log were lost" in told[0] or not more


def test_more_than_may_wait_on_a_full_disk_leaves_one_gap(here: Path, disk: Path) -> None:
    text = """
ballast = fill()
for n in range(100_000):
    print("no room for line", n)
os.ftruncate(ballast, 0)
time.sleep(0.1)
print("after")
"""
    ran(here, FILL + text, WORKBENCH_WORKSPACE="disk")
    lines = read_log(RunLayout(disk / ".workbench" / "runs" / "r")).splitlines()
    assert lines[:1000] == [f"no room for line {number}" for number in range(1000)] and lines[-1] == "after"
    assert sum("could not be written here" in line for line in lines) == 1 and 40_000 < len(lines) < 100_000


def test_a_log_that_is_replaced_while_a_script_prints_goes_on(here: Path) -> None:
    text = """
log = run.path / "logs/user_logs/std_log.txt"
print("one", flush=True)
copy = log.with_name("copy")
copy.write_bytes(log.read_bytes())
copy.rename(log)
time.sleep(0.06)
print("two")
"""
    ran(here, text)
    assert log_of(here) == "one\ntwo\n"


def test_an_interactive_shell_is_heard(here: Path) -> None:
    """IPython, as notebooks use it: several cells in one run, one of which fails."""
    cells = [
        "import workbench; run = workbench.start_run(name='r', system_metrics=False)",
        "print('a cell')",
        "1 / 0",
        "import sys; print('another', file=sys.stderr)",
        "run.end()",
        "print('not in the run')",
    ]
    code = "from IPython.core.interactiveshell import InteractiveShell as S; shell = S.instance()\n"
    code += "".join(f"shell.run_cell({cell!r})\n" for cell in cells)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=here,
        env={**os.environ, "IPYTHONDIR": str(here / "ipython")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "not in the run" in done.stdout, done.stderr
    found = log_of(here)
    assert "a cell\n" in found and "ZeroDivisionError" in found and "another\n" in found and "not in" not in found


FORKED = (
    FILL
    + """
def child():
    for n in range(lines):
        print("child", n, flush=True)
    if again:
        os.ftruncate(ballast, 0)
"""
)


@pytest.mark.parametrize("again", [True, False])
def test_what_a_child_prints_on_a_full_disk_is_there_or_said_to_be_lost(here: Path, disk: Path, again: bool) -> None:
    text = f"""
lines, again = 2000, {again}
import multiprocessing
ballast = fill()
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
"""
    ran(here, FORKED + text, WORKBENCH_WORKSPACE="disk")
    (disk / "ballast").unlink()
    workspace = Workspace(disk)
    (run,) = workspace.runs()
    told = [str(run.record().reason), *Store(workspace.layout).detail("r").warnings]
    found = run.logs().splitlines()
    if again:
        assert found == [f"child {number}" for number in range(2000)]
    lacking = sum("bytes of the log were lost: there was no room" in text for text in told)
    assert run.state == "Completed" and lacking == (not again), told


def test_threads_that_print_while_there_is_room_again_keep_their_order(here: Path, disk: Path) -> None:
    """Each to a stream of its own: Python's are not made for several threads."""
    text = """
sys.setswitchinterval(1e-5)
ballast = fill()
def say(who, stream):
    for n in range(3000):
        stream.write(f"{who} {n}\\n")
threads = [threading.Thread(target=say, args=one) for one in (("a", sys.stdout), ("b", sys.stderr))]
for thread in threads:
    thread.start()
time.sleep(0.01)
os.ftruncate(ballast, 0)
for thread in threads:
    thread.join()
"""
    ran(here, FILL + text, WORKBENCH_WORKSPACE="disk")
    lines = read_log(RunLayout(disk / ".workbench" / "runs" / "r")).splitlines()
    for who in "ab":
        assert [line for line in lines if line.startswith(who)] == [f"{who} {number}" for number in range(3000)]


def test_a_child_does_not_write_what_waits_in_its_parent(here: Path, disk: Path) -> None:
    """Neither what it printed nor what it logged; both are written, once."""
    text = """
ballast = fill()
for n in range(3000):
    print("line", n)
    run.log({"k": 1.0}, step=n)
for _ in range(3):
    if os.fork() == 0:
        os.ftruncate(ballast, 0)
        print("of the child")
        run.log({"child": 1.0})
        sys.exit()
    os.wait()
"""
    ran(here, FILL + text, WORKBENCH_WORKSPACE="disk")
    run = Workspace(disk).run("r")
    assert run.series("k").steps == list(range(3000)) and len(run.series("child")) == 3
    lines = [line for line in run.logs().splitlines() if line.startswith("line")]
    assert lines == [f"line {number}" for number in range(3000)]


def test_several_processes_keep_one_log_within_its_cap(here: Path) -> None:
    """To the byte: what is left out is what the gap says."""
    cap = 64 * 1024
    text = """
import multiprocessing
def say(who):
    for n in range(6_000):
        print(f"{who} {n:06d}", flush=True)
processes = [multiprocessing.get_context("fork").Process(target=say, args=(who,)) for who in "abc"]
for process in processes:
    process.start()
say("d")
for process in processes:
    process.join()
"""
    ran(here, text, WORKBENCH_LOG_CAP=str(cap))
    lines = log_of(here).splitlines()
    (gap,) = [line for line in lines if "left out here" in line]
    read = sum(len(line) + 1 for line in lines if line != gap) - 1
    assert read + int(gap.split()[1]) == 4 * 6_000 * len("a 000000\n") and read < 2 * cap


def test_what_waits_is_written_once_there_is_room_though_nothing_more_is_printed(here: Path, disk: Path) -> None:
    text = """
ballast = fill()
for n in range(3000):
    print("no room for line", n)
os.ftruncate(ballast, 0)
time.sleep(1.5)
os.kill(os.getpid(), 9)
"""
    ran(here, FILL + text, WORKBENCH_WORKSPACE="disk")
    lines = read_log(RunLayout(disk / ".workbench" / "runs" / "r")).splitlines()
    assert lines == [f"no room for line {number}" for number in range(3000)]


def test_threads_of_a_child_are_heard_that_was_forked_while_others_printed(here: Path) -> None:
    text = """
stop = False
def noise():
    while not stop:
        sys.stderr.write("noise\\n")
threads = [threading.Thread(target=noise) for _ in range(2)]
for thread in threads:
    thread.start()
for number in range(30):
    if os.fork() == 0:
        said = [threading.Thread(target=print, args=(f"child {number} {n}\\n",), kwargs={"end": ""}) for n in range(3)]
        for thread in said:
            thread.start()
        for thread in said:
            thread.join()
        os._exit(0)
    os.wait()
stop = True
for thread in threads:
    thread.join()
"""
    ran(here, text)
    found = [line for line in log_of(here).splitlines() if line.startswith("child")]
    assert sorted(found) == sorted(f"child {number} {n}" for number in range(30) for n in range(3))


def test_what_children_alone_print_stays_within_the_cap(here: Path) -> None:
    cap = 64 * 1024
    text = """
import multiprocessing
def say():
    for n in range(20_000):
        print("line", n)
with multiprocessing.get_context("fork").Pool(2) as pool:
    pool.apply(say)
    size = os.path.getsize(run.path / "logs/user_logs/std_log.txt")
    blocks = os.stat(run.path / "logs/user_logs/std_log.txt").st_blocks * 512
    run.log({"bytes": blocks})
"""
    ran(here, text, WORKBENCH_LOG_CAP=str(cap))
    assert Workspace().run("r").series("bytes").values[0] < 3 * cap
    log = RunLayout(here / ".workbench" / "runs" / "r").user_log
    assert log.stat().st_size < 2 * cap and sum("left out here" in line for line in log_of(here).splitlines()) == 1
