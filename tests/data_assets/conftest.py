"""Servers, runs and the `workbench` command for tests of data."""

import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.cli.conftest import job as job
from tests.cli.conftest import workbench as workbench
from tests.data_assets.servers import Server
from tests.lifecycle.conftest import launch as launch
from tests.lifecycle.conftest import layout as layout


@pytest.fixture(autouse=True)
def few_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is never going to work need not be tried for long."""
    monkeypatch.setenv("WORKBENCH_DATA_RETRIES", "2")
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def content() -> Callable[[int], bytes]:
    """So many bytes that nothing compresses or repeats."""
    return random.Random(7).randbytes
