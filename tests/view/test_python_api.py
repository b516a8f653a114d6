"""The Python API refuses what makes no sense in words of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workbench_store.errors import UsageError

import workbench
from workbench import Run, Workspace, command


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


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda workspace, run: workspace.runs(5), "text"),
        (lambda workspace, run: workspace.runs(filter=None), "text"),
        (lambda workspace, run: workspace.runs(limit="many"), "limit"),
        (lambda workspace, run: workspace.query(5), "SQL"),
        (lambda workspace, run: workspace.query("SELECT 1", seconds=0), "seconds"),
        (lambda workspace, run: run.rerun({"inputs.lr": 1}), "override"),
        (lambda workspace, run: run.rerun(compute=5), "compute"),
        (lambda workspace, run: run.download(5), "folder"),
        (lambda workspace, run: run.set_tags("best"), "mapping"),
        (lambda workspace, run: run.metrics("0"), "rank"),
        (lambda workspace, run: run.series("k", rank=None), "rank"),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused(here: Path, call: Callable[[Workspace, Run], Any], said: str) -> None:
    workspace = Workspace()
    run = workspace.submit(command(command="true"))
    run.wait(60)
    with pytest.raises(UsageError, match=said):
        call(workspace, run)
    assert workspace.runs() == [run] and run.tags == {}


def test_two_objects_of_one_run_are_the_same(here: Path, tmp_path: Path) -> None:
    workspace, other = Workspace(), Workspace(tmp_path / "other")
    run, another = workspace.submit(command(command="true", name="a")), workspace.submit(command(command="true"))
    elsewhere = other.submit(command(command="true", name="a"))
    for one in (run, another, elsewhere):
        one.wait(60)
    assert run == workspace.run("a") and run != another and run != elsewhere and run != "a"
    assert len({run, workspace.run("a"), another, elsewhere}) == 3


def test_words_of_a_filter_are_told_from_other_slips(here: Path) -> None:
    with pytest.raises(UsageError) as told:
        Workspace().runs("state:failed")
    assert "state:failed" in str(told.value.remedy)
    for condition in ("state == = 'a:b'", "created::date >"):
        with pytest.raises(UsageError) as other:
            Workspace().runs(condition)
        assert "filter" not in str(other.value.remedy)


def test_collecting_a_scripts_run_does_nothing(here: Path) -> None:
    with workbench.start_run(name="own", system_metrics=False):
        pass
    run = Workspace().run("own")
    run.collect()
    assert str(run.state) == "Completed"


def test_a_number_names_no_workspace_of_a_script(here: Path) -> None:
    with pytest.raises(UsageError, match="path"):
        workbench.start_run(workspace=3)  # type: ignore[arg-type]
    assert [place.name for place in here.iterdir()] == [".git"]
