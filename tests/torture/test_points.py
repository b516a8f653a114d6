"""A death at every fault point, the ordinary recovery, and the check of everything."""

from collections.abc import Callable
from pathlib import Path

import pytest
from workbench_store.faults import POINTS

from tests.torture.cases import CASES, Case, survive
from tests.torture.check import violations
from tests.torture.world import make_world


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.scenario.name}-{case.armed}".replace(" ", "-"))
def test_a_death_there_breaks_no_promise(
    case: Case, here: Path, record_property: Callable[[str, object], None]
) -> None:
    world = make_world(here, with_workspace=case.scenario.with_workspace)
    survive(world, case)
    if case.kills:
        record_property("fault point", case.point)
    assert violations(world, case.ends) == []


def test_every_point_has_a_case() -> None:
    assert {case.point for case in CASES if case.kills} == set(POINTS)
