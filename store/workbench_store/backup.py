"""A copy of the workspace that is whole and consistent, made while runs go on.

Journals only grow and files are put in their place whole, so copying them in the right order is enough: what refers to
something is copied before what it refers to. The store is no part of a copy: it is made again from the journals.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from workbench_store.blobs import cloned
from workbench_store.content_lock import adding_content
from workbench_store.errors import StoreBusy, UsageError, WorkspaceError
from workbench_store.journal.packed import SUFFIX
from workbench_store.layout import WORKSPACE_DIR, WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.rebuild import rebuild
from workbench_store.workspace import workspace_id

#: In this order. Journals name artifacts, plans name snapshots, manifests name blobs.
_PARTS = ("journal", "runs", "trash", "snapshots", "blobs", "datastores", "computes")
_FILES = ("workspace.json", ".gitignore", "README.md")
#: So long it waits for who tidies, or for another backup.
_WAIT_SECONDS = 60.0
#: What is of this moment alone. The locks by which a run's end is judged come along: in a copy nobody holds them.
_LEFT_OUT = frozenset({"sampler.lock", "heartbeat"})


class Copied(Struct, frozen=True):
    """What a backup did: files in it, how many of them were copied now, and the bytes of these."""

    target: Path
    files: int
    copied: int
    bytes: int


def back_up(layout: WorkspaceLayout, target: Path) -> Copied:
    """Copy the workspace into `target`/.workbench, or bring an earlier copy of it there up to date.

    Runs that are no longer in the workspace stay in the copy. Raises UsageError for a place inside the workspace or one
    that holds something else, StoreBusy while journals are being compressed or another
    backup is made, and WorkspaceError where something cannot
    be copied.
    """
    copy = WorkspaceLayout(target.resolve() / WORKSPACE_DIR)
    _check(layout, copy)
    files = copied = size = 0
    unlike: list[Path] = []
    try:
        copy.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with adding_content(layout), _journals_at_rest(layout):
            for source, place in _pairs(layout, copy):
                files += 1
                if _is_same(source, place):
                    continue
                if source.suffix == SUFFIX and not _goes_on(source, place):
                    unlike.append(source)
                    continue
                size += _copy(source, place)
                copied += 1
            _follow_moves(layout, copy)
        rebuild(copy, losing=True)  # what onlookers judged of the copy
    except OSError as error:
        raise WorkspaceError(
            f"the backup in {copy.root} is not whole: {error.strerror or error} ({error.filename})",
            remedy="Mend that, and run it again: it goes on where it stopped.",
        ) from error
    if unlike:
        raise WorkspaceError(
            f"the copy in {copy.root} has {unlike[0]} otherwise than the workspace, where it was damaged or cut short"
            + (f"; so it has {len(unlike) - 1} more" if len(unlike) > 1 else ""),
            remedy="The copy keeps its own, and all else is copied. Bring the journal back from there.",
        )
    return Copied(copy.root, files, copied, size)


@contextmanager
def _journals_at_rest(layout: WorkspaceLayout) -> Iterator[None]:
    """No journal is put in the place of another meanwhile; runs go on."""
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
    is_new = not copy.root.exists() or not any(copy.root.iterdir())
    if not is_new and (not copy.identity.exists() or workspace_id(copy) != workspace_id(layout)):
        raise UsageError(f"{copy.root} is no copy of this workspace", remedy="Name a new folder.")


def _pairs(layout: WorkspaceLayout, copy: WorkspaceLayout) -> Iterator[tuple[Path, Path]]:
    """Each file of the workspace and its place in the copy, in an order in which nothing is missed."""
    for name in _FILES:
        if (layout.root / name).exists():
            yield layout.root / name, copy.root / name
    for part in _PARTS:
        for source in _files(layout.root / part):
            yield source, copy.root / source.relative_to(layout.root)


def _files(folder: Path) -> Iterator[Path]:
    """Files and links, journals after the others: a journal then tells of nothing that was not there to be copied."""
    late = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.endswith(".new"))
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in [*names, *links]:
            path = Path(place, name)
            if name in _LEFT_OUT or name.endswith(".new") or not (path.is_file() or path.is_symlink()):
                continue
            if path.parent.name == "journal":
                late.append(path)
            else:
                yield path
    yield from late


def _is_same(source: Path, place: Path) -> bool:
    try:
        ours, theirs = source.lstat(), place.lstat()
    except OSError:
        return False
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def _goes_on(source: Path, place: Path) -> bool:
    """Whether a journal is what its copy is, and more: nothing is ever written to but the end of one."""
    if not place.exists():
        return True
    with suppress(FileNotFoundError), source.open("rb") as ours, place.open("rb") as theirs:
        while part := theirs.read(1024 * 1024):
            if ours.read(len(part)) != part:
                return False
    return True


def _copy(source: Path, place: Path) -> int:
    """Copy one file to a temporary name and rename it; its bytes. One that is gone by now is none."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = place.with_name(f"{place.name}.new")
    try:
        if source.is_symlink():
            draft.unlink(missing_ok=True)
            os.symlink(os.readlink(source), draft)
        else:
            with source.open("rb") as original, draft.open("wb") as new:
                if not cloned(original, new):
                    shutil.copyfileobj(original, new, 1024 * 1024)
            shutil.copystat(source, draft)
        draft.replace(place)
        return place.lstat().st_size
    except FileNotFoundError:
        if source.exists():
            raise
        draft.unlink(missing_ok=True)
        return 0


def _follow_moves(layout: WorkspaceLayout, copy: WorkspaceLayout) -> None:
    """Remove from the copy what it has twice, since it was moved (runs in or out of the trash, packed journals), and
    what onlookers have judged of runs in the copy."""
    for here, there in ((layout.runs, layout.trash), (layout.trash, layout.runs)):
        for folder in (copy.root / here.name).glob("*"):
            if not (here / folder.name).exists() and (there / folder.name).exists():
                shutil.rmtree(folder)
    # That a run of the copy has no holder was written there, not here, where it may have gone on.
    for judged in copy.root.glob("runs/*/journal/judge-*"):
        if judged.parent.is_dir() and not (layout.root / judged.relative_to(copy.root)).exists():
            judged.unlink()
    for packed in copy.root.glob("runs/*/journal/*.gz"):
        packed.with_suffix("").unlink(missing_ok=True)
