"""How a script's run ends, whichever way the script does, with its children, forks and threads."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import workbench_store
from workbench.lifecycle.judge import judge
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import RunRecord
from workbench_store.states import RunState
from workbench_store.store import Store

import workbench
from tests.client.scripts import run_script, start_script, store_of, the_run
from tests.lifecycle.launched import wait_until
from workbench import Workspace, command

OPEN = "import os, signal, sys, threading, time, workbench\nrun = workbench.start_run(system_metrics=False)\n"


def record_of(here: Path) -> RunRecord:
    store = store_of(here)
    return store.run(the_run(store))


@pytest.mark.parametrize(
    ("ending", "state", "reason"),
    [
        ("", RunState.COMPLETED, None),
        ("run.end('Canceled', 'enough')", RunState.CANCELED, "enough"),
        ("run.end('Failed'); run.end('Completed')", RunState.FAILED, None),
        ("run.close()", RunState.COMPLETED, None),
        ("run.end('Failed'); run.close()", RunState.FAILED, None),
        ("with run: run.close()", RunState.COMPLETED, None),
        ("import contextlib\nwith contextlib.closing(run): run.log({'a': 1})", RunState.COMPLETED, None),
        ("import contextlib\nwith contextlib.closing(run): raise ValueError('no')", RunState.FAILED, "ValueError: no"),
        ("with run: sys.exit(0)", RunState.COMPLETED, None),
        ("with run: sys.exit(3)", RunState.FAILED, "SystemExit: 3"),
        ("sys.exit(3)", RunState.FAILED, "SystemExit: 3"),
        ("sys.exit('data are missing')", RunState.FAILED, "SystemExit: data are missing"),
        ("sys.exit()", RunState.COMPLETED, None),
        ("sys.exit(0)", RunState.COMPLETED, None),
        ("exit(4)", RunState.FAILED, "SystemExit: 4"),
        ("import argparse; argparse.ArgumentParser().parse_args(['--no'])", RunState.FAILED, "SystemExit: 2"),
        ("try: sys.exit(3)\nexcept SystemExit as error: assert error.code == 3", RunState.COMPLETED, None),
        ("try: sys.exit(3)\nexcept SystemExit as error: error.code = 4; raise", RunState.FAILED, "SystemExit"),
        ("try: sys.exit(3)\nexcept SystemExit as error: assert type(error) is SystemExit", RunState.COMPLETED, None),
        ("t = threading.Thread(target=lambda: sys.exit(3)); t.start(); t.join()", RunState.COMPLETED, None),
        (
            "def main():\n    try:\n        sys.exit(3)\n    finally:\n        run.log({'a': 1})\nmain()",
            RunState.FAILED,
            "S",
        ),
        ("sys.excepthook = lambda *told: None\nraise ValueError('no')", RunState.FAILED, "ValueError: no"),
        ("sys.excepthook = lambda *told: None\nraise KeyboardInterrupt", RunState.CANCELED, "interrupted"),
        ("sys.excepthook = print\nsys.exit(3)", RunState.FAILED, "SystemExit: 3"),
        (
            "sys.excepthook = print\ntry: sys.exit(0)\nexcept SystemExit: pass\nraise ValueError('after all')",
            RunState.FAILED,
            "ValueError: after all",
        ),
        ("sys.last_value = ValueError('of a test runner')\nsys.exit(0)", RunState.COMPLETED, None),
        ("sys.last_value = ValueError('caught by a prompt')", RunState.COMPLETED, None),
        ("try: 1 / 0\nexcept ArithmeticError: sys.excepthook(*sys.exc_info())", RunState.COMPLETED, None),
        ("import code; code.InteractiveConsole().push('1 / 0')", RunState.COMPLETED, None),
        ("with run: raise KeyboardInterrupt", RunState.CANCELED, "interrupted"),
        ("raise KeyboardInterrupt", RunState.CANCELED, "interrupted"),
        ("raise ValueError('x' * 5000 + '\\ud800')", RunState.FAILED, "ValueError: xxx"),
        ("threading.Thread(target=lambda: (time.sleep(0.3), run.log({'late': 1}))).start()", RunState.COMPLETED, None),
        ("sys.stderr.close(); sys.stdout.close(); os.close(2)", RunState.COMPLETED, None),
        ("os.chdir('/'); run.log({'k': 1})", RunState.COMPLETED, None),
    ],
)
def test_a_script_ends_its_run_as_it_ends_itself(here: Path, ending: str, state: RunState, reason: str | None) -> None:
    run_script(here, OPEN + ending + "\n")
    record = record_of(here)
    assert record.state is state
    assert (record.reason or "").startswith(reason or "") and bool(record.reason) == bool(reason)
    assert judge(WorkspaceLayout(here / ".workbench")) == {}


@pytest.mark.parametrize("typo", ["undefinedd", "1 / 0", "raise KeyboardInterrupt"])
@pytest.mark.parametrize("way", ["exit()", ""])
def test_a_typo_at_the_prompt_is_not_the_end_of_the_run(here: Path, typo: str, way: str) -> None:
    lines = ["import workbench", "workbench.log({'a': 1})", typo, "workbench.log({'a': 2})", way]
    said = subprocess.run([sys.executable, "-i", "-q"], input="\n".join(lines), text=True, capture_output=True)
    assert said.returncode == 0, said.stderr
    record = record_of(here)
    assert (record.state, record.reason) == (RunState.COMPLETED, None)


def test_a_thread_that_outlives_the_main_one_is_recorded(here: Path) -> None:
    late = "threading.Thread(target=lambda: (time.sleep(0.3), run.log({'late': 1}))).start()\n"
    assert run_script(here, OPEN + late).returncode == 0
    store = store_of(here)
    assert store.series(the_run(store), "late").values == [1.0]


FORKS = """
import multiprocessing
def work(number):
    run.log({"k%d" % number: number}, step=number)
    if number == 2:
        sys.exit(1)
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=work, args=(number,)) for number in range(4)]
    [child.start() for child in children]
    [child.join() for child in children]
    pid = os.fork()
    if pid == 0:
        run.log({"plain": 1})
        sys.exit(7)
    os.waitpid(pid, 0)
    run.log({"after": 1})
