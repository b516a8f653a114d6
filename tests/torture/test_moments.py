"""Deaths at random moments: a few rounds of what `make torture` plays for hours.

WORKBENCH_TORTURE_SEED=N plays those of that seed; a failure names it.
"""

import os
import random
from pathlib import Path

import pytest

from tests.torture.moments import play

#: Read before the tests' own environment is made.
_GIVEN = os.environ.get("WORKBENCH_TORTURE_SEED")
_ROUNDS = 24


@pytest.mark.slow
@pytest.mark.parametrize("number", range(_ROUNDS))
def test_deaths_at_random_moments_break_no_promise(number: int, here: Path) -> None:
    seed = int(_GIVEN) if _GIVEN else random.SystemRandom().randrange(10**6)
    outcome = play(seed, number, here)
    told = "\n".join([f"WORKBENCH_TORTURE_SEED={seed}", *outcome.story, *outcome.violations])
    print(told)
    assert not outcome.violations, told
