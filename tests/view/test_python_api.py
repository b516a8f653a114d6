"""The Python API refuses what makes no sense in words of its own."""

from pathlib import Path
from typing import Any

import pytest
from workbench_store.errors import UsageError

from workbench import Workspace, command


@pytest.mark.parametrize("timeout", ["x", True, [1]])
def test_a_timeout_is_a_number(here: Path, timeout: Any) -> None:
    run = Workspace().submit(command(command="true"))
    with pytest.raises(UsageError, match="seconds"):
        run.wait(timeout)
    run.wait(60)


@pytest.mark.parametrize("path", [5, b"there", ["a"]])
def test_a_workspace_is_named_by_a_path(here: Path, path: Any) -> None:
    with pytest.raises(UsageError, match="path"):
        Workspace(path)
    assert [place.name for place in here.iterdir()] == [".git"]
