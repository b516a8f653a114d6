"""Real runs of tiny shell commands, and nothing of them left behind."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Helpers are imported by their place below the repository's root.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workbench.lifecycle import submit
from workbench.spec import command
from workbench_store.layout import WorkspaceLayout
from workbench_store.workspace import open_workspace

from tests.lifecycle.launched import Launch, Launched


@pytest.fixture
def layout(here: Path) -> WorkspaceLayout:
    return open_workspace()


@pytest.fixture
def launch(layout: WorkspaceLayout, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """Submits a command; whatever is left of it afterwards is killed."""
    monkeypatch.setenv("WORKBENCH_CANCEL_GRACE", "5")
    launched: list[Launched] = []

    def submit_command(text: str, *, options: dict[str, Any] | None = None, **fields: Any) -> Launched:
        job = command(command=text, **fields)
        launched.append(Launched(layout, submit(layout, job, **(options or {}))))
        return launched[-1]

    yield submit_command
    for run in launched:
        run.kill_everything()


@pytest.fixture
def mpirun(tmp_path: Path) -> Path:
    """A stand-in for mpirun that starts ranks as one does; the real ones are tried in tests/environment."""
    tool = tmp_path / "bin" / "mpirun"
    tool.parent.mkdir()
    tool.write_text(
        '#!/bin/sh\n[ "$1" = -n ] || exit 9\nn=$2; shift 2\nfor r in $(seq 0 $((n - 1))); do\n'
        '  OMPI_COMM_WORLD_RANK=$r "$@" & pids="$pids $!"\ndone\nfor p in $pids; do wait $p || exit $?; done\n'
    )
    tool.chmod(0o755)
    return tool