"""


LATE = """
import atexit, workbench
def late():
    workbench.log({"late": 0.9})
    workbench.log_params({"end": 1})
    workbench.set_tags({"t": "x"})
atexit.register(late)
workbench.log({"a": 1.0})
"""


@pytest.mark.parametrize("in_job", [True, False])
def test_what_is_logged_when_the_interpreter_ends_is_recorded(here: Path, in_job: bool) -> None:
    if in_job:
        (here / "late.py").write_text(LATE)
        job = command(command=f"{sys.executable} late.py", code=str(here / "late.py"))
        assert Workspace().submit(job).wait(60) == "Completed"
    else:
        assert run_script(here, LATE).returncode == 0
    store = store_of(here)
    name = the_run(store)
    assert {one.key for one in store.metrics(name) if not one.key.startswith("system/")} == {"a", "late"}
    assert store.params(name)["end"] == 1 and store.run(name).tags == {"t": "x"}
    assert store.run(name).state is RunState.COMPLETED


def test_nothing_is_opened_when_all_has_ended(here: Path) -> None:
    text = (
        "import atexit\natexit.register(lambda: workbench.log({'late': 1}))\nimport workbench\nworkbench.log({'a': 1})"
    )
    done = run_script(here, text)
    store = store_of(here)
    assert [one.key for one in store.metrics(the_run(store)) if not one.key.startswith("system/")] == ["a"]
    assert "the script has ended" in done.stderr


def test_children_log_into_the_run_and_do_not_end_it(here: Path) -> None:
    done = run_script(here, OPEN + FORKS)
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    name = the_run(store)
    assert {one.key: one.count for one in store.metrics(name)} == {
        **{f"k{number}": 1 for number in range(4)},
        **{"plain": 1, "after": 1},
    }
    states = [str(state.state) for state in store.detail(name).states]
    assert states == ["Running", "Completed"]


def test_a_child_does_not_keep_a_killed_scripts_run_alive(here: Path) -> None:
    text = OPEN + "pid = os.fork()\nif pid: print(pid, flush=True)\ntime.sleep(60)\n"
    script = start_script(here, text)
    assert script.stdout is not None
    child = int(script.stdout.readline())
    layout = WorkspaceLayout(here / ".workbench")
    try:
        assert judge(layout) == {}
        script.send_signal(signal.SIGKILL)
        script.wait()
        # The child closes what it inherited as soon as it gets to run.
        wait_until(lambda: list(judge(layout).values()) == [RunState.FAILED], "the run to be judged")
    finally:
        subprocess.run(["kill", "-9", str(child)], check=True)
        script.communicate()
    assert "ended without closing" in str(record_of(here).reason)


BUSY = """
lock = threading.Lock()
def work(key):
    step = 0
    while True:
        run.log({key: float(step), "both": 1.0}, step=step)
        with lock:
            os.write(1, b"%s %d\\n" % (key.encode(), step))
        step += 1
