"""The supervisor of one run: takes its lock, leads it through its stages, and ends.

Everything it needs is imported here, at its start, since an upgrade may replace the files under it.
"""

import ctypes
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from workbench_store.errors import WorkbenchError
from workbench_store.faults import fault
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.processes import boot_id, folder_id, host_id, process_start
from workbench_store.state_changes import fold_states
from workbench_store.states import RunState

from workbench.compute.process_end import end_family, members
from workbench.compute.registry import compute_of
from workbench.lifecycle import stages
from workbench.lifecycle.collection import sweep_leftovers
from workbench.lifecycle.ending import Canceled, Ending, canceled, failed
from workbench.lifecycle.files import read_json, write_json
from workbench.lifecycle.history import JournalTail, last_generation, last_sign_of_life, state_changes
from workbench.lifecycle.plan import Plan, read_plan, write_plan
from workbench.lifecycle.preload import load_what_is_needed, load_what_is_usual
from workbench.lifecycle.recorder import RunRecorder
from workbench.lifecycle.saving import finalize
from workbench.lifecycle.shut import Shut, is_shut
from workbench.lifecycle.supervision import Supervision
from workbench.lifecycle.supervisor_start import BUSY, GO, LOCKED
from workbench.lifecycle.trouble import note_trouble
from workbench.lifecycle.watch import Watch

_LOCK_SECONDS = 2.0
_RETRY_SECONDS = 0.5
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main(request: dict[str, Any], requests: BinaryIO, answers: int) -> None:
    """Supervise the run that the request names; the pipes lead to whoever called this process."""
    _settle()
    layout = WorkspaceLayout(Path(request["workspace"]))
    folder = RunLayout(Path(request["folder"]))
    lock = FileLock(folder.supervisor_lock)
    # Not `try_acquire`: an onlooker may be probing the lock just now.
    if not lock.acquire(timeout=_LOCK_SECONDS):
        os.write(answers, BUSY)
        return
    fault("supervisor.locked")
    changes = state_changes(folder) if request["adopting"] else []
    last = fold_states(changes)
    if last is not None and last.state.final:  # another has finished it between our caller's look and our lock
        lock.release()
        os.write(answers, BUSY)
        return
    generation = last_generation(changes) + 1 if request["adopting"] else 1
    _sign(folder, generation)
    fault("supervisor.signed")
    _shake_hands(requests, answers)
    fault("supervisor.going")
    try:
        if request["adopting"] or _is_made(layout, request["name"]):
            way = stages.take_over if request["adopting"] else stages.from_the_start
            supervise(layout, request["name"], generation, way, lock)
            with suppress(OSError, WorkbenchError):
                sweep_leftovers(layout)
        else:
            shutil.rmtree(request["folder"], ignore_errors=True)
    finally:
        lock.release()


def _sign(files: RunLayout, generation: int) -> None:
    """Tell who holds the run, before anybody can see that it is held."""
    write_json(
        files.supervisor_process,
        {
            "pid": os.getpid(),
            "start": process_start(os.getpid()),
            "host": host_id(),
            "boot": boot_id(),
            "folder": folder_id(files.control),
            "generation": generation,
            "started": time.time(),
        },
    )


class _LeftToOthers(Exception):
    """The job lives, and this supervisor cannot watch it: nobody holds the run from now on, and it can be adopted."""


