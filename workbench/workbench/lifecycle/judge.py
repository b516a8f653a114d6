"""Judging the dead: a run whose holder is gone and that has no final state.

Only the host that started a holder may judge it by its lock; for a run of another host nothing is written.
On the same host an earlier boot's locks are free by themselves, so it needs no case of its own.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from workbench_store.errors import WorkspaceError
from workbench_store.fold import whole
from workbench_store.holding import is_held
from workbench_store.journal.lost import LOST_UNTOLD, in_words
from workbench_store.journal.writer import JournalWriter, tell_nobody
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.processes import boot_id, folder_id, is_here, process_alive
from workbench_store.state_changes import fold_states
from workbench_store.states import RunState

from workbench.client.heard import (
    all_told,
    ended_without_closing,
    forget,
    heard,
    lacking,
    last_reason,
    last_sign,
    left_behind,
    some_untold,
    tell,
    torn_in,
)
from workbench.lifecycle.files import read_json
from workbench.lifecycle.history import (
    has_journals,
    last_change,
    last_generation,
    last_sign_of_life,
    state_changes,
    unread_journal,
)
from workbench.lifecycle.recorder import RunRecorder


class Verdict(NamedTuple):
    """What became of a run whose holder is gone; `ended` in UTC epoch seconds, `seconds` by a monotonic clock, `lost`
    points that it could not record, where they are known, and bytes of records that were cut short for want of room;
    `notes` are of those who left some, of which this says all; what `lacks` besides, in words, is in the reason too."""

    generation: int
    state: RunState
    reason: str | None
    ended: float | None = None
    seconds: float | None = None
    lost: int = 0
    torn: int = 0
    notes: tuple[Path, ...] = ()
    lacks: str | None = None


def judge(layout: WorkspaceLayout, names: Iterable[str] | None = None) -> dict[str, RunState]:
    """Record what became of runs whose holder is gone; returns the states written, by run.

    `names` are the runs that are not known to be final; without it all runs are looked at.
    """
    wanted = _all_names(layout) if names is None else names
    return {name: found.state for name, found in verdicts(layout, wanted).items() if record(layout.run(name), found)}


def verdicts(layout: WorkspaceLayout, names: Iterable[str]) -> dict[str, Verdict]:
    """Of these runs those whose holder is gone and of which that is not recorded. Nothing is written."""
    found = ((name, verdict(layout.run(name))) for name in names)
    return {name: one for name, one in found if one is not None}


def verdict(files: RunLayout) -> Verdict | None:
    """The same of one run; none of one whose journals may not be read, where its end may be."""
    try:
        found = _verdict(files)
        return None if found is None or unread_journal(files) is not None else found
    except (OSError, WorkspaceError):
        return None  # gone meanwhile


def record(files: RunLayout, found: Verdict) -> bool:
    """Record the judgement; whether that worked: it may not be ours to write, and an onlooker need not succeed. A full
    disk is told by those whose records it keeps out."""
    try:
        recorder = RunRecorder(files, "judge", found.generation, tell=tell_nobody)
        try:
            if found.torn:
                recorder.event("torn", bytes=found.torn, of=torn_in(found.generation))
            recorder.state(
                found.state,
                found.reason,
                judged=True,
                ended=found.ended,
                seconds=found.seconds,
                lost=found.lost,
                told=[note.name for note in found.notes],
                lacks=found.lacks,
            )
            written = recorder.flush()
        finally:
            recorder.close()
        if written:
            forget(found.notes)
        return written
    except (OSError, WorkspaceError):
        return False


def tell_what_was_left(files: RunLayout) -> None:
    """Record in a run that is over that processes which outlived it were killed while something waited for room."""
    with suppress(OSError, WorkspaceError):  # it is told another time
        notes = left_behind(files)
        if not notes or held_elsewhere(files) is not None or not current_state(files).final:
            return
        journal = JournalWriter(files.journals, "judge", tell=tell_nobody)
        tell(journal, notes)
        journal.close()


def judge_run(files: RunLayout) -> Verdict | None:
    """Record what became of the run if its holder is gone. None, or what could not be recorded."""
    found = verdict(files)
    return None if found is None or record(files, found) else found


def state_now(files: RunLayout) -> RunState:
    """The state as the journals tell it, or as they would if they could be written."""
    unrecorded = judge_run(files)
    return current_state(files) if unrecorded is None else unrecorded.state


def check_there(files: RunLayout) -> None:
    """Raise WorkspaceError if the run's folder is gone, or its journals are or may not be read: who waits for its end
    would wait for ever."""
    if not files.root.is_dir():
        if WorkspaceLayout(files.root.parents[1]).trashed(files.name).root.is_dir():
            raise WorkspaceError(
                f"run {files.name} is in the trash", remedy=f"Bring it back: workbench restore {files.name}"
            )
        raise WorkspaceError(
            f"the folder of {files.name} is gone: {files.root}",
            remedy=f"Bring it back from a copy. If the workspace was moved, go on there: workbench adopt {files.name}",
        )
    check_readable(files)
    if not has_journals(files) and not is_held(files):
        raise WorkspaceError(
            f"how run {files.name} is cannot be told: its journals are gone from {files.journals}",
            remedy=f"Bring them back from a copy, or end it as it stands: workbench close {files.name} --as failed",
        )


def check_readable(files: RunLayout) -> None:
    """Raise WorkspaceError if journals that may hold the run's state are there and cannot be read: it may be over."""
    unread = unread_journal(files)
    if unread is not None:
        raise WorkspaceError(f"how run {files.name} is cannot be told: {unread}", remedy=unread.remedy)


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