for number in range(3):
    threading.Thread(target=work, args=("k%d" % number,)).start()
"""


def test_kills_at_any_moment_keep_what_was_acknowledged(here: Path) -> None:
    dice = random.Random(7)
    for _ in range(8):
        script = start_script(here, OPEN + BUSY)
        assert script.stdout is not None
        script.stdout.readline()
        time.sleep(dice.uniform(0.0, 0.1))
        script.send_signal(signal.SIGKILL)
        acknowledged = [line.split() for line in script.communicate()[0].splitlines()]
        store = store_of(here)
        name = store.runs().names[0]
        for key, step in [pair for pair in acknowledged if len(pair) == 2][-3:]:
            assert store.series(name, key).steps[: int(step) + 1] == list(range(int(step) + 1))
    assert set(judge(WorkspaceLayout(here / ".workbench")).values()) == {RunState.FAILED}
    assert set(store_of(here).state_counts()) == {"Failed"}


def test_a_run_of_a_living_script_is_not_judged(here: Path) -> None:
    script = start_script(here, OPEN + "print('on', flush=True)\ntime.sleep(60)\n")
    assert script.stdout is not None and script.stdout.readline() == "on\n"
    try:
        assert judge(WorkspaceLayout(here / ".workbench")) == {}
        assert record_of(here).state is RunState.RUNNING
    finally:
        script.kill()
        script.communicate()


JOB = """
import os, workbench
with workbench.start_run(params={"rank": os.environ["RANK"]}) as run:
    for step in range(50):
        run.log({"loss": int(os.environ["RANK"])}, step=step)
workbench.log({"after": 1.0})
"""


def test_the_processes_of_a_job_log_into_its_run_by_rank(here: Path) -> None:
    layout = WorkspaceLayout(here / ".workbench")
    run = layout.run("the-job")
    run.journals.mkdir(parents=True)
    with_state = JournalWriter(run.journals, "supervisor")
    with_state.event("run", name="the-job", id="i", kind="job", experiment="e")
    with_state.event("state", state="Running", generation=1, judged=False, seq=1)
    with_state.close()
    for rank in range(4):
        done = run_script(here, JOB, WORKBENCH_RUN_DIR=str(run.root), RANK=str(rank))
        assert done.returncode == 0, done.stderr
    store = Store(layout)
    store.refresh()
    assert store.runs().names == ["the-job"]
    assert [(one.rank, one.count, one.mean) for one in store.metrics("the-job", rank=None) if one.key == "loss"] == [
        (rank, 50, float(rank)) for rank in range(4)
    ]
    assert store.metrics("the-job", rank=3)[0].key == "after"
    assert store.run("the-job").state is RunState.RUNNING


NAMED = """
import workbench
with workbench.start_run(experiment="mine", name="the-job", description="d") as run:
    run.log({"loss": 1.0})
