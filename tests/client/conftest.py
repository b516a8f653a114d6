"""A run that is open in the test's own process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from workbench.client.active_run import ActiveRun

import workbench


@pytest.fixture
def run(here: Path) -> Iterator[ActiveRun]:
    with workbench.start_run(system_metrics=False) as opened:
        yield opened
