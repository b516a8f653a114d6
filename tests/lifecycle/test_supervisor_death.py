"""kill -9 of the supervisor: training goes on, the run is NotResponding, and it can be adopted, cancelled or
closed."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from workbench.lifecycle import adopt, cancel, close_run, collect, shut
from workbench.lifecycle.adoption import check_adoptable
from workbench.lifecycle.files import read_json, write_json
from workbench.lifecycle.history import last_sign_of_life
from workbench.lifecycle.judge import current_state, judge, supervisor_alive
from workbench.lifecycle.logs import read_log
from workbench.lifecycle.supervisor_start import start_supervisor
from workbench.spec import Input
from workbench_store.errors import RunError, UsageError
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState
from workbench_store.store import Store

from tests.lifecycle.launched import Launch, Launched, wait_until
from workbench import Workspace

GATED = "echo on > outputs/on; while ! test -e outputs/go; do sleep 0.05; done; echo end; echo x > outputs/x"


def judged(layout: WorkspaceLayout, name: str) -> RunState:
    """Its state after another look at all runs."""
    judge(layout)
    return current_state(layout.run(name))


def orphaned(launch: Launch, text: str = GATED) -> Launched:
    run = launch(text)
    run.wait_for_file("on")
    run.kill_supervisor()
    return run


def test_the_job_goes_on_and_an_adopter_completes_the_run(launch: Launch) -> None:
    run = orphaned(launch)
    assert judge(run.layout) == {run.name: RunState.NOT_RESPONDING}
    assert run.state is RunState.NOT_RESPONDING
    assert "last sign of life" in run.last_state()["reason"]
    assert judge(run.layout) == {}
    assert run.processes() != []
    adopt(run.layout, run.name)
    (run.files.outputs / "go").touch()
    assert run.finish() is RunState.COMPLETED
    assert run.last_state()["generation"] == 2
    assert "outputs/x" in run.artifacts()
    assert read_log(run.files) == "end\n"
    assert not run.layout.staged(run.name).exists()


@pytest.mark.parametrize("way", ["adopt", "cancel", "close"])
def test_what_died_with_everything_ended_at_its_last_sign_of_life(launch: Launch, way: str) -> None:
    # Times of files lag behind the clock by some milliseconds: the last sign is to come well after the start.
    run = launch("sleep 0.1; echo working; sleep 0.1; echo on > outputs/on; sleep 600")
    run.wait_for_file("on")
    # As when the machine goes down: nobody sees the end, also not the job's parent, which would write it down.
    run.kill_supervisor()
    os.kill((read_json(run.files.job_process) or {})["parent"], signal.SIGKILL)
    run.kill_everything()
    seen = last_sign_of_life(run.files)
    (store := Store(run.layout)).refresh()
    started = store.run(run.name).started or 0.0
    judge(run.layout)
    store.refresh()
    assert store.run(run.name).state is RunState.NOT_RESPONDING
    assert store.run(run.name).seconds == seen - started and last_sign_of_life(run.files) == seen
    if way == "close":
        close_run(run.layout, run.name, RunState.FAILED)
    else:
        (adopt if way == "adopt" else cancel)(run.layout, run.name)
        wait_until(lambda: run.state.final and not supervisor_alive(run.files), "its end")
    store.refresh()
    record = store.run(run.name)
    assert record.state is (RunState.CANCELED if way == "cancel" else RunState.FAILED)
    assert record.ended == seen
    if way != "close":
        (stage,) = [stage for stage in store.detail(run.name).stages if stage.stage == "run"]
        assert stage.seconds == seen - started


def test_a_job_that_ended_meanwhile_is_finalized_with_its_exit_code(launch: Launch) -> None:
    run = orphaned(launch, GATED + "; exit 4")
    (run.files.outputs / "go").touch()
    wait_until(run.files.exit_status.exists, "the exit status")
    adopt(run.layout, run.name)
    assert run.finish() is RunState.FAILED
    assert run.last_state()["exit_code"] == 4
    assert "outputs/x" in run.artifacts()


def test_cancel_works_without_a_supervisor(launch: Launch) -> None:
    run = orphaned(launch)
    cancel(run.layout, run.name)
    assert run.finish() is RunState.CANCELED
    assert run.processes() == []
    assert "outputs/on" in run.artifacts()


def test_of_two_adopters_one_wins(launch: Launch) -> None:
    run = orphaned(launch)
    script = (
        "import sys; from pathlib import Path; from workbench.lifecycle import adopt;"
        "from workbench_store.layout import WorkspaceLayout; from workbench_store.errors import RunError\n"
        "try: adopt(WorkspaceLayout(Path(sys.argv[1])), sys.argv[2]); print('won')\n"
        "except RunError: print('lost')"
    )
    arguments = [sys.executable, "-c", script, str(run.layout.root), run.name]
    racers = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sorted(racer.communicate()[0].strip() for racer in racers) == ["lost", "lost", "won"]
    (run.files.outputs / "go").touch()
    assert run.finish() is RunState.COMPLETED
    assert run.states().count("Completed") == 1


def test_who_finds_the_run_held_leads_nothing(launch: Launch) -> None:
    run = launch(GATED)
    run.wait_for_file("on")
    run.wait_for(RunState.RUNNING)
    states, leader = run.states(), run.supervisor_pid()
    second = start_supervisor(run.layout, run.name, run.files.root, adopting=True)
    assert second.await_lock() is False
    second.go()
    assert (run.states(), run.supervisor_pid()) == (states, leader)
    (run.files.outputs / "go").touch()
    assert run.finish() is RunState.COMPLETED and run.states().count("Completed") == 1


def test_who_takes_over_too_late_records_nothing_more(launch: Launch) -> None:
    """Between its look, that the run may be taken over, and its lock on the run another has finished it."""
    run = orphaned(launch)
    (run.files.outputs / "go").touch()
    wait_until(lambda: run.files.exit_status.exists() and not run.processes(), "the job's end")
    check_adoptable(run.layout, run.name)
    adopt(run.layout, run.name)
    assert run.finish() is RunState.COMPLETED
    store = Store(run.layout)
    store.refresh()
    seconds, states = store.run(run.name).seconds, run.states()
    late = start_supervisor(run.layout, run.name, run.files.root, adopting=True)
    assert late.await_lock() is False
    late.abandon()
    wait_until(lambda: not supervisor_alive(run.files), "whoever came late to be gone")
    store.refresh()
    assert run.states() == states and store.run(run.name).seconds == seconds
    with pytest.raises(RunError, match="is Completed: there is nothing left to take over"):
        adopt(run.layout, run.name)


def test_a_job_whose_parent_is_killed_too_is_watched_to_its_end(launch: Launch) -> None:
    run = orphaned(launch)
    adopt(run.layout, run.name)
    wait_until(lambda: run.states().count("Running") == 2, "the adopter to watch")
    os.kill((read_json(run.files.job_process) or {})["parent"], signal.SIGKILL)
    (run.files.outputs / "go").touch()
    assert run.finish() is RunState.FAILED
    assert "unknown" in run.last_state()["reason"]
    assert "outputs/x" in run.artifacts()


def test_the_status_of_an_orphaned_job_is_had_by_the_subreaper(launch: Launch) -> None:
    run = launch(GATED + "; exit 5")
    run.wait_for_file("on")
    wait_until(lambda: (read_json(run.files.job_process) or {}).get("pid"), "the job's PID")
    os.kill((read_json(run.files.job_process) or {})["parent"], signal.SIGKILL)
    (run.files.outputs / "go").touch()
    assert run.finish() is RunState.FAILED
    assert run.last_state()["exit_code"] == 5


def test_close_refuses_while_the_job_lives_and_ends_a_dead_run(launch: Launch) -> None:
    run = orphaned(launch)
    with pytest.raises(RunError, match="still runs"):
        close_run(run.layout, run.name, RunState.FAILED)
    (run.files.outputs / "go").touch()
    wait_until(lambda: run.files.exit_status.exists() and not run.processes(), "the job's end")
    with pytest.raises(UsageError):
        close_run(run.layout, run.name, RunState.COMPLETED)
    close_run(run.layout, run.name, RunState.CANCELED)
    assert run.state is RunState.CANCELED
    again = Workspace(run.layout.root).run(run.name)
    (warning,) = [text for text in Store(run.layout).detail(run.name).warnings if "--collect" in text]
    assert again.unsaved and run.name in warning
    with pytest.raises(RunError, match="already"):
        close_run(run.layout, run.name, RunState.FAILED)
    collect(run.layout, run.name)
    assert not again.unsaved
    assert "outputs/x" in run.artifacts()
    assert not run.layout.staged(run.name).exists()


def test_a_workspace_that_is_moved_takes_its_living_job_along(launch: Launch, here: Path) -> None:
    run = launch(
        "touch outputs/on; until [ -e GO ]; do sleep 0.02; done; echo end > outputs/late".replace(
            "GO", str(here / "go")
        )
    )
    run.wait_for_file("on")
    pid = run.supervisor_pid()
    (here / "moved").mkdir()
    run.layout.root.rename(here / "moved" / ".workbench")
    moved = WorkspaceLayout(here / "moved" / ".workbench")
    files = moved.run(run.name)
    wait_until(lambda: not supervisor_alive(files), f"the supervisor {pid} to leave")
    wait_until(lambda: judged(moved, run.name) is RunState.NOT_RESPONDING, "the supervisor to be gone")
    with pytest.raises(RunError, match="still runs"):
        close_run(moved, run.name, RunState.FAILED)
    assert not run.layout.root.exists()
    (here / "go").touch()
    wait_until(files.exit_status.exists, "the job's end to be written")
    adopt(moved, run.name)
    wait_until(lambda: current_state(files).final and not supervisor_alive(files), "its end")
    assert current_state(files) is RunState.COMPLETED and read_log(files) == ""
    assert (files.outputs / "late").read_text() == "end\n" and not run.layout.root.exists()
    moved.root.rename(run.layout.root)  # where what is left of a run is looked for


@pytest.mark.parametrize("stage", ["Queued", "Finalizing"])
def test_a_workspace_that_is_moved_is_not_made_again_where_it_was(
    launch: Launch, here: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = " ".join(f"outputs/{number}" for number in range(3000))
    text = "sleep 600" if stage == "Queued" else f"touch {names}"
    others = [launch("sleep 600") for _ in range(os.cpu_count() or 1)] if stage == "Queued" else []
    for other in others:
        other.wait_for(RunState.RUNNING)
    run = launch(text)
    wait_until(lambda: stage in run.states(), stage)
    moved = WorkspaceLayout(here / "moved" / ".workbench")
    moved.root.parent.mkdir()
    run.layout.root.rename(moved.root)
    files = moved.run(run.name)
    for other in others:  # a place is free now
        Launched(moved, other.name).kill_everything()
    wait_until(lambda: not supervisor_alive(files), "the supervisor to leave")
    assert not run.layout.root.exists()
    if not current_state(files).final:
        wait_until(lambda: judged(moved, run.name) is RunState.NOT_RESPONDING, "the supervisor to be gone")
        adopt(moved, run.name)
        wait_until(lambda: current_state(files).final and not supervisor_alive(files), "its end")
    assert not run.layout.root.exists()
    assert current_state(files) is (RunState.FAILED if stage == "Queued" else RunState.COMPLETED)
    moved.root.rename(run.layout.root)


def test_a_job_that_its_parent_has_not_named_yet_is_not_closed_either(launch: Launch) -> None:
    run = orphaned(launch)
    wait_until(lambda: (read_json(run.files.job_process) or {}).get("ranks") is not None, "the parent to name it")
    named = read_json(run.files.job_process) or {}
    announced = {**named, "pid": None, "start": None}
    del announced["ranks"]
    write_json(run.files.job_process, announced)
    with pytest.raises(RunError, match="still runs"):
        close_run(run.layout, run.name, RunState.FAILED)
    write_json(run.files.job_process, named)
    (run.files.outputs / "go").touch()
    wait_until(lambda: run.files.exit_status.exists() and not run.processes(), "the job's end")
    close_run(run.layout, run.name, RunState.FAILED)


def test_the_time_of_an_adopted_run_goes_on_from_its_start(launch: Launch) -> None:
    run = orphaned(launch)
    store = Store(run.layout)
    store.refresh()
    (before,) = [stage for stage in store.detail(run.name).stages if stage.stage == "run"]
    adopt(run.layout, run.name)
    wait_until(lambda: len([one for one in run.events("stage") if one["stage"] == "run"]) == 2, "the adopter to watch")
    store.refresh()
    record = store.run(run.name)
    assert record.started is not None and record.going_since == record.started
    (stage,) = [stage for stage in store.detail(run.name).stages if stage.stage == "run"]
    assert (stage.began, stage.status) == (before.began, "started")
    (run.files.outputs / "go").touch()
    assert run.finish() is RunState.COMPLETED
    store.refresh()
    record = store.run(run.name)
    (stage,) = [stage for stage in store.detail(run.name).stages if stage.stage == "run"]
    assert stage.began == before.began and stage.status == "done"
    assert stage.seconds is not None and record.ended is not None and stage.began + stage.seconds <= record.ended + 1e-3


def test_the_time_of_a_closed_run_is_that_of_its_command(launch: Launch) -> None:
    run = orphaned(launch)
    (run.files.outputs / "go").touch()
    wait_until(lambda: run.files.exit_status.exists() and not run.processes(), "the job's end")
    close_run(run.layout, run.name, RunState.FAILED)
    ended = read_json(run.files.exit_status) or {}
    store = Store(run.layout)
    store.refresh()
    record = store.run(run.name)
    assert record.ended == pytest.approx(ended["ended"], abs=1e-3)
    assert record.seconds == pytest.approx(ended["seconds"])


def test_a_living_run_is_not_judged_adopted_or_closed(launch: Launch) -> None:
    run = launch("sleep 1000")
    run.wait_for(RunState.RUNNING)
    assert judge(run.layout, [run.name]) == {}
    with pytest.raises(RunError, match="living supervisor"):
        adopt(run.layout, run.name)
    with pytest.raises(RunError, match="alive"):
        close_run(run.layout, run.name, RunState.FAILED)


def test_a_run_whose_supervisor_dies_in_the_queue_fails_when_adopted(launch: Launch) -> None:
    from workbench.compute import add_compute

    holder = launch("sleep 1000")
    add_compute(holder.layout, "one", "local", {"slots": 1})
    first = launch("echo on > outputs/on; sleep 1000", compute="one")
    first.wait_for_file("on")
    second = launch("true", compute="one")
    second.wait_for(RunState.QUEUED)
    second.kill_supervisor()
    assert judge(second.layout, [second.name]) == {second.name: RunState.NOT_RESPONDING}
    adopt(second.layout, second.name)
    assert second.finish() is RunState.FAILED
    assert "before the command was started" in second.last_state()["reason"]


def test_a_final_run_is_left_alone(launch: Launch) -> None:
    run = launch("true")
    run.finish()
    assert judge(run.layout, [run.name]) == {}
    for action in (adopt, cancel):
        with pytest.raises(RunError, match="Completed"):
            action(run.layout, run.name)


def test_closing_removes_the_links_that_the_run_made(launch: Launch, here: Path) -> None:
    (here / "data").mkdir()
    place = here / "link"
    inputs = {"d": Input(path=str(here / "data"), path_on_compute=str(place))}
    run = launch(GATED, inputs=inputs)
    run.wait_for_file("on")
    assert place.is_symlink()
    run.kill_everything()
    close_run(run.layout, run.name, RunState.FAILED)
    assert not os.path.lexists(place) and (here / "data").is_dir()


def test_who_made_a_link_that_is_in_the_way_is_told_and_what_is_over_gives_way(launch: Launch, here: Path) -> None:
    (here / "data").mkdir()
    place = here / "link"
    inputs = {"d": Input(path=str(here / "data"), path_on_compute=str(place))}
    run = launch(GATED, inputs=inputs)
    run.wait_for_file("on")
    second = launch("true", inputs=inputs)
    assert second.finish() is RunState.FAILED and f"in use by the run {run.name}" in second.last_state()["reason"]
    run.kill_everything()
    third = launch("true", inputs=inputs)
    assert third.finish() is RunState.FAILED and f"made by the run {run.name}" in third.last_state()["reason"]
    assert place.is_symlink()
    close_run(run.layout, run.name, RunState.FAILED)
    assert launch("true", inputs=inputs).finish() is RunState.COMPLETED
    assert not os.path.lexists(place)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELED])
def test_a_stage_that_nobody_ended_is_over_when_the_run_is(launch: Launch, state: RunState) -> None:
    run = orphaned(launch)
    run.kill_everything()
    close_run(run.layout, run.name, state)
    store = Store(run.layout)
    store.refresh()
    stages = {stage.stage: stage.status for stage in store.detail(run.name).stages}
    assert stages["run"] == str(state).lower() and stages["environment"] == "done"


def test_what_needs_a_job_tells_how_a_scripts_run_ends(layout: WorkspaceLayout) -> None:
    script = "import sys, workbench; workbench.start_run(name='s'); print(flush=True); sys.stdin.read()"
    environment = {**os.environ, "WORKBENCH_WORKSPACE": str(layout.root)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout is not None and process.stdin is not None
        process.stdout.readline()
        for attempt in (cancel, adopt, partial(close_run, state=RunState.FAILED)):
            with pytest.raises(RunError, match="opened by a script") as caught:
                attempt(layout, "s")
            assert caught.value.remedy is not None and f"process {process.pid}" in caught.value.remedy
        process.stdin.close()


def test_a_supervisor_that_cannot_watch_its_job_leaves_it_to_be_adopted(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than call a run Failed whose job goes on."""
    monkeypatch.setenv("WORKBENCH_FAULT", "job.spawned!ENOSPC")
    run = launch(GATED)
    monkeypatch.delenv("WORKBENCH_FAULT")
    run.wait_for_file("on")
    wait_until(lambda: not supervisor_alive(run.files), "the supervisor to give up")
    assert judge(run.layout) == {run.name: RunState.NOT_RESPONDING} or not run.state.final
    assert run.processes() != [] and "No space left on device" in run.files.supervisor_log.read_text()
    (run.files.outputs / "go").touch()
    adopt(run.layout, run.name)
    assert run.finish() is RunState.COMPLETED


def test_a_folder_that_is_shut_is_waited_for_but_not_for_ever(
    layout: WorkspaceLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, now = layout.run("r"), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    files.control.mkdir(parents=True)
    look = shut.Shut(files)
    assert not look.passing(), "what is not there is not shut"
    files.control.rmdir()
    files.control.symlink_to(files.control)  # which nobody can look into, root neither
    assert look.passing()
    now[0] = 59.0
    assert look.passing()
    now[0] = 61.0
    assert not look.passing()
    files.control.unlink()
    assert not look.passing()
    files.control.symlink_to(files.control)
    assert look.passing(), "each time anew"
