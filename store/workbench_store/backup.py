"""A copy of the workspace that is whole and consistent, made while runs go on.

Journals only grow and files are put in their place whole, so copying them in the right order is enough: what refers to
something is copied before what it refers to. The store is no part of a copy: it is made again from the journals.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from workbench_store.backup_place import Unreadable, bring_along, goes_on, is_there, put
from workbench_store.backup_sources import run_folders, sources
from workbench_store.content_lock import adding_content
from workbench_store.errors import StoreBusy, UsageError, WorkspaceError
from workbench_store.forget import removed_runs
from workbench_store.journal.packed import PACKED_SUFFIX, sizes_of
from workbench_store.layout import WORKSPACE_DIR, RunLayout, WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.rebuild import Held, held, losses, rebuild
from workbench_store.words import listed
from workbench_store.workspace import workspace_id
from workbench_store.writing import may_write

#: So long it waits for who tidies, or for another backup.
_WAIT_SECONDS = 60.0


class Copied(Struct, frozen=True):
    """What a backup did: files in it, how many of them were copied now, and the bytes of these."""

    target: Path
    files: int
    copied: int
    bytes: int


class _Shortfall(NamedTuple):
    """What could not be brought up to the workspace: journals of which the copy has something else, what cannot be
    read, and runs of which the copy has another one of the name."""

    unlike: list[str]
    unread: list[str]
    others: frozenset[str]


def back_up(layout: WorkspaceLayout, target: Path) -> Copied:
    """Copy the workspace into `target`/.workbench, or into `target` that is one, or bring an earlier copy of it there
    up to date.

    Runs that are no longer in the workspace stay in the copy. Raises UsageError for a place inside the workspace or one
    that holds something else, StoreBusy while journals are being compressed or another backup is made, and
    WorkspaceError where the copy cannot be written, and, when all else is copied, for what cannot be read and for what
    the workspace has lost that the copy or the store has.
    """
    place = Path(os.path.realpath(target))
    copy = WorkspaceLayout(place if place.name == WORKSPACE_DIR else place / WORKSPACE_DIR)
    _check(layout, copy)
    had = held(layout)
    try:
        short = _Shortfall([], [], _namesakes(layout, copy))
        copy.tmp.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy.root.chmod(0o700)
        with adding_content(layout), _journals_at_rest(layout):
            _follow_moves(layout, copy, short.others)
            done = _copy_all(layout, copy, short)
            _follow_moves(layout, copy, short.others)  # those of meanwhile
            _leave_out_the_outdated(layout, copy)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise WorkspaceError(
            f"the backup in {copy.root} is not whole: {error.strerror or error}{where}",
            remedy="Mend that, and run it again: it goes on where it stopped.",
        ) from error
    try:
        rebuild(copy, losing=True)  # what onlookers judged of the copy
    except WorkspaceError as error:
        raise WorkspaceError(
            f"all is copied to {copy.root}, but its store cannot be made: {error.message}",
            remedy="Whoever reads the copy makes it, where there is room. " + (error.remedy or ""),
        ) from error
    _tell_of(short, layout, copy, had)
    return done


def _copy_all(layout: WorkspaceLayout, copy: WorkspaceLayout, short: _Shortfall) -> Copied:
    files = copied = size = 0
    for source in sources(
        layout, short.others, lambda error: short.unread.append(f"{error.filename}: {error.strerror}")
    ):
        place = copy.root / source.path.relative_to(layout.root)
        is_folder = source.kind == "folder"
        files += not is_folder
        if is_there(source, place):
            continue
        try:
            if source.is_journal and not goes_on(source.path, place):
                short.unlike.append(str(source.path))
                continue
            size += put(source, place, copy.tmp)
        except Unreadable as error:
            short.unread.append(str(error))
            continue
        copied += not is_folder
    return Copied(copy.root, files, copied, size)


def _tell_of(short: _Shortfall, layout: WorkspaceLayout, copy: WorkspaceLayout, had: dict[str, Held]) -> None:
    """Raises WorkspaceError for what the copy could not be brought up to; all of it in one."""
    # What was removed is no loss, though the store may not have heard of it.
    known = held(layout).keys() - set(removed_runs(layout))
    lost = losses({run: one for run, one in had.items() if run in known}, held(copy))
    told, remedies = [], []
    if short.unread:
        told.append(f"these cannot be read: {listed(short.unread)}")
        remedies.append("Make them readable, or remove them, and run it again.")
    if short.others:
        told.append(
            f"the copy has another run named {listed(sorted(short.others))}, which was removed here, and keeps it"
        )
        remedies.append("To copy the new one as well, back up into a new folder.")
    if short.unlike:
        told.append(f"the copy has these journals otherwise, and keeps its own: {listed(short.unlike)}")
        remedies.append("They were damaged or cut short: bring them back from the copy.")
    elif lost:
        runs = [f"{run} ({what})" for run, what in lost.items() if run not in short.others]
        if runs:
            told.append(f"journals have lost what {layout.store} still has, so the copy has less: {listed(runs)}")
            remedies.append(
                "Keep the workspace: `workbench verify` names the journals; bring them back from another copy."
            )
    if told:
        raise WorkspaceError(f"all else is copied to {copy.root}, but {'; '.join(told)}", remedy=" ".join(remedies))


@contextmanager
def _journals_at_rest(layout: WorkspaceLayout) -> Iterator[None]:
    """No journal is put in the place of another meanwhile; runs go on. Where nothing can be written nobody does."""
    if not may_write(layout):
        yield
        return
    with (
        _held(layout.backup_lock, "another backup is being made"),
        _held(layout.tidy_lock, "old journals are being compressed, which takes long"),
    ):
        yield


@contextmanager
def _held(path: Path, otherwise: str) -> Iterator[None]:
    lock = FileLock(path)
    if not lock.acquire(_WAIT_SECONDS):
        raise StoreBusy(otherwise, remedy="Try again when it is over.")
    try:
        yield
    finally:
        lock.release()


def _check(layout: WorkspaceLayout, copy: WorkspaceLayout) -> None:
    if copy.root.is_relative_to(layout.root.resolve()):
        raise UsageError(f"{copy.root} is the workspace itself, or in it", remedy="Name a folder elsewhere.")
    if any(place.exists() and not place.is_dir() for place in (copy.root.parent, copy.root)):
        raise UsageError(f"{copy.root.parent} is no folder that could hold a copy", remedy="Name a new folder.")
    is_new = not copy.root.exists() or all(path == copy.tmp for path in copy.root.iterdir())
    if not is_new and (not copy.identity.exists() or workspace_id(copy) != workspace_id(layout)):
        raise UsageError(f"{copy.root} is no copy of this workspace", remedy="Name a new folder.")


def _namesakes(layout: WorkspaceLayout, copy: WorkspaceLayout) -> frozenset[str]:
    """The runs of which the copy has another one of the same name: that was removed here for good."""
    return frozenset(
        name
        for name, folder in run_folders(layout).items()
        for theirs in (copy.run(name), copy.trashed(name))
        if _ids_differ(RunLayout(folder), theirs)
    )


def _ids_differ(ours: RunLayout, theirs: RunLayout) -> bool:
    try:
        one, other = (json.loads(files.identity.read_bytes())["id"] for files in (ours, theirs))
    except (OSError, ValueError, KeyError, TypeError):
        return False  # one that says not what it is may be the same
    return bool(one != other)


def _follow_moves(layout: WorkspaceLayout, copy: WorkspaceLayout, others: frozenset[str]) -> None:
    """Move in the copy what was moved here, into the trash or out of it, with all that only the copy has of it."""
    for here, there in ((layout.runs, layout.trash), (layout.trash, layout.runs)):
        for folder in [*(copy.root / here.name).glob("*")]:
            is_moved = not (here / folder.name).exists() and (there / folder.name).exists()
            if is_moved and folder.name not in others and not folder.is_symlink():
                bring_along(folder, copy.root / there.name / folder.name)


def _leave_out_the_outdated(layout: WorkspaceLayout, copy: WorkspaceLayout) -> None:
    """Remove from the copy what onlookers have judged of runs there, and the journals that it has packed as well."""
    # That a run of the copy has no holder was written there, not here, where it may have gone on.
    for judged in copy.root.glob("runs/*/journal/judge-*"):
        if judged.parent.is_dir() and not (layout.root / judged.relative_to(copy.root)).exists():
            judged.unlink()
    for place in ("runs", "trash"):
        for packed in copy.root.glob(f"{place}/*/journal/*{PACKED_SUFFIX}"):
            plain, whole = sizes_of(packed.with_suffix(""))
            if plain <= whole:
                packed.with_suffix("").unlink(missing_ok=True)
