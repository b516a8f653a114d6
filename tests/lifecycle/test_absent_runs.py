"""A run that is not over and loses its folder: it leaves no process behind, and nobody takes it for a living one."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench.doctor.workspace import examine_workspace
from workbench.lifecycle import adopt, close_run
from workbench.lifecycle.cancellation import cancel
from workbench.lifecycle.edits import edit_tags
from workbench.lifecycle.judge import current_state, supervisor_alive
from workbench.lifecycle.removal import remove_runs
from workbench.view.fresh import refresh
from workbench_store.errors import NotFound, RunError
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.states import RunState
from workbench_store.store import Store

from tests.lifecycle.launched import Launch, Launched, wait_until


def begun(launch: Launch) -> tuple[Launched, Store]:
    run = launch("touch outputs/on; sleep 600")
    run.wait_for_file("on")
    assert run.id
    refresh(run.layout, store := Store(run.layout))
    assert store.run(run.name).state is RunState.RUNNING
    return run, store


def test_a_run_whose_folder_is_removed_is_ended_and_does_not_respond(launch: Launch) -> None:
    run, store = begun(launch)
    shutil.rmtree(run.files.root)
    wait_until(lambda: not run.processes(), "the job's end")
    for _ in range(2):
        refresh(run.layout, store)
        record = store.run(run.name)
        assert record.state is RunState.NOT_RESPONDING
        assert record.reason == f"its folder is gone: {run.files.root}"
        assert [change.state for change in store.detail(run.name).states].count(RunState.NOT_RESPONDING) == 1
    commands: tuple[Callable[[], object], ...] = (
        lambda: cancel(run.layout, run.name),
        lambda: edit_tags(run.layout, [run.name], {"a": "b"}),
        lambda: remove_runs(run.layout, [run.name]),
    )
    for do in commands:
        with pytest.raises(NotFound) as caught:
            do()
        assert "bring that back" in str(caught.value.remedy) and "--rebuild --losing" in str(caught.value.remedy)


def test_a_folder_that_comes_back_brings_its_run_back(launch: Launch, here: Path) -> None:
    run, store = begun(launch)
    elsewhere = RunLayout(here / "elsewhere")
    run.files.root.rename(elsewhere.root)
    wait_until(lambda: not supervisor_alive(elsewhere), "the supervisor to leave")
    assert run.processes()
    refresh(run.layout, store)
    assert store.run(run.name).state is RunState.NOT_RESPONDING
    elsewhere.root.rename(run.files.root)
    adopt(run.layout, run.name)
    wait_until(lambda: refresh(run.layout, store) and store.run(run.name).state is RunState.RUNNING, "it to be running")
    cancel(run.layout, run.name)
    wait_until(lambda: current_state(run.files).final, "its end")
    refresh(run.layout, store)
    assert store.run(run.name).state is RunState.CANCELED


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_run_that_loses_what_tells_who_holds_it_is_ended_as_failed(launch: Launch, here: Path, how: str) -> None:
    run, store = begun(launch)
    if how == "moved":
        run.files.control.rename(here / "elsewhere")
    else:
        shutil.rmtree(run.files.control)
    assert run.finish() is RunState.FAILED
    assert not run.processes()
    refresh(run.layout, store)
    record = store.run(run.name)
    assert record.state is RunState.FAILED and str(run.files.control) in str(record.reason)
    assert "outputs/on" in [one.path for one in store.artifacts(run.name)]
    assert [one for one in examine_workspace(run.layout) if one.level == "problem"] == []
    assert not list(run.layout.staging.iterdir())
    remove_runs(run.layout, [run.name])


@pytest.mark.parametrize("kind", ["job", "script"])
def test_one_whose_holder_is_killed_too_does_not_respond_until_it_is_closed(
    launch: Launch, here: Path, kind: str
) -> None:
    if kind == "job":
        run, store = begun(launch)
        files, layout = run.files, run.layout
        run.kill_everything()
        shutil.rmtree(files.control)
    else:
        layout = WorkspaceLayout(here / ".workbench")
        text = "import workbench, time; workbench.start_run(name='s', system_metrics=False); time.sleep(600)"
        with subprocess.Popen([sys.executable, "-c", text]) as script:
            files = layout.run("s")
            wait_until(files.script_process.exists, "its run")
            shutil.rmtree(files.control)
            refresh(layout, store := Store(layout))
            assert store.run("s").state is RunState.RUNNING
            with pytest.raises(RunError, match="is alive"):
                close_run(layout, "s", RunState.FAILED)
            script.kill()
    refresh(layout, store)
    record = store.run(files.name)
    assert record.state is RunState.NOT_RESPONDING and str(files.control) in str(record.reason)
    close_run(layout, files.name, RunState.FAILED)
    refresh(layout, store)
    assert store.run(files.name).state is RunState.FAILED