"""


def test_what_a_job_says_of_its_run_wins_and_the_script_is_told(here: Path) -> None:
    run = WorkspaceLayout(here / ".workbench").run("the-job")
    run.journals.mkdir(parents=True)
    variables = {"WORKBENCH_RUN_DIR": str(run.root), "WORKBENCH_RUN_NAME": "the-job", "WORKBENCH_EXPERIMENT": "e"}
    said = [run_script(here, NAMED, **variables, RANK=rank).stderr for rank in ("0", "1")]
    assert said[0].strip() == "workbench: start_run's experiment, description has no effect here: the job says it"
    assert said[1] == ""
    assert run_script(here, NAMED, **{**variables, "WORKBENCH_EXPERIMENT": "mine"}).stderr.count("experiment") == 0


def test_what_was_being_handled_when_the_run_was_opened_is_not_its_end(here: Path) -> None:
    again = "import contextlib, workbench\ntry: 1 / 0\nexcept ArithmeticError:\n"
    run_script(here, again + "    with contextlib.closing(workbench.start_run()) as run: run.log({'a': 1})\n")
    assert record_of(here).state is RunState.COMPLETED


MAIN = """
import sys, workbench

def main(code):
    workbench.log({"loss": 1.0})
    return code

"""


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        ("sys.exit(main(0))", RunState.COMPLETED),
        ("sys.exit(main(None))", RunState.COMPLETED),
        ("sys.exit(main(3))", RunState.FAILED),
        ("sys.exit(main('no data'))", RunState.FAILED),
        ("exit(main(3))", RunState.FAILED),
        ("workbench.start_run().end()\nsys.exit(main(3))", RunState.FAILED),
        ("own = sys.exit\nsys.exit = lambda code: own(code)\nmain(0)\nsys.exit(main(3))", RunState.FAILED),
    ],
)
def test_a_run_that_main_opens_ends_as_main_says(here: Path, ending: str, state: RunState) -> None:
    run_script(here, MAIN + ending)
    store = store_of(here)
    (run,) = [name for name in store.runs().names if store.metrics(name)]
    assert store.run(run).state is state and store.detail(run).warnings == ()


@pytest.mark.parametrize("ending", ["run.end()", "run.close()"])
def test_what_a_job_logs_after_it_ended_its_part_is_of_its_run_still(here: Path, ending: str) -> None:
    files = WorkspaceLayout(here / ".workbench").run("r")
    files.journals.mkdir(parents=True)
    script = f"{OPEN}run.log({{'a': 1}}, step=0)\n{ending}\nworkbench.log({{'a': 2}}, step=1)\n"
    done = run_script(here, script, WORKBENCH_RUN_DIR=str(files.root))
    assert (done.returncode, done.stderr) == (0, "")
    assert store_of(here).series("r", "a").values == [1.0, 2.0]


GOING = """
import shutil, sys, workbench
workbench.log({"loss": 1.0}, step=0)
for name in ("workbench", "workbench_store"):
    shutil.rmtree("package/" + name)
