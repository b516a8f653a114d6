"""What every test gets: a cache of its own, no workspace from outside, an empty current folder."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import settings

from tests.cli.forks import Forks

# Where the tests are run under nohup or in the background, what they start would not hear these signals either.
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# How long an example takes is the machine's affair.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own workspace, cache and run out of the tests, and the tests out of them."""
    for name in [name for name in os.environ if name.startswith(("WORKBENCH_", "AZUREML_"))]:
        monkeypatch.delenv(name)
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("WORKBENCH_CACHE", str(cache))
    here = tmp_path / "here"
    here.mkdir()
    # The folder is a git root of its own, so that no workspace above it is found or made.
    (here / ".git").mkdir()
    monkeypatch.chdir(here)


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """What starts commands quickly."""
    forks = Forks()
    yield forks
    forks.end()


@pytest.fixture
def here() -> Path:
    """The current folder of the test: empty but for the mark of a git root."""
    return Path.cwd()


#: How each test ended when it was run last: docs/reliability.md is made of it.
OUTCOMES = Path(__file__).parents[1] / ".test-outcomes.json"


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Note how each test ended; tell at how many fault points a process died, if those tests were run."""
    _note_outcomes(terminalreporter)
    passed = terminalreporter.stats.get("passed", [])
    points = {value for report in passed for name, value in report.user_properties if name == "fault point"}
    if points:
        from workbench_store.faults import POINTS

        terminalreporter.write_line(f"fault points at which a process died: {len(points)} of {len(POINTS)}")


def _note_outcomes(terminalreporter: TerminalReporter) -> None:
    known = json.loads(OUTCOMES.read_text()) if OUTCOMES.exists() else {}
    for how in ("skipped", "passed", "failed", "error"):
        for report in terminalreporter.stats.get(how, []):
            if hasattr(report, "nodeid"):
                known[report.nodeid] = "failed" if how == "error" else how
    OUTCOMES.write_text(json.dumps(known, indent=0, sort_keys=True))
