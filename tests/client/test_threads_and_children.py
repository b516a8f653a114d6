"""Threads and forks at odd moments, spawned children, and no hooks or helpers left behind."""

import os
from pathlib import Path

import pytest
from workbench_store.states import RunState

from tests.client.scripts import run_script, store_of, the_run

SPAWNED = """
import multiprocessing, os, workbench

def work(step):
    workbench.log({"k": float(step)}, step=step)
    with workbench.start_run() as run:
        run.log_params({"p%d" % step: step})

if __name__ == "__main__":
    with workbench.start_run(experiment="e", system_metrics=False):
        context = multiprocessing.get_context("METHOD")
        children = [context.Process(target=work, args=(step,)) for step in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            assert child.exitcode == 0
    with workbench.start_run(experiment="e", name="next", system_metrics=False):
        pass
    assert os.environ["WORKBENCH_FAMILY"] == str(os.getpid())
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_children_of_a_script_log_into_its_run(here: Path, method: str) -> None:
    done = run_script(here, SPAWNED.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    names = store.runs().names
    assert len(names) == 2 and "next" in names
    (name,) = set(names) - {"next"}
    assert sorted(store.series(name, "k").steps) == [0, 1, 2]
    assert store.params(name) == {"p0": 0, "p1": 1, "p2": 2}
    assert store.run(name).state is RunState.COMPLETED


AT_THE_TOP = """
import multiprocessing, workbench
workbench.log_params({"lr": 0.1})

def work(step):
    workbench.log({"part": float(step)}, step=step)

if __name__ == "__main__":
    with multiprocessing.get_context("METHOD").Pool(2) as pool:
        pool.map(work, range(4))
    workbench.log({"done": 1.0})
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_nor_do_children_of_a_script_that_logs_at_its_top_have_runs_of_their_own(here: Path, method: str) -> None:
    done = run_script(here, AT_THE_TOP.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    (name,) = store.runs().names
    assert sorted(store.series(name, "part").steps) == [0, 1, 2, 3] and store.series(name, "done").values == [1.0]
    assert store.run(name).state is RunState.COMPLETED


FORK_WHILE_LOCKED = """
import os, threading, workbench
from workbench.client import current
run = workbench.start_run(system_metrics=False)
inside, go_on = threading.Event(), threading.Event()
def hold():
    with current.lock:
        inside.set()
        go_on.wait()
threading.Thread(target=hold).start()
inside.wait()
child = os.fork()
if child == 0:
    workbench.active_run().log({"k": 1.0}, step=1)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
go_on.set()
run.end()
"""


def test_a_child_forked_while_another_thread_is_inside_goes_on(here: Path) -> None:
    done = run_script(here, FORK_WHILE_LOCKED)
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert store.series(the_run(store), "k").steps == [1]


#: While threads go on with what `work` is, the run ends and files are opened, which get the numbers that it had.
ENDING_BESIDE_THREADS = """
import sys, threading, workbench
sys.setswitchinterval(1e-5)
sys.stdout = open("printed.txt", "w")
%s
for round in range(%d):
    run = workbench.start_run(system_metrics=False)
    over = threading.Event()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    run.end()
    files = [open("user-%%d-%%d.bin" %% (round, number), "wb") for number in range(8)]
    over.set()
    for thread in threads:
        thread.join()
    for file in files:
        file.close()
"""
LOGGING = """
def work():
    step = 0
    while not over.is_set():
        try:
            run.log({"k": float(step)}, step=step)
        except workbench.WorkbenchError:
            return
        step += 1
"""
PRINTING = """
def work():
    while not over.is_set():
        print("hello from a thread")
"""


@pytest.mark.parametrize(("work", "rounds"), [(LOGGING, 60), (PRINTING, 40)])
def test_nothing_goes_into_a_file_of_the_users(here: Path, work: str, rounds: int) -> None:
    done = run_script(here, ENDING_BESIDE_THREADS % (work, rounds))
    assert done.returncode == 0, done.stderr
    assert all(path.stat().st_size == 0 for path in here.glob("user-*.bin"))
    assert len(list(here.glob("user-*.bin"))) == rounds * 8


MANY_RUNS = """
import os, sys, threading, time, workbench
hook = sys.excepthook
for _ in range(30):
    with workbench.start_run(system_metrics=0.05):
        pass
assert sys.excepthook is hook
for thread in threading.enumerate():
    if thread.name == "workbench-sampler":
        thread.join()
import psutil
assert not psutil.Process().children(), psutil.Process().children()
"""


def test_many_short_runs_leave_no_helper_and_no_hook(here: Path) -> None:
    done = run_script(here, MANY_RUNS)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("rank", ["99999999999", "²", "-1", "x"])
def test_a_rank_that_is_none_is_rank_zero(here: Path, rank: str) -> None:
    done = run_script(here, "import workbench; workbench.log({'k': 1.0})", WORKBENCH_RUN_DIR="", RANK=rank)
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert len(store.series(the_run(store), "k", rank=0)) == 1


def test_a_script_whose_folder_is_gone_is_told_so(here: Path) -> None:
    text = (
        "import os, workbench\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        "try:\n    workbench.start_run()\nexcept workbench.WorkbenchError as error:\n    print(error)\n"
    )
    done = run_script(here, text)
    assert "current folder is not there" in done.stdout, done.stderr


SLOW_GIT_AND_TWO_INTERRUPTS = """
import os, signal, threading, time, workbench
def interrupt_again():
    while not any("Canceled" in path.read_bytes().decode("latin-1") for path in run.path.glob("journal/script-*.wbj")):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
with workbench.start_run(system_metrics=False, name="r") as run:
    time.sleep(0.3)
    threading.Thread(target=interrupt_again, daemon=True).start()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1000)
"""


def test_a_second_interrupt_at_the_end_changes_nothing_of_it(here: Path) -> None:
    (here / "bin").mkdir()
    (here / "bin" / "git").write_text("#!/bin/sh\nexec sleep 30\n")
    (here / "bin" / "git").chmod(0o755)
    path = f"{here / 'bin'}:{os.environ['PATH']}"
    run_script(here, SLOW_GIT_AND_TWO_INTERRUPTS, PATH=path)
    assert store_of(here).run("r").state is RunState.CANCELED