workbench.log({"loss": 2.0}, step=1)
workbench.log_params({"lr": 0.1})
workbench.set_tags({"best": "yes"})
open("file.txt", "w").close()
workbench.log_artifact("file.txt")
workbench.log_text("words", "said")
workbench.log_model("file.txt", "model")
workbench.log({"loss": 3.0}, step=2)
"""


def test_a_package_that_goes_away_ends_no_training_of_a_job(here: Path) -> None:
    for package in (Path(workbench.__file__), Path(workbench_store.__file__)):
        shutil.copytree(package.parent, here / "package" / package.parent.name)
    files = WorkspaceLayout(here / ".workbench").run("r")
    files.journals.mkdir(parents=True)
    done = run_script(here, GOING, PYTHONPATH=str(here / "package"), WORKBENCH_RUN_DIR=str(files.root))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert store.series("r", "loss").values == [1.0, 2.0, 3.0] and store.params("r") == {"lr": 0.1}
    assert (files.outputs / "file.txt").exists()


def test_a_script_that_raises_system_exit_itself_is_told_of(here: Path) -> None:
    run_script(here, OPEN + "raise SystemExit(3)\n")
    store = store_of(here)
    assert any("sys.exit(code)" in text for text in store.detail(the_run(store)).warnings)


def test_what_a_run_replaces_is_put_back(here: Path) -> None:
    script = "import sys, workbench\nhooks = lambda: (sys.excepthook, sys.exit, exit, quit)\nbefore = hooks()\n" + OPEN
    script += "run.end()\nassert hooks() == before\nopen('ok', 'w').close()\nsys.exit(3)\n"
    assert run_script(here, script).returncode == 3
    assert (here / "ok").exists() and record_of(here).state is RunState.COMPLETED


def test_what_a_child_raises_comes_back_to_its_parent(here: Path) -> None:
    script = OPEN + "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing, pickle\n"
    script += "def leave(): sys.exit(3)\nif __name__ == '__main__':\n"
    script += "    with ProcessPoolExecutor(1, multiprocessing.get_context('fork')) as pool:\n"
    script += "        error = pool.submit(leave).exception()\n"
    script += "    assert type(error) is SystemExit and error.code == 3, repr(error)\n"
    done = run_script(here, script)
    assert done.returncode == 0, done.stderr
    assert record_of(here).state is RunState.COMPLETED


def test_a_forked_childs_own_exit_is_not_told_of_the_run(here: Path) -> None:
    leaving = "child = os.fork()\nif child == 0:\n    raise SystemExit(5)\nprint(os.waitpid(child, 0)[1] >> 8)\n"
    done = run_script(here, OPEN + leaving)
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr
    store = store_of(here)
    assert store.run(the_run(store)).state is RunState.COMPLETED
    assert store.detail(the_run(store)).warnings == ()


# Garbage whose finalizer lets others run is collected at every point of looking for the script's main module in turn.
COLLECTING = """
import gc, threading, time, weakref
from workbench.client.exit_code import ExitWatch

class Garbage: pass

def begin_threads():
    while True:
        t = threading.Thread(target=int); t.start(); t.join()

def watch():
    kept = []
    for n in range(120):
        gc.disable()
        garbage = Garbage(); garbage.itself = garbage
        kept.append(weakref.ref(garbage, lambda _: time.sleep(0.001)))
        del garbage
        gc.set_threshold(gc.get_count()[0] + n % 40)
        gc.enable()
        ExitWatch().stop()
        assert gc.isenabled()

threading.Thread(target=begin_threads, daemon=True).start()
"""


@pytest.mark.parametrize("in_thread", ["watch()", "t = threading.Thread(target=watch); t.start(); t.join()"])
def test_opening_a_run_beside_other_threads_does_not_hang(here: Path, in_thread: str) -> None:
    run_script(here, COLLECTING + in_thread + "\nprint('opened')\n")


def test_a_thread_that_is_left_behind_opens_no_run(here: Path) -> None:
    text = """
def log_on():
    while True:
        workbench.log({"a": 1})
        time.sleep(0.0003)
threading.Thread(target=log_on, daemon=True).start()
time.sleep(0.2)
"""
    later = "import atexit, time\natexit.register(time.sleep, 0.3)  # after the end of the run\n"
    done = run_script(here, later + OPEN + text)
    store = store_of(here)
    assert [store.run(name).state for name in store.runs().names] == [RunState.COMPLETED]
    assert done.returncode == 0 and "the script has ended" in done.stderr
