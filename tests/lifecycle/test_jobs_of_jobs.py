"""A job submits others: they are runs of their own, from the job's own folder."""

import sys
from pathlib import Path

import pytest
from workbench_store.layout import WorkspaceLayout
from workbench_store.snapshot import read_snapshot
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch
from workbench import Workspace

BY_COMMAND = f"{sys.executable} -m workbench run inner.yml --set name=inner"
BY_PYTHON = f"{sys.executable} driver.py"
DRIVER = """
from workbench import Workspace, command
with open("outputs/early.txt", "w") as early:
    early.write("of the outer run")
run = Workspace().submit(command(name="inner", code=".", command="cat note.txt > outputs/copy.txt"))
assert str(run.wait()) == "Completed", run.logs()
"""


@pytest.mark.parametrize("way", [BY_COMMAND, BY_PYTHON], ids=["command", "python"])
def test_a_job_submits_what_is_in_its_own_folder(launch: Launch, layout: WorkspaceLayout, here: Path, way: str) -> None:
    code = here / "src"
    code.mkdir()
    (code / "note.txt").write_text("hello")
    (code / "driver.py").write_text(DRIVER)
    (code / "inner.yml").write_text("command: cat note.txt > outputs/copy.txt\ncode: .\n")
    outer = launch(way, code=code, experiment_name="sweep")
    assert outer.finish() is RunState.COMPLETED, outer.files.user_log.read_text()
    inner = Workspace().run("inner")
    assert inner.state is RunState.COMPLETED
    assert (layout.run("inner").outputs / "copy.txt").read_text() == "hello"
    assert not (outer.files.outputs / "copy.txt").exists()
    detail = Workspace().store.detail("inner")
    assert detail.snapshot is not None
    taken = {entry.path for entry in read_snapshot(layout, detail.snapshot.id).entries}
    assert taken == {"note.txt", "driver.py", "inner.yml"}, "its ./outputs and ./logs are links into the outer run"
    assert Workspace().store.run("inner").experiment == "sweep"
