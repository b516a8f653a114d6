"""A disk that is really full: training goes on, what fits in memory is kept, and what is there can be read."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from workbench_store.layout import WorkspaceLayout
from workbench_store.store import Store

from tests.client.scripts import run_script, the_run
from tests.small_disk import fill, small_disk

DISK_BYTES = 8 * 1024 * 1024


@pytest.fixture
def disk(here: Path) -> Iterator[Path]:
    """A small file system that holds the workspace."""
    with small_disk(here / "disk", DISK_BYTES) as place:
        yield place


SCRIPT = """
import os, sys, time, workbench
os.environ["WORKBENCH_WORKSPACE"] = "disk"
open("model.bin", "wb").write(b"m" * 100_000)
run = workbench.start_run(experiment="full", system_metrics=False)
for step in range(100):
    run.log({"k": step}, step=step)
ballast = os.open("disk/ballast", os.O_WRONLY | os.O_CREAT)
for size in (65536, 4096, 1):
    try:
        while os.write(ballast, bytes(size)):
            pass
    except OSError:
        pass
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
    assert str(record.state) == "Completed" and record.lost_points == 0
    assert store.params(name) == {"late": "yes"} and record.tags == {"late": "too"}
    assert store.artifacts(name) == []
    assert [one.content for one in store.media(name)] == ["kept in the record"]
    assert not list((disk / ".workbench").rglob("*.part"))


def test_a_disk_that_stays_full_costs_only_what_came_after(here: Path, disk: Path) -> None:
    done = run_script(here, SCRIPT % "")
    assert done.returncode == 0, done.stderr
    assert "points could not be written" in done.stderr
    (disk / "ballast").unlink()
    store = store_on(disk)
    store.refresh()
    steps = store.series(the_run(store), "k").steps
    assert steps == list(range(len(steps))) and len(steps) >= 100


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
