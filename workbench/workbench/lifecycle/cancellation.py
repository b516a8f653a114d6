"""Cancel: a request that the run's supervisor meets within moments; without one, a new supervisor is started
for it."""

import time

from workbench_store.absence import check_run
from workbench_store.errors import RunError, WorkspaceError
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.states import RunState

from workbench.lifecycle.adoption import adopt
from workbench.lifecycle.files import write_json
from workbench.lifecycle.judge import check_readable, current_state, held_elsewhere, supervisor_alive
from workbench.lifecycle.script_runs import is_script_run, only_its_script
from workbench.lifecycle.stopped import stopped


def _request(files: RunLayout) -> None:
    """That the file is there is the request; an empty one takes no room on a full disk."""
    try:
        write_json(files.cancel_request, {"time": time.time()})
    except OSError:
        try:
            files.cancel_request.touch()
        except OSError as error:
            raise WorkspaceError(
                f"the request to cancel {files.name} cannot be written: {error.strerror} ({files.cancel_request})",
                remedy="Give yourself the permission to write there, or cancel it where that is so.",
            ) from error


def cancel(layout: WorkspaceLayout, name: str) -> None:
    """Ask for the run's cancellation and return; it is Canceled once its processes have ended.

    Raises NotFound for a run that does not exist, and RunError for one that is final or whose outputs are being saved,
    was started on another host, or was opened by a script (which only ends with its script); also for one whose
    supervisor is stopped: the request stays, and is met when that goes on. WorkspaceError where it cannot be
    written, or the run's journals may not be read.
    """
    files = layout.run(name)
    check_run(layout, name)
    check_readable(files)
    state = current_state(files)
    if state.final:
        raise RunError(f"run {name} is {state}: there is nothing left to cancel")
    if is_script_run(files):
        raise only_its_script(files)
    host = held_elsewhere(files)
    if host is not None:
        raise RunError(f"run {name} was started on {host}", remedy="Cancel it there.")
    if state is RunState.FINALIZING and supervisor_alive(files):
        raise RunError(
            f"the command of run {name} has ended, and what it wrote is being saved: there is nothing left to cancel",
            remedy=f"Wait for its end; see how it is getting on: workbench show {name}",
        )
    _request(files)
    if not supervisor_alive(files):
        try:
            adopt(layout, name)
        except RunError:
            # Another has taken it over, or ended it, in this very moment: it sees the request.
            if not (supervisor_alive(files) or current_state(files).final):
                raise
    elif held_up := stopped(files, "it cancels the run as soon as it goes on"):
        raise held_up