def _settle() -> None:
    """Survive the terminal, and become the parent of the job's orphans."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _shake_hands(requests: BinaryIO, answers: int) -> None:
    """Say that the lock is held, and wait for the word to go, or for the end of whoever would give it; what comes first
    are variables that the job is to have."""
    with suppress(OSError), requests:
        os.write(answers, LOCKED)
        os.close(answers)
        load_what_is_usual(requests.fileno())
        while (line := requests.readline()).endswith(b"\n") and line != GO:
            os.environ.update(json.loads(line))
            load_what_is_usual(requests.fileno())


def _is_made(layout: WorkspaceLayout, name: str) -> bool:
    """Whether the run's folder is in its place: it is not if the submitter gave up before it was. That it is no longer
    elsewhere would not do, as it may have been removed; nor that there is one of the name, which may be another's. One
    that may not be looked at is there."""
    files = layout.run(name)
    return is_shut(files) or (read_json(files.supervisor_process) or {}).get("pid") == os.getpid()


def supervise(
    layout: WorkspaceLayout, name: str, generation: int, way: Callable[[Supervision], Ending], lock: FileLock
) -> None:
    """Lead the run, the given way, to its final state. `lock` is the run's."""
    files = layout.run(name)
    Shut(files).wait()
    seen = last_sign_of_life(files)
    before = JournalTail(files).new_events() if generation > 1 else []
    recorder = RunRecorder(files, "supervisor", generation, after=max((event.time for event in before), default=0.0))
    plan: Plan | None = None
    supervision: Supervision | None = None
    try:
        plan = read_plan(files)
        watch = Watch(files, lambda: lock.take_again(files.supervisor_lock))
        load_what_is_needed(plan)
        supervision = Supervision(layout, files, plan, compute_of(plan.compute), recorder, watch, seen)
        supervision.watch.start()
        ending = _carry_out(supervision, way)
        if not _is_made(layout, name):
            raise FileNotFoundError(f"{files.root} is not there any more")
        ending = finalize(supervision, ending)
        supervision.watch.stop()
    except _LeftToOthers:
        recorder.close()
        return
    except Exception as error:
        note_trouble()
        if supervision is not None and _job_lives(supervision):
            recorder.close()  # it is left to others, too
            return
        ending = failed(f"the supervisor failed: {_told(error)}; see {files.supervisor_log.name}")
    if not _is_made(layout, name):
        # A workspace that was moved has the run without a supervisor, until it is adopted, and its job may go on. What
        # a job does whose run was removed is recorded nowhere, and nobody could cancel it; nor what one does whose run
        # is about to be ended.
        in_place = recorder.in_place()
        if plan is not None and (in_place or lock.is_removed()):
            end_family(stages.own_family(plan, files), stages.grace_seconds())
        if not in_place:
            recorder.close()
            return
        ending = failed(f"what its supervisor needs of it was removed while it went on: {files.control}")
        if supervision is not None:
            ending = _saved_without_control(supervision, ending, generation, lock)
    _record_end(files, recorder, ending)
    fault("supervisor.ended")
    with suppress(OSError):  # it is only passed over sooner without
        files.heartbeat.unlink(missing_ok=True)


def _saved_without_control(supervision: Supervision, ending: Ending, generation: int, lock: FileLock) -> Ending:
    """Make anew what was removed, and save what the command wrote, as of any run that failed."""
    files = supervision.files
    try:
        files.control.mkdir(mode=0o700, exist_ok=True)
        lock.release()
        lock.take_again(files.supervisor_lock)
        write_plan(files, supervision.plan)
        _sign(files, generation)
        return finalize(supervision, ending)
    except (OSError, WorkbenchError):
        note_trouble()
        return ending


def _record_end(files: RunLayout, recorder: RunRecorder, ending: Ending) -> None:
    """The final state; while the disk is full the run stays held, since nobody else could tell how it ended."""
    fault("supervisor.before-final")
    recorder.tell_what_is_lost()
    recorder.state(
        ending.state,
        ending.reason,
        exit_code=ending.exit_code,
        signal=ending.signal,
        ended=ending.ended,
        seconds=ending.seconds,
    )
    fault("supervisor.after-final")
    while not recorder.flush() and files.root.exists():
        time.sleep(_RETRY_SECONDS)
    recorder.sync()
    recorder.close()


def _carry_out(supervision: Supervision, way: Callable[[Supervision], Ending]) -> Ending:
    """Everything up to the end of the command; what goes wrong becomes the run's ending. Raises _LeftToOthers."""
    try:
        return way(supervision)
    except Canceled:
        supervision.recorder.state(RunState.CANCEL_REQUESTED)
        return canceled(None, None)
    except WorkbenchError as error:
        return failed(_told(error))
    except OSError as error:
        note_trouble()
        if _job_lives(supervision):
            raise _LeftToOthers from error
        return failed(_told(error))


def _job_lives(supervision: Supervision) -> bool:
    files = supervision.files
    return _is_made(supervision.layout, files.name) and bool(members(stages.own_family(supervision.plan, files)))


def _told(error: Exception) -> str:
    text = error.message if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
    remedy = error.remedy if isinstance(error, WorkbenchError) else None
    return f"{text} ({remedy})" if remedy else text
