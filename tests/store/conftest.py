"""A new workspace for each test."""

from pathlib import Path

import pytest
from workbench_store.layout import WorkspaceLayout
from workbench_store.workspace import open_workspace


@pytest.fixture
def layout(tmp_path: Path) -> WorkspaceLayout:
    return open_workspace(explicit=str(tmp_path / "ws"))
