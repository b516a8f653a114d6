"""Judging the dead: a run whose holder is gone and that has no final state.

Only the host that started a holder may judge it by its lock; for a run of another host nothing is written.
On the same host an earlier boot's locks are free by themselves, so it needs no case of its own.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from workbench_store.errors import WorkspaceError
from workbench_store.fold import whole
from workbench_store.journal.writer import tell_nobody
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.processes import is_here
from workbench_store.state_changes import fold_states
from workbench_store.states import RunState

from workbench.client.heard import heard
from workbench.lifecycle.ending import missing_records
from workbench.lifecycle.files import read_json
from workbench.lifecycle.history import last_change, last_generation, last_sign_of_life, state_changes
from workbench.lifecycle.recorder import RunRecorder


def judge(layout: WorkspaceLayout, names: Iterable[str] | None = None) -> dict[str, RunState]:
    """Record what became of runs whose holder is gone; returns the states written, by run.

    `names` are the runs that are not known to be final; without it all runs are looked at.
    """
    judged = {}
    for name in _all_names(layout) if names is None else names:
        state = judge_run(layout.run(name))
        if state is not None:
            judged[name] = state
    return judged


def judge_run(files: RunLayout) -> RunState | None:
    """The same for one run: the state written, None if none was."""
    try:
        return _judge_one(files)
    except (OSError, WorkspaceError):
        return None  # gone meanwhile, or not ours to write: an onlooker need not succeed


def check_there(files: RunLayout) -> None:
    """Raise WorkspaceError if the run's folder is gone: who waits for its end would wait for ever."""
    if not files.root.is_dir():
        raise WorkspaceError(f"the folder of {files.name} is gone: {files.root}", remedy="Bring it back from a copy.")


def _all_names(layout: WorkspaceLayout) -> list[str]:
    """Runs that may be alive: a run that ended in order has no heartbeat any more."""
    try:
        folders = sorted(path for path in layout.runs.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    runs = [RunLayout(path) for path in folders]
    return [run.name for run in runs if run.heartbeat.exists() or run.script_lock.exists()]


def current_state(files: RunLayout) -> RunState:
    """The state as the run's journals tell it."""
    change = last_change(files)
    return RunState.NOT_STARTED if change is None else change.state


def supervisor_alive(files: RunLayout) -> bool:
    """Whether a supervisor holds the run's lock; only this host's can be seen."""
    return not FileLock.is_free(files.supervisor_lock)


def held_elsewhere(files: RunLayout) -> str | None:
    """The host whose processes hold or held the run, if it is not this one."""
    holder = read_json(files.supervisor_process) or read_json(files.identity) or {}
    host = holder.get("host")
    return str(host) if host and not is_here(host, holder.get("boot")) else None


def _judge_one(files: RunLayout) -> RunState | None:
    if held_elsewhere(files) is not None:
        return None
    if files.script_lock.exists():
        return _judge_script(files)
    if not files.plan.exists() or supervisor_alive(files):
        return None
    changes = state_changes(files)
    last = fold_states(changes)
    if last is None or last.state.final or last.state is RunState.NOT_RESPONDING:
        return None
    pid = (read_json(files.supervisor_process) or {}).get("pid", "unknown")
    seen = last_sign_of_life(files)
    reason = f"its supervisor (PID {pid}) is gone; last sign of life {_when(seen)}"
    written = _write(files, last_generation(changes), RunState.NOT_RESPONDING, reason, ended=seen or None)
    return RunState.NOT_RESPONDING if written else None


def _judge_script(files: RunLayout) -> RunState | None:
    """A script's own run ends with the script, as the script said if the disk took that: nothing could adopt it."""
    if not FileLock.is_free(files.script_lock):
        return None
    changes = state_changes(files)
    last = fold_states(changes)
    if last is not None and last.state.final:
        return None
    generation = last_generation(changes)
    word = heard(files.script_process, generation)
    if word is not None:
        state = RunState.parse(str(word["state"]))
        more = {"ended": word.get("ended"), "seconds": word.get("seconds"), "lost": whole(word.get("lost"))}
        return state if _write(files, generation, state, _last_reason(word), **more) else None
    reason = f"ended without closing; last sign of life {_when(last_sign_of_life(files))}"
    written = _write(files, generation, RunState.FAILED, reason, ended=last_sign_of_life(files) or None)
    return RunState.FAILED if written else None


def _last_reason(word: Mapping[str, Any]) -> str | None:
    """What the script gave as its reason, and what is missing of its records."""
    lost = whole(word.get("lost_records"))
    missing = missing_records(lost) if lost else None
    return "; ".join(str(part) for part in (word.get("reason"), missing) if part) or None


def _write(files: RunLayout, generation: int, state: RunState, reason: str | None, **more: Any) -> bool:
    """Record the judgement; whether that worked. A full disk is told by those whose records it keeps out."""
    recorder = RunRecorder(files, "judge", generation, tell=tell_nobody)
    try:
        recorder.state(state, reason, judged=True, **more)
        return recorder.flush()
    finally:
        recorder.close()


def _when(moment: float) -> str:
    """UTC, to the second."""
    return datetime.fromtimestamp(moment or time.time(), UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "never"
