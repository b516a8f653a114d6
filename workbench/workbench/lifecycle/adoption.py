"""Adopt: a new supervisor for a run whose own is gone. Of two adopters the one that gets the lock wins."""

from workbench_store.absence import check_run
from workbench_store.errors import RunError
from workbench_store.layout import WorkspaceLayout

from workbench.lifecycle.judge import check_readable, current_state, held_elsewhere, supervisor_alive
from workbench.lifecycle.plan import read_plan
from workbench.lifecycle.script_runs import is_script_run, only_its_script
from workbench.lifecycle.stopped import stopped
from workbench.lifecycle.supervisor_start import start_supervisor


def adopt(layout: WorkspaceLayout, name: str) -> None:
    """Start a supervisor that takes over the run's job or, if that has ended, finishes the run.

    Returns once it holds the run. Raises NotFound for a run that does not exist and RunError for one that is
    final, has a living supervisor, is no job's run, or was started on another host; WorkspaceError for one whose
    journals may not be read.
    """
    check_adoptable(layout, name)
    started = start_supervisor(layout, name, layout.run(name).root, adopting=True)
    held = started.await_lock()
    started.go()
    if held is False:
        check_adoptable(layout, name)  # which tells if it is over by now
        raise RunError(f"run {name} has just been taken over by another supervisor")
    if held is None:
        log = layout.run(name).supervisor_log
        raise RunError(f"the new supervisor of run {name} did not start", remedy=f"What it said is in {log}.")


def check_adoptable(layout: WorkspaceLayout, name: str) -> None:
    """Raise NotFound, WorkspaceError or RunError unless the run waits for a supervisor here."""
    files = layout.run(name)
    check_run(layout, name)
    check_readable(files)
    state = current_state(files)
    if state.final:
        raise RunError(f"run {name} is {state}: there is nothing left to take over")
    if is_script_run(files):
        raise only_its_script(files)
    host = held_elsewhere(files)
    if host is not None:
        raise RunError(f"run {name} was started on {host}", remedy="Do this there, or close the run.")
    if supervisor_alive(files):
        living = RunError(f"run {name} has a living supervisor: it is {state}")
        raise stopped(files, f"it still holds the run, which is {state}") or living
    read_plan(files)
