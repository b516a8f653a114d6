"""Finishing what a run's end could not: saving outputs, and removing temporary storage that nobody needs any
more."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from workbench_store.absence import check_run
from workbench_store.drafts import content_drafts
from workbench_store.errors import DataError, RunError
from workbench_store.faults import fault
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.locks import FileLock

from workbench.lifecycle.history import last_generation, state_changes
from workbench.lifecycle.judge import check_readable, current_state, state_now, supervisor_alive
from workbench.lifecycle.plan import read_plan
from workbench.lifecycle.recorder import LateRecorder
from workbench.lifecycle.saving import release, save
from workbench.lifecycle.script_runs import is_script_run
from workbench.lifecycle.staging import remove_staging

_LOCK_SECONDS = 2.0
#: A folder of a submit that was killed is not touched before it is this old.
_ABANDONED_SECONDS = 3600.0


def collect(layout: WorkspaceLayout, name: str) -> None:
    """Save the outputs of a final run whose collection failed or was cut short, then remove its temporary
    storage.

    Done again, it does no harm. Raises NotFound for a run that does not exist, RunError for one that is not
    final or whose outputs still cannot be saved, WorkspaceError for one whose journals may not be read.
    """
    files = layout.run(name)
    check_run(layout, name)
    check_readable(files)
    state = state_now(files)
    if not state.final:
        raise RunError(f"run {name} is {state}: its outputs are saved when it ends")
    if is_script_run(files):
        return  # it saves into its own folder at once
    lock = FileLock(files.supervisor_lock)
    if not lock.acquire(timeout=_LOCK_SECONDS):
        raise RunError(f"the outputs of run {name} are being saved just now", remedy="Try again in a moment.")
    try:
        _collect_held(layout, files)
    finally:
        lock.release()


def _collect_held(layout: WorkspaceLayout, files: RunLayout) -> None:
    fault("collect.held")
    plan = read_plan(files)
    recorder = LateRecorder(files, "user", last_generation(state_changes(files)))
    late = not files.collected.exists()
    try:
        save(layout, plan, recorder)
        release(layout, plan, recorder)
        fault("collect.over")
        if late:
            recorder.warning(
                "the outputs were saved after the run's end, by workbench outputs --collect; its state stays"
            )
    except (OSError, DataError) as error:
        raise RunError(f"the outputs of run {files.name} cannot be saved: {error}") from error
    finally:
        recorder.close()


def sweep_leftovers(layout: WorkspaceLayout) -> list[str]:
    """Remove temporary storage of this workspace's runs that are final and collected; returns their names.

    Also what killed rebuilds left, and an hour later what killed submits and snapshots did. Nothing of a run that is
    alive, not collected or unknown here is touched.
    """
    swept = []
    for staged in sorted(layout.staging.iterdir()) if layout.staging.is_dir() else ():
        files = layout.run(staged.name)
        if files.collected.exists() and current_state(files).final and not supervisor_alive(files):
            try:
                remove_staging(layout, staged.name)
            except OSError:
                continue
            swept.append(staged.name)
    _sweep_submits(layout)
    _sweep_drafts(layout)
    sweep_rebuild(layout)
    return swept


def _sweep_drafts(layout: WorkspaceLayout) -> None:
    """What killed submits, snapshots, scripts and readers left half-written."""
    for draft in (*content_drafts(layout), *layout.tmp.glob(f"{layout.store_draft.name}*")):
        with suppress(OSError):
            if _is_abandoned(draft):
                draft.unlink()
    for folder in layout.tmp.glob(f"{layout.QUERIES}*"):
        with suppress(OSError):
            if _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
    # Half-made copies of the in-job client, and workspaces of which another process has made a whole one since.
    for draft in (*layout.client.glob("*.new"), *layout.root.parent.glob(_workspace_drafts(layout))):
        with suppress(OSError):
            if _is_abandoned(draft):
                shutil.rmtree(draft, ignore_errors=True)
    for folder in layout.runs.glob(".*.new"):  # runs that a script was killed while making
        with suppress(OSError):
            if _is_abandoned(folder) and FileLock.is_free(RunLayout(folder).script_lock):
                shutil.rmtree(folder, ignore_errors=True)


def _workspace_drafts(layout: WorkspaceLayout) -> str:
    """As workbench_store.workspace names them: beside a workspace other files are the user's."""
    return f"{layout.root.name}-{'[0-9a-f]' * 12}.new"


def _is_abandoned(draft: Path) -> bool:
    return time.time() - draft.stat().st_mtime > _ABANDONED_SECONDS


def abandoned_rebuild(layout: WorkspaceLayout) -> Path | None:
    """What a killed rebuild or verification left, which is as large as the store; None if there is none."""
    folder = layout.rebuilding().store.parent
    return folder if folder.exists() and FileLock.is_free(layout.rebuild_lock) else None


def sweep_rebuild(layout: WorkspaceLayout) -> None:
    """Remove that."""
    folder, turn = abandoned_rebuild(layout), FileLock(layout.rebuild_lock)
    if folder is not None and turn.try_acquire():
        shutil.rmtree(folder, ignore_errors=True)
        turn.release()


def _sweep_submits(layout: WorkspaceLayout) -> None:
    for folder in layout.tmp.glob("run-*") if layout.tmp.is_dir() else ():
        if _is_abandoned(folder) and FileLock.is_free(RunLayout(folder).supervisor_lock):
            shutil.rmtree(folder, ignore_errors=True)
