"""azure-ai-ml itself, as the judge: what it makes is converted, what is exported is read by it."""

import logging
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

JOBS = Path(__file__).parents[1] / "data" / "jobs"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """It warns of everything that is experimental."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def jobs(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the job files, which is the current folder."""
    copy = here / "jobs"
    shutil.copytree(JOBS, copy)
    monkeypatch.chdir(copy / "valid")
    return copy
