"""One round of deaths at random moments: who works, who dies and when is drawn from the seed and the round's number."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from workbench.lifecycle import adopt
from workbench.lifecycle.judge import current_state
from workbench.view.fresh import refresh
from workbench_store.errors import WorkbenchError
from workbench_store.faults import TRACE
from workbench_store.states import RunState
from workbench_store.store import Store

from tests.torture import scenarios
from tests.torture.cases import CASES, survive
from tests.torture.check import violations
from tests.torture.dying import reached
from tests.torture.recovery import recover
from tests.torture.scenarios import Scenario, do_again
from tests.torture.training_script import PAUSE
from tests.torture.victims import VICTIMS, Command, Victim, kill_supervisors, kill_when_due
from tests.torture.world import World, add_finished_run, make_world, write_job

_ANY_END = frozenset({"Completed", "Failed"})
_AT_POINTS = 0.25
_AT_ONCE = 0.3
_KILLS_ADOPTER = 0.3
_RUNS_A_JOB = 0.5
#: So that training lasts long enough to be killed.
_PAUSE_SECONDS = "0.001"

_COMMANDS: dict[str, Scenario] = {
    "train": scenarios.SCRIPT,
    "run": scenarios.JOB,
    "ls": scenarios.READ,
    "rebuild": scenarios.REBUILD,
    "tidy": scenarios.TIDY,
    "snapshot": Scenario("another job", scenarios.JOB.command),
    "collect": scenarios.COLLECT,
}


@dataclass
class Outcome:
    """What came of a round; `late` counts victims that had not begun yet or were over."""

    story: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    points: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def tell(self, who: str, died: bool, more: str) -> None:
        """Take note of a death, or that it was too late for it."""
        self.story.append(f"{who} {'dies' if died else 'is not there'} {more}")
        (self.kills if died else self.late)[who] += 1


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
    case = dice.choice([case for case in CASES if case.scenario.with_workspace and case.kills])
    outcome.story.append(f"{case.scenario.name} dies at {case.armed}")
    outcome.kills["at a point"] += 1
    survive(world, case)
    return case.ends


def _at_moments(world: World, dice: random.Random, outcome: Outcome) -> frozenset[str]:
    write_job(world, steps=dice.randint(5, 500), variables={PAUSE: _PAUSE_SECONDS})
    for number in range(dice.randint(0, 2)):
        add_finished_run(world, f"run-{number}", steps=dice.randint(10, 3000))
    kind = dice.choice(("none", "older", "current"))
    if kind == "older":
        scenarios.make_older_store(world)
    elif kind == "current":
        Store(world.layout).refresh()
    doing = dice.sample(sorted(_COMMANDS), dice.randint(1, 3))
    if "run" not in doing and dice.random() < _RUNS_A_JOB:
        doing.append("run")
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


def _plan(doing: list[str], dice: random.Random) -> list[tuple[Victim, float]]:
    """Who dies, how many seconds after it is there."""
    chosen = [victim for victim in VICTIMS if victim.of in doing and dice.random() < 0.45]
    if dice.random() < _AT_ONCE:
        share = dice.random()
        return [(victim, share * 0.5) for victim in chosen]
    return [(victim, dice.random() * victim.seconds) for victim in chosen]


def _work_and_die(world: World, doing: list[str], plan: list[tuple[Victim, float]], outcome: Outcome) -> int:
    """Start everything, kill by plan, wait for what is left of the commands; how many died."""
    words = {name: _command(world, name) for name in doing}
    commands = {name: _start(world, words[name]) for name in doing}
    with ThreadPoolExecutor(len(VICTIMS)) as pool:
        died = list(pool.map(lambda one: kill_when_due(world, one[0], commands[one[0].of], one[1]), plan))
    for (victim, delay), dead in zip(plan, died, strict=True):
        outcome.tell(victim.name, dead, f"after {delay:.3f} s")
    for command in commands.values():
        command.wait(timeout=120)
    return sum(died)


def _start(world: World, words: tuple[str, ...]) -> Command:
    return subprocess.Popen(
        words,
        cwd=world.here,
        env={**os.environ, TRACE: str(world.trace), PAUSE: _PAUSE_SECONDS},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _command(world: World, name: str) -> tuple[str, ...]:
    if name == "train":
        return (sys.executable, "src/train.py", str(world.said), "500")
    return _COMMANDS[name].command(world)


def _kill_adopters(world: World, dice: random.Random, outcome: Outcome) -> None:
    """Look, adopt what does not respond, and kill who adopted it."""
    refresh(world.layout, Store(world.layout))
    for name in world.run_names():
        if current_state(world.layout.run(name)) is RunState.NOT_RESPONDING:
            with suppress(WorkbenchError):
                adopt(world.layout, name)
            time.sleep(dice.random() * 0.2)
            outcome.tell("adopter", kill_supervisors(world), f"of {name}")
