"""One round of deaths at random moments: who works, who dies and when is drawn from the seed and the round's number."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from workbench.lifecycle import adopt
from workbench.lifecycle.files import read_json
from workbench.lifecycle.judge import current_state
from workbench.view.fresh import refresh
from workbench_store.errors import WorkbenchError
from workbench_store.faults import TRACE
from workbench_store.layout import RunLayout
from workbench_store.states import RunState
from workbench_store.store import Store

from tests.torture import scenarios
from tests.torture.cases import CASES, survive
from tests.torture.check import violations
from tests.torture.dying import reached
from tests.torture.recovery import recover
from tests.torture.scenarios import Scenario, do_again
from tests.torture.world import World, add_finished_run, make_world, write_job

_ANY_END = frozenset({"Completed", "Failed"})
_AT_POINTS = 0.25
_AT_ONCE = 0.3
_KILLS_ADOPTER = 0.3


class Victim(NamedTuple):
    """Who may die, of which command, and how long it lives in seconds when nobody kills it, about."""

    name: str
    of: str
    seconds: float


_COMMANDS: dict[str, Scenario] = {
    "train": scenarios.SCRIPT,
    "run": scenarios.JOB,
    "ls": scenarios.READ,
    "rebuild": scenarios.REBUILD,
    "tidy": scenarios.TIDY,
    "snapshot": Scenario("another job", scenarios.JOB.command),
    "collect": scenarios.COLLECT,
}
_VICTIMS = (
    Victim("script", "train", 0.4),
    Victim("submitter", "run", 0.8),
    Victim("supervisor", "run", 1.6),
    Victim("job parent", "run", 1.4),
    Victim("rank", "run", 1.4),
    Victim("reader", "ls", 0.8),
    Victim("rebuild", "rebuild", 0.9),
    Victim("tidy", "tidy", 1.0),
    Victim("snapshot", "snapshot", 0.7),
    Victim("collection", "collect", 0.7),
)


@dataclass
class Outcome:
    """What came of a round; `late` counts victims that had not begun yet or were over."""

    story: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    points: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)


def play(seed: int, number: int, here: Path) -> Outcome:
    """The round of that number in a folder of its own."""
    dice = random.Random(f"{seed}/{number}")
    world, outcome = make_world(here), Outcome()
    ends = _at_a_point(world, dice, outcome) if dice.random() < _AT_POINTS else _at_moments(world, dice, outcome)
    outcome.points = {point for point, _ in reached(world.trace)}
    outcome.violations = violations(world, ends)
    return outcome


def _at_a_point(world: World, dice: random.Random, outcome: Outcome) -> frozenset[str]:
    """A death at a fault point; returns how the runs may end."""
    case = dice.choice([case for case in CASES if case.scenario.with_workspace])
    outcome.story.append(f"{case.scenario.name} dies at {case.armed}")
    outcome.kills["at a point"] += 1
    survive(world, case)
    return case.ends


def _at_moments(world: World, dice: random.Random, outcome: Outcome) -> frozenset[str]:
    write_job(world, steps=dice.randint(5, 1500))
    for number in range(dice.randint(0, 2)):
        add_finished_run(world, f"run-{number}", steps=dice.randint(10, 3000))
    kind = dice.choice(("none", "older", "current"))
    if kind == "older":
        scenarios.make_older_store(world)
    elif kind == "current":
        Store(world.layout).refresh()
    doing = dice.sample(sorted(_COMMANDS), dice.randint(1, 3))
    if "collect" in doing:
        scenarios.COLLECT.prepare(world)
    killed = _work_and_die(world, doing, _plan(doing, dice), outcome)
    if dice.random() < _KILLS_ADOPTER:
        _kill_adopters(world, dice, outcome)
    recover(world)
    if "tidy" in doing:
        do_again(world, scenarios.TIDY)
    recover(world)
    return _ANY_END if killed or "collect" in doing else frozenset({"Completed"})


def _plan(doing: list[str], dice: random.Random) -> list[tuple[float, Victim]]:
    """Who dies, how many seconds after all have begun."""
    chosen = [victim for victim in _VICTIMS if victim.of in doing and dice.random() < 0.6]
    shares = [dice.random() for _ in chosen]
    if dice.random() < _AT_ONCE:
        moment = dice.random() * 1.2
        return [(moment, victim) for victim in chosen]
    return sorted((share * victim.seconds, victim) for share, victim in zip(shares, chosen, strict=True))


def _work_and_die(world: World, doing: list[str], plan: list[tuple[float, Victim]], outcome: Outcome) -> int:
    """Start everything, kill by plan, wait for what is left of the commands; how many died."""
    environ = {**os.environ, TRACE: str(world.trace)}
    words = {name: _command(world, name) for name in doing}
    begun = time.monotonic()
    commands = {
        name: subprocess.Popen(
            words[name],
            cwd=world.here,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in doing
    }
    killed = 0
    for moment, victim in plan:
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        died = _kill(world, victim, commands[victim.of])
        outcome.story.append(f"{victim.name} {'dies' if died else 'is not there'} after {moment:.3f} s")
        (outcome.kills if died else outcome.late)[victim.name] += 1
        killed += died
    for command in commands.values():
        command.wait(timeout=120)
    return killed


def _command(world: World, name: str) -> tuple[str, ...]:
    if name == "train":
        return (sys.executable, "src/train.py", str(world.said), "3000")
    return _COMMANDS[name].command(world)


def _kill(world: World, victim: Victim, command: "subprocess.Popen[bytes]") -> bool:
    """Whether there was such a process to kill."""
    if victim.name in ("supervisor", "job parent", "rank"):
        pids = _pids(world, victim.name)
    else:
        pids = [command.pid] if command.poll() is None else []
    return sum(map(_sent, pids)) > 0


def _sent(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def _pids(world: World, who: str) -> list[int]:
    """Of supervisors, job parents or a rank, as they have said themselves; those that are over left no heartbeat."""
    folders = [world.layout.run(name).root for name in world.run_names()] + list(world.layout.tmp.glob("run-*"))
    found: list[int] = []
    for files in map(RunLayout, folders):
        if not files.heartbeat.exists() and files.root.parent == world.layout.runs:
            continue
        job = read_json(files.job_process) or {}
        ranks = [rank["pid"] for rank in job.get("ranks", ())]
        pids = {
            "supervisor": [(read_json(files.supervisor_process) or {}).get("pid")],
            "job parent": [job.get("parent")],
            "rank": ranks[-1:],
        }
        found += [pid for pid in pids[who] if pid]
    return found


def _kill_adopters(world: World, dice: random.Random, outcome: Outcome) -> None:
    """Look, adopt what does not respond, and kill who adopted it."""
    refresh(world.layout, Store(world.layout))
    for name in world.run_names():
        if current_state(world.layout.run(name)) is RunState.NOT_RESPONDING:
            with suppress(WorkbenchError):
                adopt(world.layout, name)
            time.sleep(dice.random() * 0.5)
            died = sum(map(_sent, _pids(world, "supervisor"))) > 0
            outcome.story.append(f"the adopter of {name} {'dies' if died else 'is not there'}")
            (outcome.kills if died else outcome.late)["adopter"] += 1