def _verdict(files: RunLayout) -> Verdict | None:
    if held_elsewhere(files) is not None:
        return None
    if files.script_lock.exists():
        return _verdict_on_script(files)
    has_plan = files.plan.exists()
    if supervisor_alive(files) or not (has_plan or _has_lost_control(files)):
        return None
    changes = state_changes(files)
    last = fold_states(changes)
    if last is None or last.state.final or last.state is RunState.NOT_RESPONDING or _lives_without_its_lock(files):
        return None
    seen = last_sign_of_life(files)
    if has_plan:
        pid = (read_json(files.supervisor_process) or {}).get("pid", "unknown")
        gone = f"its supervisor (PID {pid}) is gone"
    else:
        gone = f"what tells who holds it is gone: {files.control}"
    reason = f"{gone}; {last_sign(seen)}"
    return Verdict(last_generation(changes), RunState.NOT_RESPONDING, reason, ended=seen or None)


def _lives_without_its_lock(files: RunLayout) -> bool:
    """Whether the supervisor lives, and is about to see that a copy was put in the place of its lock."""
    told = read_json(files.supervisor_process) or {}
    here = told.get("boot") == boot_id() and told.get("folder") == folder_id(files.control)
    return here and isinstance(told.get("pid"), int) and process_alive(told["pid"], told.get("start"))


def _has_lost_control(files: RunLayout) -> bool:
    """Whether it is a run of this program of which what tells who holds it was removed, and nobody records for it."""
    return files.identity.exists() and not is_recorded(files)


def is_recorded(files: RunLayout) -> bool:
    """Whether anybody records for the run: its supervisor or script and their processes hold their journals."""
    return not all(FileLock.is_free(journal) for journal in files.journals.glob("*.wbj"))


def _verdict_on_script(files: RunLayout) -> Verdict | None:
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
        lost, torn = whole(word.get("lost")), whole(word.get("torn"))
        reason, ended, seconds = last_reason(word), word.get("ended"), word.get("seconds")
        found = Verdict(generation, state, reason, ended, seconds, lost, torn, lacks=lacking(word))
    else:
        seen = last_sign_of_life(files)
        found = Verdict(generation, RunState.FAILED, ended_without_closing(seen), seen or None)
    return _with_notes(found, left_behind(files))


def _with_notes(found: Verdict, notes: list[Path]) -> Verdict:
    """With what processes of the script left that they could not record."""
    lost = all_told(notes)
    parts = (in_words(lost), LOST_UNTOLD if some_untold(notes) else None)
    return found._replace(
        reason="; ".join(part for part in (found.reason, *parts) if part) or None,
        lacks="; ".join(part for part in (found.lacks, *parts) if part) or None,
        lost=found.lost + lost.points,
        torn=found.torn + lost.torn,
        notes=tuple(notes),
    )
