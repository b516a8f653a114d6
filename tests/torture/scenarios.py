"""Things that users do, each a command in a process of its own, in a world that is prepared for it."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import duckdb
from workbench.lifecycle import close_run, remove_runs
from workbench_store.faults import TRACE, VARIABLE
from workbench_store.migrations import MIGRATIONS
from workbench_store.states import RunState
from workbench_store.store import Store

from tests.lifecycle.launched import Launched, wait_until
from tests.torture.dying import run_command, wait_for_death
from tests.torture.world import World, add_finished_run, write_job

_RACY_SECONDS = 2.1
_WORKBENCH = (sys.executable, "-m", "workbench")


@dataclass(frozen=True)
class Scenario:
    """`command` is what the user does, after `prepare`; `in_job` arms the job's own processes, not the others;
    `repeats` says that the user does it again after a death, whatever came of it."""

    name: str
    command: Callable[[World], tuple[str, ...]]
    prepare: Callable[[World], None] = lambda world: None
    in_job: bool = False
    repeats: bool = False
    with_workspace: bool = True


def _train(world: World) -> tuple[str, ...]:
    return (sys.executable, "src/train.py", str(world.said), "30")


def _workbench(*words: str) -> Callable[[World], tuple[str, ...]]:
    return lambda world: (*_WORKBENCH, *words)


def _finished_runs(world: World) -> None:
    for number in range(2):
        add_finished_run(world, f"run-{number}", steps=400)


def _older_store(world: World) -> None:
    """Runs, and a store of the first schema."""
    _finished_runs(world)
    make_older_store(world)


def make_older_store(world: World) -> None:
    """A store of the first schema, which knows nothing of what the journals have."""
    with duckdb.connect(str(world.layout.store)) as connection:
        connection.execute(MIGRATIONS[0])
        connection.execute("INSERT INTO meta VALUES ('schema', '1')")


def _older_code(world: World) -> None:
    """Files so young that they may change unseen are not in the stat cache."""
    path = world.code / "train.py"
    wait_until(lambda: time.time() - path.stat().st_ctime > _RACY_SECONDS, "the code to be old enough for the cache")


def _unwanted_run(world: World) -> None:
    """Runs, one of which is about to be removed: of that nothing is expected to stay."""
    _finished_runs(world)
    add_finished_run(world, "unwanted", steps=400)
    for path in world.said.glob("unwanted-*"):
        path.unlink()
    Store(world.layout).refresh()


def _run_in_the_trash(world: World) -> None:
    _unwanted_run(world)
    remove_runs(world.layout, ["unwanted"])


def _runs_worth_tidying(world: World) -> None:
    for number in range(2):
        add_finished_run(world, f"run-{number}", steps=2500)


def _ingested(world: World) -> None:
    _finished_runs(world)
    Store(world.layout).refresh()


def _scattered_runs(world: World) -> None:
    """The points of one run lie before and behind those of another."""
    add_finished_run(world, "parted", steps=3000)
    Store(world.layout).refresh()
    add_finished_run(world, "between", keys=20, steps=3500)
    Store(world.layout).refresh()
    add_finished_run(world, "parted", steps=3000, first=3000)


def _uncollected_job(world: World) -> None:
    """A run whose supervisor died before anything was saved, and which the user closed."""
    trace = world.here / "trace-before"
    words = _workbench("run", "job.yml", "--detach")(world)
    run_command(world, words, **{VARIABLE: "stage.finalize.started", TRACE: str(trace)})
    wait_for_death(trace, "stage.finalize.started")
    name = _job_of(world)
    run = Launched(world.layout, name)
    wait_until(lambda: not run.processes(), "the job's end")
    close_run(world.layout, name, RunState.FAILED)


def _collect(world: World) -> tuple[str, ...]:
    return (*_WORKBENCH, "outputs", _job_of(world), "--collect")


def _job_of(world: World) -> str:
    (name,) = (name for name in world.run_names() if world.layout.run(name).plan.exists())
    return name


SCRIPT = Scenario("a script", _train)
FIRST_SCRIPT = Scenario("a script where no workspace is", _train, with_workspace=False)
READ = Scenario("ls", _workbench("ls"), _finished_runs)
MIGRATE = Scenario("ls of an older store", _workbench("ls"), _older_store)
REBUILD = Scenario("doctor --rebuild", _workbench("doctor", "--rebuild"), _ingested)
TIDY = Scenario("doctor --tidy", _workbench("doctor", "--tidy"), _runs_worth_tidying, repeats=True)
GATHER = Scenario("doctor --tidy of scattered points", TIDY.command, _scattered_runs, repeats=True)
JOB_OF_OLDER_CODE = Scenario("a job of older code", _workbench("run", "job.yml", "--detach"), _older_code)
JOB = Scenario("a job", _workbench("run", "job.yml", "--detach"))
IN_JOB = Scenario("in a job", _workbench("run", "job.yml", "--detach"), in_job=True)
REMOVE = Scenario("rm", _workbench("rm", "unwanted"), _unwanted_run)
GIVE_BACK = Scenario("gc", _workbench("gc", "--yes"), _run_in_the_trash, repeats=True)
COLLECT = Scenario("outputs --collect", _collect, _uncollected_job)


def die(world: World, scenario: Scenario, armed: str) -> None:
    """Do it in a prepared world, and wait until the point that is armed has killed a process."""
    scenario.prepare(world)
    trace = {TRACE: str(world.trace)}
    if scenario.in_job:
        write_job(world, variables={VARIABLE: armed, **trace})
        run_command(world, scenario.command(world))
        write_job(world)
    else:
        run_command(world, scenario.command(world), **{VARIABLE: armed}, **trace)
    wait_for_death(world.trace, armed)


def do_again(world: World, scenario: Scenario) -> "subprocess.CompletedProcess[str]":
    """What the user does once more."""
    return run_command(world, scenario.command(world))
