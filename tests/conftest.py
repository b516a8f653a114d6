"""What every test gets: a cache of its own, no workspace from outside, an empty current folder."""

import os
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter


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


@pytest.fixture
def here() -> Path:
    """The current folder of the test: empty but for the mark of a git root."""
    return Path.cwd()


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Tell at how many fault points a process died, if those tests were run."""
    passed = terminalreporter.stats.get("passed", [])
    points = {value for report in passed for name, value in report.user_properties if name == "fault point"}
    if points:
        from workbench_store.faults import POINTS

        terminalreporter.write_line(f"fault points at which a process died: {len(points)} of {len(POINTS)}")
