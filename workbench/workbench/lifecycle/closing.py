"""Close: a final state for a run that nobody holds any more, given by the user."""

from workbench_store.absence import check_run
from workbench_store.errors import RunError, UsageError
from workbench_store.journal.writer import tell_nobody
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.state_changes import fold_states
from workbench_store.states import RunState

from workbench.compute.local_job import living_process, recorded_exit
from workbench.lifecycle.history import last_generation, last_sign_of_life, state_changes
from workbench.lifecycle.how_it_ends import how_it_ends
from workbench.lifecycle.judge import check_readable, current_state, is_recorded
from workbench.lifecycle.links import remove_links
from workbench.lifecycle.recorder import RunRecorder
from workbench.lifecycle.script_runs import is_script_run, only_its_script
from workbench.lifecycle.staging import holds_unsaved
from workbench.lifecycle.stopped import stopped

_LOCK_SECONDS = 1.0


def close_run(layout: WorkspaceLayout, name: str, state: RunState) -> None:
    """End the run as Failed or Canceled. Its outputs stay where they are; `collect` saves what is
    not saved yet, and the run says so.

    Raises UsageError for another state, NotFound for a run that does not exist, and RunError for one that is
    final, is held by a living supervisor or script, or whose job still runs; WorkspaceError for one whose journals
    may not be read.
    """
    if state not in (RunState.FAILED, RunState.CANCELED):
        raise UsageError(f"a run can be closed as Failed or Canceled, not as {state}")
    files = layout.run(name)
    check_run(layout, name)
    check_readable(files)
    lock = FileLock(files.script_lock if is_script_run(files) else files.supervisor_lock)
    if not lock.path.exists():
        if is_recorded(files):
            raise RunError(f"run {name} is alive: processes record for it", remedy="It ends with them.")
        files.control.mkdir(mode=0o700, exist_ok=True)  # it was removed, and without it nobody could end the run
    if not lock.acquire(timeout=_LOCK_SECONDS):
        if is_script_run(files):
            raise only_its_script(files)
        alive = RunError(f"run {name} is alive", remedy=how_it_ends(files, current_state(files)))
        raise stopped(files, "it still holds the run") or alive
    try:
        _close_held(layout, files, state)
        remove_links(files)
    finally:
        lock.release()


def _close_held(layout: WorkspaceLayout, files: RunLayout, state: RunState) -> None:
    changes = state_changes(files)
    last = fold_states(changes)
    if last is not None and last.state.final:
        raise RunError(f"run {files.name} is {last.state} already")
    pid = living_process(files)
    if pid is not None:
        remedy = f"Cancel it: workbench cancel {files.name}; or go on with it: workbench adopt {files.name}"
        raise RunError(f"the job of run {files.name} still runs (PID {pid})", remedy=remedy)
    # The command may have ended long before; where nobody saw that, it did after its last sign of life.
    seen = last_sign_of_life(files) or None
    after = max((change.time for change in changes), default=0.0)
    recorder = RunRecorder(files, "user", last_generation(changes) + 1, tell=tell_nobody, after=after)
    if holds_unsaved(layout, files.name):
        recorder.warning(f"not all outputs are saved; to save them: workbench outputs --collect {files.name}")
    ended = recorded_exit(files) or {"ended": seen}
    recorder.tell_what_is_lost()
    recorder.state(state, "closed by the user", ended=ended.get("ended"), seconds=ended.get("seconds"))
    recorder.finish()
    files.heartbeat.unlink(missing_ok=True)
