"""Children of a script log into the run that the script has open when they log, whenever they began themselves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workbench_store.cache_root import cache_root
from workbench_store.states import RunState
from workbench_store.store import Store

from tests.client.scripts import run_script, store_of
from tests.lifecycle.launched import wait_until
from workbench import Workspace, command

pytestmark = pytest.mark.slow

METHODS = ["spawn", "forkserver", "fork"]


def notices() -> Path:
    return cache_root() / "scripts"


def values(store: Store, run: str, key: str) -> list[float]:
    return sorted(store.series(run, key).values)


#: A grid search: one pool, older than all runs but the first of its children, and a run for each configuration.
GRID = """
import multiprocessing, workbench
from concurrent.futures import ProcessPoolExecutor

def fold(given):
    lr, number = given
    for step in range(3):
        workbench.log({"fold%d" % number: lr * 100 + step}, step=step)

def warm_up(_):
    pass

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("METHOD")) as pool:
        list(pool.map(warm_up, range(8)))
        for lr in (1, 2, 3):
            with workbench.start_run("grid", name="grid-%d" % lr, system_metrics=False) as run:
                list(pool.map(fold, [(lr, number) for number in range(2)]))
                run.log({"mean": lr})
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_logs_into_the_run_that_is_open_then(here: Path, method: str) -> None:
    done = run_script(here, GRID.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert set(store.runs().names) == {"grid-1", "grid-2", "grid-3"}
    for lr in (1, 2, 3):
        for key in ("fold0", "fold1"):
            assert values(store, f"grid-{lr}", key) == [lr * 100, lr * 100 + 1, lr * 100 + 2]
        assert store.run(f"grid-{lr}").state is RunState.COMPLETED
    assert not list(notices().iterdir())


#: A pool for each run, of a server that keeps what the environment was at the first; and one when no run is open.
FROZEN = """
import multiprocessing, workbench
context = multiprocessing.get_context("METHOD")

def load(number):
    workbench.log({"k": float(number)}, step=0)

def train(lr):
    with workbench.start_run("sweep", name="own-%d" % lr, params={"lr": lr}, system_metrics=False) as run:
        run.log({"loss": float(lr)})
    return run.name

if __name__ == "__main__":
    for number in range(2):
        with workbench.start_run("e", name="run-%d" % number, system_metrics=False):
            with context.Pool(1) as pool:
                pool.map(load, [number])
    with context.Pool(2) as pool:
        assert pool.map(train, range(4)) == ["own-%d" % lr for lr in range(4)]
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("method", METHODS)
def test_what_a_server_kept_of_an_earlier_run_misleads_nobody(here: Path, method: str) -> None:
    done = run_script(here, FROZEN.replace("METHOD", method))
    assert done.returncode == 0 and "no effect" not in done.stderr, done.stderr
    store = store_of(here)
    assert set(store.runs().names) == {"run-0", "run-1", *(f"own-{lr}" for lr in range(4))}
    assert [values(store, f"run-{number}", "k") for number in range(2)] == [[0.0], [1.0]]
    assert [store.params(f"own-{lr}") for lr in range(4)] == [{"lr": lr} for lr in range(4)]


#: A child is told its rank as PyTorch's recipe for training in processes has it.
RANKS = """
import multiprocessing, os, sys, workbench

def train(rank, run):
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2")
    for number in range(3):
        workbench.log({"loss": 10.0 * rank + number})
    workbench.log_text("words", str(rank))
    run = run or workbench.start_run()
    assert run.rank == rank, run.rank
    run.log({"other": float(rank)})

if __name__ == "__main__":
    run = workbench.start_run("e", name="r", system_metrics=False)
    run.log({"loss": -1.0})
    for given in (run, None):
        ranks = [multiprocessing.get_context(sys.argv[1]).Process(target=train, args=(n, given)) for n in range(2)]
        [rank.start() for rank in ranks]
        [rank.join() for rank in ranks]
        assert not any(rank.exitcode for rank in ranks)
    run.log({"loss": -2.0})
    assert run.rank == 0
"""


@pytest.mark.parametrize("method", METHODS)
def test_children_that_are_told_their_ranks_are_kept_apart(here: Path, method: str) -> None:
    (here / "train.py").write_text(RANKS)
    done = subprocess.run([sys.executable, "train.py", method], cwd=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check_ranks(store_of(here), "r")


@pytest.mark.parametrize("method", METHODS)
def test_children_of_a_job_that_are_told_their_ranks_are_kept_apart(here: Path, method: str) -> None:
    (here / "src").mkdir()
    (here / "src" / "train.py").write_text(RANKS)
    run = Workspace().submit(command(code="src", command=f"{sys.executable} train.py {method}"))
    assert run.wait() is RunState.COMPLETED, run.logs()
    check_ranks(store_of(here), run.name)


def check_ranks(store: Store, name: str) -> None:
    assert sorted(store.series(name, "loss", rank=1).values) == sorted([10.0, 11.0, 12.0] * 2)
    assert sorted(store.series(name, "loss", rank=0).values) == sorted([-1.0, 0.0, 1.0, 2.0, 0.0, 1.0, 2.0, -2.0])
    assert sorted(store.series(name, "loss", rank=1).steps) == [0, 0, 1, 1, 2, 2]
    assert [store.series(name, "other", rank=rank).values for rank in range(2)] == [[0.0, 0.0], [1.0, 1.0]]
    assert {item.rank for item in store.media(name)} == {0, 1}


#: What of PyTorch is asked, and joined as its tutorial has it.
TORCH = """
joined = []
def is_available(): return True
def is_initialized(): return bool(joined)
def get_world_size(): return joined[0][1]
def get_rank(): return joined[0][0]
def init_process_group(backend, rank, world_size): joined.append((rank, world_size))
"""
TUTORIAL = """
import multiprocessing, os, sys, torch.distributed, workbench

def train(rank, size):
    workbench.log_params({"size": size})
    torch.distributed.init_process_group("gloo", rank=rank, world_size=size)
    for step in range(3):
        workbench.log({"loss": 10.0 * rank + step}, step=step)

if __name__ == "__main__":
    run = workbench.start_run("e", name="r", system_metrics=False)
    ranks = [multiprocessing.get_context(sys.argv[1]).Process(target=train, args=(n, 2)) for n in range(2)]
    [rank.start() for rank in ranks]
    [rank.join() for rank in ranks]
    assert not any(rank.exitcode for rank in ranks)
"""


@pytest.mark.parametrize("told", [{}, {"RANK": "0", "WORLD_SIZE": "1"}, {"SLURM_PROCID": "0"}], ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_children_that_join_a_group_of_pytorch_are_its_ranks(here: Path, method: str, told: dict[str, str]) -> None:
    (here / "torch").mkdir()
    (here / "torch" / "__init__.py").touch()
    (here / "torch" / "distributed.py").write_text(TORCH)
    (here / "train.py").write_text(TUTORIAL)
    words = [sys.executable, "train.py", method]
    done = subprocess.run(words, cwd=here, env={**os.environ, **told}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert [store.series("r", "loss", rank=n).values for n in range(2)] == [[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]]
    assert store.params("r") == {"size": 2}


#: Ranks that PyTorch alone knows have children of their own: loaders, say, or what evaluates.
HELPERS = """
import multiprocessing, os, sys, torch.distributed, workbench

def start(target, *arguments):
    context = multiprocessing.get_context(sys.argv[1])
    started = [context.Process(target=target, args=given) for given in arguments]
    [process.start() for process in started]
    [process.join() for process in started]
    assert not any(process.exitcode for process in started)

def train(run, rank):
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    if "first" in sys.argv:
        (run or workbench).log({"loss": 1.0})
    start(help, (run, rank, 0), (run, rank, 1))

def help(run, rank, number):
    if number == 1:
        start(help, (run, rank, 2))
    (run or workbench).log({"help%d" % number: 10.0 * rank + number})

if __name__ == "__main__":
    run = workbench.start_run("e", name=None if "job" in sys.argv else "r", system_metrics=False)
    handed = run if "handed" in sys.argv else None
    start(train, (handed, 0), (handed, 1))
"""


@pytest.fixture
def helpers(here: Path) -> Path:
    """The folder of a script that starts ranks with helpers: how, and which of first and handed, are its words."""
    (here / "src" / "torch").mkdir(parents=True)
    (here / "src" / "torch" / "__init__.py").touch()
    (here / "src" / "torch" / "distributed.py").write_text(TORCH)
    (here / "src" / "train.py").write_text(HELPERS)
    return here / "src"


def check_helpers(store: Store, name: str) -> None:
    for number in range(3):
        found = [store.series(name, f"help{number}", rank=rank).values for rank in range(2)]
        assert found == [[float(number)], [10.0 + number]]


@pytest.mark.parametrize("told", [{}, {"RANK": "0", "WORLD_SIZE": "1"}], ids=str)
@pytest.mark.parametrize("more", [[], ["first"], ["handed"], ["first", "handed"]], ids=" ".join)
@pytest.mark.parametrize("method", METHODS)
def test_children_of_a_rank_are_of_that_rank(helpers: Path, method: str, more: list[str], told: dict[str, str]) -> None:
    words = [sys.executable, "train.py", method, *more]
    done = subprocess.run(words, cwd=helpers, env={**os.environ, **told}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check_helpers(store_of(helpers.parent), "r")


@pytest.mark.parametrize("more", ["", "first", "handed"])
@pytest.mark.parametrize("method", METHODS)
def test_children_of_a_rank_of_a_job_are_of_that_rank(helpers: Path, method: str, more: str) -> None:
    run = Workspace().submit(command(code="src", command=f"{sys.executable} train.py {method} job {more}"))
    assert run.wait() is RunState.COMPLETED, run.logs()
    check_helpers(store_of(helpers.parent), run.name)


#: A rank that a script of its own starts, and that loads PyTorch behind us: only it knows which rank it is.
RANK_ALONE = """
import workbench
import multiprocessing, sys, torch.distributed

def load():
    workbench.log({"loaded": 1.0})

if __name__ == "__main__":
    torch.distributed.init_process_group("gloo", rank=1, world_size=2)
    workbench.log({"loss": 1.0})
    loader = multiprocessing.get_context(sys.argv[1]).Process(target=load)
    loader.start()
    loader.join()
"""


@pytest.mark.parametrize("method", METHODS)
def test_children_of_a_job_that_is_a_rank_itself_are_of_that_rank(helpers: Path, method: str) -> None:
    (helpers / "train.py").write_text(RANK_ALONE)
    run = Workspace().submit(command(code="src", command=f"{sys.executable} train.py {method}"))
    assert run.wait() is RunState.COMPLETED, run.logs()
    store = store_of(helpers.parent)
    assert store.series(run.name, "loss", rank=1).values == store.series(run.name, "loaded", rank=1).values == [1.0]


@pytest.mark.parametrize(
    ("told", "rank"),
    [
        ({"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2"}, 1),
        ({"LOCAL_RANK": "1", "RANK": "3"}, 3),
        ({"LOCAL_RANK": "1", "NODE_RANK": "1"}, 0),
        ({"LOCAL_RANK": "", "PMI_RANK": "2"}, 2),
    ],
)
def test_the_rank_is_as_the_launcher_tells_it(here: Path, told: dict[str, str], rank: int) -> None:
    """In a job, whose processes all log into its run."""
    (here / "src").mkdir()
    (here / "src" / "train.py").write_text("import workbench\nworkbench.log({'loss': 1.0})\n")
    job = command(code="src", command=f"{sys.executable} train.py", environment_variables=told)
    run = Workspace().submit(job)
    assert run.wait() is RunState.COMPLETED, run.logs()
    assert store_of(here).series(run.name, "loss", rank=rank).values == [1.0]


#: A program that a script starts while its run is open, and that has children of its own.
SWEEP = """
import multiprocessing, sys

def train(lr):
    import workbench
    with workbench.start_run("sweep", name="sweep-%d" % lr, params={"lr": lr}, system_metrics=False) as run:
        run.log({"loss": float(lr)})

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        pool.map(train, range(4))
        pool.close()
        pool.join()
"""
LAUNCHER = """
import subprocess, sys, workbench
with workbench.start_run("e", name="launcher", system_metrics=False) as run:
    subprocess.run([sys.executable, "sweep.py", "METHOD"], check=True)
    run.log({"done": 1.0})
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_program_that_a_script_starts_and_its_children_have_runs_of_their_own(here: Path, method: str) -> None:
    (here / "sweep.py").write_text(SWEEP)
    done = run_script(here, LAUNCHER.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert set(store.runs().names) == {"launcher", *(f"sweep-{lr}" for lr in range(4))}
    assert [values(store, f"sweep-{lr}", "loss") for lr in range(4)] == [[float(lr)] for lr in range(4)]
    assert store.metrics("launcher")[0].key == "done" and len(store.metrics("launcher")) == 1


#: The same, started by a fork in Python, which is told to what Python does at a fork.
FORKED_AND_REPLACED = """
import os, pty, subprocess, sys, workbench
program = [sys.executable, "sweep.py", "fork"]
with workbench.start_run("e", name="launcher", system_metrics=False) as run:
    if sys.argv[1] == "preexec":
        subprocess.run(program, check=True, preexec_fn=os.setpgrp)
    elif sys.argv[1] == "spawnv":
        assert os.spawnv(os.P_WAIT, program[0], program) == 0
    else:
        assert pty.spawn(program) == 0
    run.log({"done": 1.0})
"""


@pytest.mark.parametrize("way", ["preexec", "spawnv", "pty"])
@pytest.mark.parametrize("where", ["in the children", "at its top"])
def test_however_the_program_is_started(here: Path, way: str, where: str) -> None:
    (here / "sweep.py").write_text(("import workbench\n" if where == "at its top" else "") + SWEEP)
    done = run_script(here, FORKED_AND_REPLACED.replace("sys.argv[1]", repr(way)))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert set(store.runs().names) == {"launcher", *(f"sweep-{lr}" for lr in range(4))}
    assert [metric.key for metric in store.metrics("launcher")] == ["done"]


#: A script that goes on with a run at its top, which its children run again.
AT_THE_TOP = """
import multiprocessing, workbench
run = workbench.start_run(resume="earlier", system_metrics=False)

def work(number):
    run.log({"c": float(number)}, step=number)

if __name__ == "__main__":
    with multiprocessing.get_context("METHOD").Pool(2) as pool:
        pool.map(work, range(4))
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_is_resumed_at_the_top_is_the_childrens_too(here: Path, method: str) -> None:
    run_script(here, "import workbench; workbench.start_run(name='earlier', system_metrics=False).end()")
    done = run_script(here, AT_THE_TOP.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert store.runs().names == ["earlier"] and values(store, "earlier", "c") == [0.0, 1.0, 2.0, 3.0]


#: Two containers of one machine: in both the script is process 1, and they have a cache in common.
CONTAINED = """
import multiprocessing, os, sys, time, workbench

def work(number):
    workbench.log({"k": float(number)}, step=number)

if __name__ == "__main__":
    assert os.getpid() == 1
    first = sys.argv[1] == "first"
    with workbench.start_run("e", name=sys.argv[1], system_metrics=False):
        open(sys.argv[1] + ".open", "w").close()
        if first:
            while not os.path.exists("second.over"):
                time.sleep(0.01)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                pool.map(work, range(3))
    if not first:
        open("second.over", "w").close()
"""


def test_containers_do_not_mistake_each_others_processes(here: Path) -> None:
    apart = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "script.py"]
    if shutil.which("unshare") is None or subprocess.run([*apart[:4], "true"], capture_output=True).returncode != 0:
        pytest.skip("process namespaces cannot be made here")
    (here / "script.py").write_text(CONTAINED)
    first = subprocess.Popen([*apart, "first"], cwd=here)
    wait_until((here / "first.open").exists, "the first script's run")
    subprocess.run([*apart, "second"], cwd=here, check=True)
    assert first.wait(60) == 0
    store = store_of(here)
    assert set(store.runs().names) == {"first", "second"} and values(store, "first", "k") == [0.0, 1.0, 2.0]


#: A grandchild, of a child that records nothing.
NESTED = """
import multiprocessing, workbench

def inner():
    workbench.log({"k": 1.0}, step=0)

def outer(method):
    child = multiprocessing.get_context(method).Process(target=inner)
    child.start()
    child.join()
    assert child.exitcode == 0

if __name__ == "__main__":
    with workbench.start_run("e", name="only", system_metrics=False):
        child = multiprocessing.get_context("METHOD").Process(target=outer, args=("INNER",))
        child.start()
        child.join()
        assert child.exitcode == 0
"""


@pytest.mark.parametrize(
    ("outer", "inner"), [("spawn", "spawn"), ("fork", "spawn"), ("spawn", "fork"), ("fork", "fork")]
)
def test_so_do_children_of_children(here: Path, outer: str, inner: str) -> None:
    done = run_script(here, NESTED.replace("METHOD", outer).replace("INNER", inner))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert store.runs().names == ["only"] and values(store, "only", "k") == [1.0]


#: A pool that is older than the run, whose children have pools in turn.
OLDER = """
import multiprocessing, workbench
context = multiprocessing.get_context("METHOD")

def fold(number):
    workbench.log({"fold": float(number)}, step=number)

def trial(number):
    with ProcessPoolExecutor(2, mp_context=context) as inner:
        list(inner.map(fold, range(number * 10, number * 10 + 3)))

from concurrent.futures import ProcessPoolExecutor
if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=context) as outer:
        list(outer.map(abs, range(4)))
        for name in "ab":
            with workbench.start_run("e", name=name, workspace=name, system_metrics=False):
                list(outer.map(trial, [1, 2]))
"""


@pytest.mark.parametrize("method", METHODS)
def test_wherever_the_run_is_and_however_deep_they_are(here: Path, method: str) -> None:
    done = run_script(here, OLDER.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    assert not (here / ".workbench").exists()
    for name in "ab":
        store = store_of(here / name)
        assert store.runs().names == [name]
        assert values(store, name, "fold") == [10.0, 11.0, 12.0, 20.0, 21.0, 22.0]


#: Threads of a pool's children, all of which may find that there is another run.
THREADS = """
import multiprocessing, sys, threading, workbench
from concurrent.futures import ProcessPoolExecutor

def work(number):
    def log(key):
        for step in range(5):
            workbench.log({"t%d" % key: float(number)}, step=step)
    threads = [threading.Thread(target=log, args=(key,)) for key in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

sys.setswitchinterval(1e-5)
if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("METHOD")) as pool:
        for number in range(12):
            with workbench.start_run("e", name="r%d" % number, system_metrics=False):
                list(pool.map(work, [number, number]))
"""


@pytest.mark.parametrize("method", METHODS)
def test_all_threads_of_a_child_log_into_the_run_that_is_open(here: Path, method: str) -> None:
    done = run_script(here, THREADS.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    for number in range(12):
        for key in range(4):
            assert values(store, f"r{number}", f"t{key}") == [float(number)] * 10


#: Children that log while their script has no run open, and later while it has one; and one that fails.
ALONE = """
import multiprocessing, os, time, workbench

def work(number):
    workbench.log({"k": float(number)}, step=number)
    if number == 9:
        raise ValueError("nine")
    if number == 8:
        raise SystemExit(3)

def both(go_on):
    workbench.log({"alone": 1.0}, step=0)
    go_on[0].set()
    go_on[1].wait()
    workbench.log({"together": 1.0}, step=0)

if __name__ == "__main__":
    context = multiprocessing.get_context("METHOD")
    for number in (1, 8, 9):
        child = context.Process(target=work, args=(number,))
        child.start()
        child.join()
    go_on = context.Event(), context.Event()
    child = context.Process(target=both, args=(go_on,))
    child.start()
    go_on[0].wait()
    with workbench.start_run("e", name="later", system_metrics=False):
        go_on[1].set()
        child.join()
    assert child.exitcode == 0
"""


@pytest.mark.parametrize("method", METHODS)
def test_runs_of_children_alone_end_as_these_do(here: Path, method: str) -> None:
    done = run_script(here, ALONE.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    ends = {}
    for name in store.runs().names:
        (metric,) = store.metrics(name)
        ends[metric.key, metric.last] = store.run(name)
        assert not store.detail(name).warnings
    assert {what: str(record.state) for what, record in ends.items()} == {
        ("k", 1.0): "Completed",
        ("k", 8.0): "Failed",
        ("k", 9.0): "Failed",
        ("alone", 1.0): "Completed",
        ("together", 1.0): "Completed",
    }
    assert ends["together", 1.0].name == "later" and "nine" in str(ends["k", 9.0].reason)


FORKED_EARLY = """
import os, workbench
ready, go = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    os.read(go[0], 1)
    workbench.log({"k": 1.0}, step=1)
    os._exit(0)
with workbench.start_run("e", name="only", system_metrics=False):
    os.write(go[1], b"x")
    assert os.waitpid(child, 0)[1] == 0
"""


def test_so_does_a_child_that_was_forked_before_there_was_a_run(here: Path) -> None:
    done = run_script(here, FORKED_EARLY)
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert store.runs().names == ["only"] and values(store, "only", "k") == [1.0]


#: The run handed over, as an argument of a child and of a pool's task.
HANDED = """
import functools, multiprocessing, pickle, workbench
from concurrent.futures import ProcessPoolExecutor

def work(run, number):
    run.log({"k": float(number)}, step=number)
    return run.name

if __name__ == "__main__":
    context = multiprocessing.get_context("METHOD")
    with workbench.start_run("e", name="only", system_metrics=False) as run:
        child = context.Process(target=work, args=(run, 0))
        child.start()
        child.join()
        assert child.exitcode == 0
        with context.Pool(2) as pool:
            assert pool.map(functools.partial(work, run), [1, 2]) == ["only", "only"]
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            assert pool.submit(work, run, 3).result() == "only"
        kept = pickle.dumps({"model": 1, "run": run})
        assert pickle.loads(kept)["run"] is run
    model = pickle.loads(kept)
    assert (model["run"].name, model["run"].path, model["run"].ended) == ("only", run.path, True)
    with model["run"]:
        model["run"].end()
    for log in (model["run"].log, model["run"].log_params, model["run"].set_tags):
        try:
            log({"k": 9.0})
        except workbench.UsageError as error:
            assert "the run only has ended" in str(error)
        else:
            raise AssertionError(log)
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_run_can_be_handed_to_children(here: Path, method: str) -> None:
    done = run_script(here, HANDED.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert store.runs().names == ["only"] and values(store, "only", "k") == [0.0, 1.0, 2.0, 3.0]


#: Tasks that are taken up when the run is over, and children that give back runs of their own.
LATE_AND_BACK = """
import multiprocessing, time, workbench
from concurrent.futures import ProcessPoolExecutor

def work(run, number):
    time.sleep(0.1)
    return number

def log(run):
    run.log({"late": 1.0})

def trial(number):
    with workbench.start_run("sweep", name="own-%d" % number, system_metrics=False) as run:
        run.log({"k": float(number)})
    return run

if __name__ == "__main__":
    context = multiprocessing.get_context("METHOD")
    pool = context.Pool(1)
    with workbench.start_run("e", name="only", system_metrics=False) as run:
        late = [pool.apply_async(work, (run, number)) for number in range(4)]
    assert [one.get(60) for one in late] == [0, 1, 2, 3]
    with ProcessPoolExecutor(1, mp_context=context) as other:
        error = other.submit(log, run).exception(60)
        assert isinstance(error, workbench.UsageError) and "has ended" in str(error), error
        assert [run.name for run in other.map(trial, range(2))] == ["own-0", "own-1"]
    pool.close()
    pool.join()
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_is_over_is_handed_over_as_that(here: Path, method: str) -> None:
    done = run_script(here, LATE_AND_BACK.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    assert set(store_of(here).runs().names) == {"only", "own-0", "own-1"}


#: A child that goes on after its script's only run.
LATE = """
import multiprocessing, time, workbench

def work(over):
    workbench.log({"k": 0.0}, step=0)
    over.wait()
    workbench.log({"k": 1.0}, step=1)

if __name__ == "__main__":
    context = multiprocessing.get_context("METHOD")
    over = context.Event()
    child = context.Process(target=work, args=(over,))
    with workbench.start_run("e", name="only", system_metrics=False) as run:
        child.start()
        while not any(path.stat().st_size > 200 for path in run.path.glob("journal/*-%d-*" % child.pid)):
            time.sleep(0.01)
    over.set()
    child.join()
    assert child.exitcode == 0
"""


@pytest.mark.parametrize("method", METHODS)
def test_what_comes_late_is_of_the_run_before(here: Path, method: str) -> None:
    done = run_script(here, LATE.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert store.runs().names == ["only"] and values(store, "only", "k") == [0.0, 1.0]
    assert store.run("only").state is RunState.COMPLETED


TOLD = """
import multiprocessing, workbench

def work(number):
    with workbench.start_run("other", params={"p%d" % number: number}) as run:
        return run.name

if __name__ == "__main__":
    with workbench.start_run("e", name="only", system_metrics=False):
        with multiprocessing.get_context("METHOD").Pool(1) as pool:
            assert pool.map(work, range(2)) == ["only", "only"]
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_child_whose_run_is_given_is_told_so(here: Path, method: str) -> None:
    done = run_script(here, TOLD.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    assert "start_run's experiment has no effect in a child process: it logs into only" in done.stderr
    store = store_of(here)
    assert store.params("only") == {"p0": 0, "p1": 1}


#: A script that was killed leaves its notice behind, and another process gets its PID.
KILLED = """
import os, signal, workbench
run = workbench.start_run("e", name="killed", system_metrics=False)
os.kill(os.getpid(), signal.SIGKILL)
"""
LATER = """
import multiprocessing, os, sys, workbench
from pathlib import Path

def work(number):
    workbench.log({"k": 1.0}, step=0)

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (left,) = os.listdir(folder)
    os.rename(folder / left, folder / ("%s-%d" % (left.split("-")[0], os.getpid())))
    child = multiprocessing.get_context("fork").Process(target=work, args=(1,))
    child.start()
    child.join()
    assert child.exitcode == 0
"""


def test_the_notice_of_a_script_that_was_killed_misleads_nobody(here: Path) -> None:
    run_script(here, KILLED)
    done = run_script(here, LATER.replace("sys.argv[1]", repr(str(notices()))))
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    assert not store.metrics("killed")
    assert len(store.runs().names) == 2


def test_notices_of_scripts_that_are_gone_are_taken_away(here: Path) -> None:
    run_script(here, KILLED)
    (left,) = notices().iterdir()
    for number in range(100):
        left.with_name(f"{left.name}{number}").write_bytes(left.read_bytes())
    run_script(here, "import workbench; workbench.start_run().end()")
    assert not list(notices().iterdir())


#: Lives of one run: children log without steps, each its own rank.
LIVES = """
import multiprocessing, os, workbench

def work(rank, base):
    os.environ["RANK"], os.environ["WORLD_SIZE"] = str(rank), "2"
    for number in range(2):
        workbench.log({"loss": base + number})
    workbench.log_text("words", str(base))

if __name__ == "__main__":
    how, base = {"resume": "one"} if os.environ["LIFE"] == "resume" else {"fork": "one", "at_step": 1}, 100
    if os.environ["LIFE"] == "new":
        how, base = {"name": "one"}, 0
    context = multiprocessing.get_context("METHOD")
    with workbench.start_run(system_metrics=False, **how):
        for child in [context.Process(target=work, args=(rank, base)) for rank in range(2)]:
            child.start()
            child.join()
"""


@pytest.mark.parametrize("method", METHODS)
def test_steps_of_children_go_on_from_the_past_of_the_run(here: Path, method: str) -> None:
    script = LIVES.replace("METHOD", method)
    for life in ("new", "resume", "fork"):
        done = run_script(here, script, LIFE=life)
        assert done.returncode == 0, done.stderr
    store = store_of(here)
    [other] = set(store.runs().names) - {"one"}
    for rank in range(2):
        series = store.series("one", "loss", rank)
        assert list(zip(series.steps, series.values, strict=True)) == [(0, 0), (1, 1), (2, 100), (3, 101)]
        series = store.series(other, "loss", rank)
        assert list(zip(series.steps, series.values, strict=True)) == [(0, 0), (1, 1), (2, 100), (3, 101)]
        words = [(one.step, one.content) for one in store.media("one") if one.rank == rank]
        assert words == [(0, "0"), (1, "100")]


@pytest.mark.parametrize("method", METHODS)
def test_children_without_ranks_count_each_by_itself_from_the_past(here: Path, method: str) -> None:
    script = LIVES.replace("METHOD", method).replace(
        'os.environ["RANK"], os.environ["WORLD_SIZE"] = str(rank), "2"', "pass"
    )
    for life in ("new", "resume"):
        done = run_script(here, script, LIFE=life)
        assert done.returncode == 0, done.stderr
    store = store_of(here)
    series = store.series("one", "loss")
    steps = sorted(zip(series.steps, series.values, strict=True))
    assert steps == [(0, 0), (0, 0), (1, 1), (1, 1), (2, 100), (2, 100), (3, 101), (3, 101)]
    assert sorted((one.step, one.content) for one in store.media("one")) == [(0, "0"), (0, "0"), (1, "100"), (1, "100")]
    assert "steps" in json.loads(store.layout.run("one").past.read_text()), "it is worked out once"
