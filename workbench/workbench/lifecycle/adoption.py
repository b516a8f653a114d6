"""Adopt: a new supervisor for a run whose own is gone. Of two adopters the one that gets the lock wins."""

import time

from workbench_store.absence import check_run
from workbench_store.errors import RunError
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.states import RunState

from workbench.lifecycle.judge import check_readable, current_state, held_elsewhere, supervisor_alive
from workbench.lifecycle.pauses import SHORTEST_SECONDS, longer
from workbench.lifecycle.plan import read_plan
from workbench.lifecycle.script_runs import is_script_run, only_its_script
from workbench.lifecycle.stopped import stopped
from workbench.lifecycle.supervisor_start import start_supervisor

#: A supervisor takes over in a part of that.
_WORD_SECONDS = 10.0


def adopt(layout: WorkspaceLayout, name: str) -> None:
    """Start a supervisor that takes over the run's job or, if that has ended, finishes the run.

    Returns once it holds the run and has said so. Raises NotFound for a run that does not exist and RunError for one
    that is final, has a living supervisor, is no job's run, or was started on another host; WorkspaceError for one
    whose journals may not be read.
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
    _await_its_word(layout.run(name))


def _await_its_word(files: RunLayout) -> None:
    """Whoever waits for the run's end would take it for a run that does not respond until its supervisor says so."""
    deadline, pause = time.monotonic() + _WORD_SECONDS, SHORTEST_SECONDS
    while current_state(files) is RunState.NOT_RESPONDING and supervisor_alive(files):
        if time.monotonic() > deadline:
            return
        time.sleep(pause)
        pause = longer(pause)


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
