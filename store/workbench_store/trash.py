"""The trash: a removed run's folder lies there whole until it is brought back or removed for good.

A run is what its folder is: one rename takes it out of the workspace, and one brings it back. Killed anywhere, or on a
full disk, the folder is in one place or the other, and the database follows.
"""

import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from workbench_store.absence import is_bare, no_run
from workbench_store.apart import run_on_disk, runs_in_trash
from workbench_store.content_lock import adding_content
from workbench_store.disk_use import bytes_on_disk
from workbench_store.errors import NotFound, RunError, WorkbenchError, WorkspaceError
from workbench_store.faults import fault
from workbench_store.forget import forget_runs
from workbench_store.holding import alone
from workbench_store.layout import RunLayout, WorkspaceLayout, may_name_a_run
from workbench_store.records import RunQuery, RunRow
from workbench_store.states import RunState
from workbench_store.store import Store

#: So long others may look whether somebody holds a run, or save the last of its outputs.
_HELD_SECONDS = 5.0


class Removed(Struct, frozen=True):
    """A run in the trash: since when (UTC epoch seconds), its state and experiment, and the bytes of its files."""

    name: str
    removed: float
    state: str
    experiment: str
    size: int


def put_in_trash(layout: WorkspaceLayout, names: Sequence[str]) -> str | None:
    """Move these runs, which are over, to the trash, where some may lie already.

    Returns why the database has them still (it is busy, its disk is full), None if it has not: the next reader that can
    write takes them out of it. Raises NotFound for a run that is not there, RunError for one that somebody holds (it
    was resumed, or its outputs are being saved), and WorkspaceError for one that cannot be moved; those before it are
    moved.
    """
    store = Store(layout)
    store.refresh()
    known = {row.name: row for row in store.runs(RunQuery(names=tuple(names))).rows}
    moved = []
    try:
        for name in names:
            facts = {**_told_of(layout, known, name), "removed": time.time()}
            with alone(layout.run(name), _HELD_SECONDS):
                _move_in(layout, name, facts)
            moved.append(name)
    finally:
        blocked = _forget(layout, moved)
    return blocked


def _told_of(layout: WorkspaceLayout, known: Mapping[str, RunRow], name: str) -> dict[str, Any]:
    if name not in known and is_bare(layout, name):
        return {"name": name, "state": str(RunState.UNKNOWN), "experiment": ""}
    row = known.get(name) or run_on_disk(layout, name)
    return {"name": name, "state": str(row.state), "experiment": row.experiment}


def _forget(layout: WorkspaceLayout, moved: Sequence[str]) -> str | None:
    """Take them out of the database; why that cannot be."""
    try:
        forget_runs(layout, moved)
    except WorkspaceError as error:
        return error.message
    return None


def _move_in(layout: WorkspaceLayout, name: str, facts: dict[str, Any]) -> None:
    files, target = layout.run(name), layout.trashed(name)
    try:
        layout.trash.mkdir(mode=0o700, exist_ok=True)
        with suppress(OSError):  # on a full disk the note is missing: what is in the trash can be told without
            _note(files, facts)
        os.rename(files.root, target.root)
        fault("trash.moved")
    except OSError as error:
        if not os.path.lexists(files.root):  # it was moved before, and the database has not heard of it
            if os.path.isdir(target.root):
                return
            raise no_run(layout, name) from error
        raise WorkspaceError(
            f"run {name} cannot be moved to {layout.trash}: {error.strerror or error}",
            remedy="Check that the workspace can be written. The run is where it was.",
        ) from error


def _note(files: RunLayout, facts: dict[str, Any]) -> None:
    draft = files.removal.with_name(f"{files.removal.name}.new")
    try:
        draft.parent.mkdir(exist_ok=True)
        draft.write_text(json.dumps(facts), encoding="utf-8")
        draft.replace(files.removal)
    finally:
        draft.unlink(missing_ok=True)


def in_trash(layout: WorkspaceLayout) -> list[Removed]:
    """The runs in the trash, those removed last first."""
    try:
        folders = {path.name: path for path in layout.trash.iterdir() if path.is_dir()}
    except OSError:
        return []
    facts = {name: _noted(layout, name) for name in folders}
    facts |= _note_late(layout, [name for name, noted in facts.items() if noted is None])
    found = [
        Removed(name, *(noted or (path.stat().st_ctime, str(RunState.UNKNOWN), "")), bytes_on_disk(path))
        for (name, path), noted in zip(folders.items(), facts.values(), strict=True)
    ]
    return sorted(found, key=lambda one: one.removed, reverse=True)


def _noted(layout: WorkspaceLayout, name: str) -> tuple[float, str, str] | None:
    """When it was removed, in what state and of which experiment; None where that is not noted."""
    try:
        facts = json.loads(layout.trashed(name).removal.read_text(encoding="utf-8"))
        removed, state, experiment = float(facts["removed"]), RunState(facts["state"]), facts["experiment"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (removed, str(state), experiment) if math.isfinite(removed) and isinstance(experiment, str) else None


def _note_late(layout: WorkspaceLayout, names: Sequence[str]) -> dict[str, tuple[float, str, str]]:
    """What is to be known of removed runs without a note, and a note for each now that there may be room. None of them
    goes on: of one that does by its journals that was killed nobody knows how it ended."""
    found: dict[str, tuple[float, str, str]] = {}
    rows: dict[str, RunRow] = {}
    with suppress(OSError, WorkbenchError):
        rows = runs_in_trash(layout, names) if names else {}
    for name, row in rows.items():
        files = layout.trashed(name)
        with suppress(OSError):
            state = str(row.state if row.state.final else RunState.UNKNOWN)
            # A rename changes this time alone: a run must not look as old in the trash as it is.
            found[name] = files.root.stat().st_ctime, state, row.experiment
            _note(files, {"name": name, "state": state, "experiment": row.experiment, "removed": found[name][0]})
    return found


def take_from_trash(layout: WorkspaceLayout, *names: str, tell: Callable[[str], object] = str) -> None:
    """Bring removed runs back; `tell` is given the name of each that is. Raises NotFound when one is not in the trash,
    RunError when its name is taken; those before it are back then."""
    for name in names:
        _take_out(layout, name)
        tell(name)
    Store(layout).refresh(only=names[0] if len(names) == 1 else None)


def _take_out(layout: WorkspaceLayout, name: str) -> None:
    files, target = layout.trashed(name), layout.run(name)
    if not may_name_a_run(name) or not os.path.isdir(files.root):
        raise NotFound(f"there is no run {name!r} in {layout.trash}", remedy="`workbench restore` lists what is there.")
    if os.path.lexists(target.root):
        raise RunError(f"there is another run {name} in {layout.root}", remedy="Remove that one first.")
    try:
        with adding_content(layout):  # whoever gives space back looks through the runs, then through the trash
            os.rename(files.root, target.root)
        target.removal.unlink(missing_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"run {name} cannot be brought back from {layout.trash}: {error.strerror or error}",
            remedy="Check that the workspace can be written. Nothing is lost.",
        ) from error
