"""A dashboard on a workspace in which nothing changes."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from workbench.tui.app import Dashboard

from tests.tui.workspace import NOW, fixed_workspace


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def dashboard(tmp_path: Path) -> Dashboard:
    app = Dashboard(fixed_workspace(tmp_path / "ws"), now=lambda: NOW)
    app.animation_level = "none"
    return app
