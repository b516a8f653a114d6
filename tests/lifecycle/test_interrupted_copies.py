"""Workspaces that are copied, backed up or moved while a run's outputs are not saved yet: they are saved there."""

import shutil
from pathlib import Path

import pytest
from workbench.housekeeping.proof import prove
from workbench_store.backup import back_up
from workbench_store.layout import WorkspaceLayout
from workbench_store.verify import Fault

from tests.lifecycle.launched import wait_until
from workbench import Output, Workspace, command

pytestmark = pytest.mark.slow

#: Links into the job's folder, which goes, and to what is kept, as a checkpoint that is the latest; and what lies in
#: the job's folder alone, until it is saved.
JOB = """
echo W > weights; echo 1 > ${{outputs.model}}/step-1
ln -s $PWD/weights ${{outputs.model}}/best
ln -s ${{outputs.model}}/step-1 ${{outputs.model}}/latest
ln -s ${{outputs.model}} outputs/model
mv outputs seen; mkdir outputs; cp -d seen/* outputs/; echo own > outputs/own
"""


@pytest.fixture
def interrupted(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a workspace with a run whose supervisor was killed before it had saved anything."""
    place = here / "original"
    place.mkdir()
    monkeypatch.setenv("WORKBENCH_FAULT", "stage.finalize.started")
    run = Workspace(place).submit(
        command(command=JOB.strip(), name="run", outputs={"model": Output(type="uri_folder")})
    )
    monkeypatch.delenv("WORKBENCH_FAULT")
    wait_until(lambda: run.state == "NotResponding", "its supervisor to be killed")
    return place


@pytest.mark.parametrize("original", ["stays", "goes before", "goes after"])
@pytest.mark.parametrize("way", ["backup", "copy"])
def test_what_was_not_saved_is_saved_in_the_copy(here: Path, interrupted: Path, way: str, original: str) -> None:
    copy = here / "copy"
    if way == "backup":
        back_up(WorkspaceLayout(interrupted / ".workbench"), copy)
    else:
        shutil.copytree(interrupted, copy, symlinks=True)
    if original == "goes before":
        shutil.rmtree(interrupted)
    is_saved(copy)
    if original == "stays":
        is_saved(interrupted)
    shutil.rmtree(interrupted, ignore_errors=True)
    is_whole(copy)


def test_what_was_not_saved_is_saved_where_the_workspace_has_moved(here: Path, interrupted: Path) -> None:
    interrupted.rename(here / "moved")
    is_saved(here / "moved")


def test_what_a_copy_has_not_is_said_to_be_lost(interrupted: Path) -> None:
    shutil.rmtree(interrupted / ".workbench/staging")
    run = Workspace(interrupted).run("run")
    run.adopt()
    run.wait(60)
    assert any("its temporary storage is gone" in warning for warning in run.warnings)


def is_saved(place: Path) -> None:
    run = Workspace(place).run("run")
    run.adopt()
    assert run.wait(60) == "Completed" and not run.warnings, run.warnings
    assert not (place / ".workbench/staging/run").exists()
    is_whole(place)


def is_whole(place: Path) -> None:
    folder = place / ".workbench/runs/run"
    model = folder / "named-outputs/model"
    assert (model / "best").read_text() == "W\n" and not (model / "best").is_symlink()
    assert (model / "latest").readlink() == Path("step-1") and (model / "latest").read_text() == "1\n"
    assert (folder / "outputs/own").read_text() == "own\n"
    assert (folder / "outputs/model/step-1").samefile(model / "step-1")
    assert [one for one in prove(WorkspaceLayout(place / ".workbench")) if isinstance(one, Fault)] == []
    saved = {one.path for one in Workspace(place).run("run").artifacts}
    assert {"named-outputs/model/best", "named-outputs/model/latest", "outputs/own"} <= saved
