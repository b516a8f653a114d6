"""What a training script logs is what a reader sees; a wrong argument raises at once, naming the key."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.scripts import run_script, store_of, the_run


def test_a_whole_run(here: Path) -> None:
    done = run_script(
        here,
        """
import workbench
open("model.bin", "wb").write(b"x" * 100)
with workbench.start_run(experiment="e", params={"lr": 0.1}, tags={"team": "v"}, description="d") as run:
    for step in range(10):
        run.log({"loss": 1 / (step + 1), "acc": step}, step=step)
    workbench.log({"single": 5})
    workbench.log({"single": 6})
    workbench.log_params({"opt": {"name": "adam", "betas": [0.9, 0.99]}})
    workbench.set_tags({"best": True})
    workbench.log_artifact("model.bin")
""",
    )
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    name = the_run(store)
    record = store.run(name)
    assert (str(record.state), record.kind, record.experiment, record.description) == ("Completed", "script", "e", "d")
    assert store.series(name, "loss").values == [1 / (step + 1) for step in range(10)]
    assert store.series(name, "single").steps == [0, 1]
    params = store.params(name)
    assert params["lr"] == 0.1 and "adam" in str(params)
    assert record.tags["team"] == "v" and "best" in record.tags
    assert [artifact.size for artifact in store.artifacts(name)] == [100]


def test_without_start_run_one_is_opened(here: Path) -> None:
    assert run_script(here, "import workbench\nworkbench.log({'a': 1.0})\n").returncode == 0
    store = store_of(here)
    record = store.run(the_run(store))
    assert record.experiment == "script" and str(record.state) == "Completed"


def test_a_script_that_python_reads_from_its_input_is_named_by_the_folder(here: Path) -> None:
    text = "import workbench\nworkbench.log({'a': 1.0})\n"
    subprocess.run([sys.executable, "-"], cwd=here, input=text, text=True, check=True)
    store = store_of(here)
    assert store.run(the_run(store)).experiment == here.name


def test_an_exception_makes_the_run_failed(here: Path) -> None:
    done = run_script(here, "import workbench\nwith workbench.start_run():\n    raise ValueError('too steep')\n")
    assert done.returncode == 1 and "too steep" in done.stderr
    store = store_of(here)
    record = store.run(the_run(store))
    assert str(record.state) == "Failed" and "too steep" in str(record.reason)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ("log({'loss': 'high'})", "loss"),
        ("log({'loss': None})", "loss"),
        ("log({3: 1.0})", "3"),
        ("log({'': 1.0})", "''"),
        ("log({'loss': 1.0}, step='first')", "step"),
        ("log([1.0])", "log"),
        ("log_params({'': 1})", "''"),
        ("set_tags({'t': object()})", "t"),
        ("start_run(experiment=3)", "experiment"),
    ],
)
def test_a_wrong_argument_names_itself(here: Path, call: str, named: str) -> None:
    done = run_script(here, f"import workbench\nworkbench.{call}\n")
    last = done.stderr.strip().splitlines()[-3:]
    assert done.returncode == 1 and named in "\n".join(last), done.stderr
    assert "UsageError" in done.stderr


def test_a_file_that_is_gone_warns_and_goes_on(here: Path) -> None:
    done = run_script(here, "import workbench\nworkbench.log_artifact('nowhere.bin')\nworkbench.log({'a': 1})\n")
    assert done.returncode == 0 and "nowhere.bin" in done.stderr
    store = store_of(here)
    assert str(store.run(the_run(store)).state) == "Completed"


def test_numbers_of_other_libraries(here: Path) -> None:
    logged = "{'a': numpy.float32(0.5), 'b': numpy.int64(3), 'c': numpy.array(2.0), 'd': True}"
    text = f"import numpy, workbench\nworkbench.log({logged})\n"
    assert run_script(here, text).returncode == 0
    store = store_of(here)
    assert {one.key: one.last for one in store.metrics(the_run(store))} == {"a": 0.5, "b": 3.0, "c": 2.0, "d": 1.0}


def test_threads_and_forks_lose_nothing(here: Path) -> None:
    done = run_script(
        here,
        """
import os, threading, workbench
run = workbench.start_run(system_metrics=False)
def work(key):
    for step in range(500):
        run.log({key: step}, step=step)
threads = [threading.Thread(target=work, args=("t%d" % n,)) for n in range(4)]
[t.start() for t in threads]
pid = os.fork()
if pid == 0:
    work("child")
    os._exit(0)
os.waitpid(pid, 0)
[t.join() for t in threads]
run.end()
""",
    )
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    found = {one.key: one.count for one in store.metrics(the_run(store))}
    assert found == {"t0": 500, "t1": 500, "t2": 500, "t3": 500, "child": 500}
    assert str(store.run(the_run(store)).state) == "Completed"


def test_system_metrics_are_recorded(here: Path) -> None:
    text = "import time, workbench\nwith workbench.start_run(system_metrics=0.2):\n    time.sleep(2)\n"
    assert run_script(here, text).returncode == 0
    store = store_of(here)
    keys = {one.key for one in store.metrics(the_run(store))}
    assert "system/cpu_percent" in keys and any("memory" in key for key in keys)


def test_an_unusable_workspace_raises_at_the_start(here: Path) -> None:
    (here / ".workbench").write_text("in the way")
    done = run_script(here, "import workbench\nworkbench.start_run()\n")
    assert done.returncode == 1 and "WorkspaceError" in done.stderr and ".workbench" in done.stderr
