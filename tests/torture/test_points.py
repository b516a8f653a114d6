"""A death at every fault point, the ordinary recovery, and the check of everything."""

from collections.abc import Callable
from pathlib import Path

import pytest
from workbench_store.faults import POINTS

from tests.torture.cases import CASES, Case
from tests.torture.check import violations
from tests.torture.recovery import recover
from tests.torture.scenarios import die, do_again
from tests.torture.world import make_world


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.scenario.name}-{case.armed}".replace(" ", "-"))
def test_a_death_there_breaks_no_promise(
    case: Case, here: Path, record_property: Callable[[str, object], None]
) -> None:
    world = make_world(here, with_workspace=case.scenario.with_workspace)
    die(world, case.scenario, case.armed)
    record_property("fault point", case.point)
    recover(world)
    if case.scenario.repeats or not world.run_names():
        do_again(world, case.scenario)
        recover(world)
    assert violations(world, case.ends) == []


def test_every_point_has_a_case() -> None:
    assert {case.point for case in CASES} == set(POINTS)
