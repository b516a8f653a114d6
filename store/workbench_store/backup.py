"""A copy of the workspace that is whole and consistent, made while runs go on.

Journals only grow and files are put in their place whole, so copying them in the right order is enough: what refers to
something is copied before what it refers to. The store is no part of a copy: it is made again from the journals.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from workbench_store.blobs import cloned
from workbench_store.content_lock import adding_content
from workbench_store.errors import StoreBusy, UsageError, WorkspaceError
from workbench_store.journal.packed import SUFFIX
from workbench_store.layout import WORKSPACE_DIR, RunLayout, WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.rebuild import Held, held, losses, rebuild
from workbench_store.workspace import workspace_id

#: In this order, after the journals and files of runs: plans name snapshots, manifests name blobs.
_AFTER_RUNS = ("snapshots", "blobs", "datastores", "computes")
_FILES = ("workspace.json", ".gitignore", "README.md")
#: So long it waits for who tidies, or for another backup.
_WAIT_SECONDS = 60.0
#: What in a run's folder of control is of this moment alone. The locks by which a run's end is judged come along: in a
#: copy nobody holds them.
_OF_THIS_MOMENT = frozenset({"sampler.lock", "heartbeat"})
_DRAFT = ".new"


class Copied(Struct, frozen=True):
    """What a backup did: files in it, how many of them were copied now, and the bytes of these."""

    target: Path
    files: int
    copied: int
    bytes: int


def back_up(layout: WorkspaceLayout, target: Path) -> Copied:
    """Copy the workspace into `target`/.workbench, or bring an earlier copy of it there up to date.

    Runs that are no longer in the workspace stay in the copy. Raises UsageError for a place inside the workspace or one
    that holds something else, StoreBusy while journals are being compressed or another backup is made, and
    WorkspaceError where something cannot be copied, or where the workspace has lost what the copy or the store has:
    all else is copied then.
    """
    copy = WorkspaceLayout(target.resolve() / WORKSPACE_DIR)
    _check(layout, copy)
    had = held(layout)
    files = copied = size = 0
    unlike: list[Path] = []
    others = _namesakes(layout, copy)
    try:
        copy.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy.tmp.mkdir(mode=0o700, exist_ok=True)
        with adding_content(layout), _journals_at_rest(layout):
            for source in _sources(layout, others):
                place = copy.root / source.relative_to(layout.root)
                files += 1
                if _is_same(source, place):
                    continue
                if source.suffix == SUFFIX and not _goes_on(source, place):
                    unlike.append(source)
                    continue
                size += _copy(source, place, copy.tmp)
                copied += 1
            _follow_moves(layout, copy, others)
        rebuild(copy, losing=True)  # what onlookers judged of the copy
    except OSError as error:
        raise WorkspaceError(
            f"the backup in {copy.root} is not whole: {error.strerror or error} ({error.filename})",
            remedy="Mend that, and run it again: it goes on where it stopped.",
        ) from error
    _tell_of_losses(layout, copy, others, unlike, had)
    return Copied(copy.root, files, copied, size)


def _tell_of_losses(
    layout: WorkspaceLayout, copy: WorkspaceLayout, others: frozenset[str], unlike: list[Path], had: dict[str, Held]
) -> None:
    """Raises WorkspaceError for what the copy could not be brought up to."""
    if others:
        raise WorkspaceError(
            f"the copy in {copy.root} has another run named {_listed(sorted(others))}, which was removed here; "
            "it keeps that one, and all else is copied",
            remedy="To copy the new one as well, back up into a new folder.",
        )
    if unlike:
        raise WorkspaceError(
            f"the copy in {copy.root} has {_listed([str(path) for path in unlike])} otherwise than the workspace, "
            "where it was damaged or cut short",
            remedy="The copy keeps its own, and all else is copied. Bring the journal back from there.",
        )
    known = held(layout).keys()  # what was removed meanwhile is no loss
    lost = losses({run: one for run, one in had.items() if run in known}, held(copy))
    if lost:
        raise WorkspaceError(
            f"all is copied, but journals have lost what {layout.store} still has, so the copy has less: "
            f"{_listed([f'{run} ({what})' for run, what in lost.items()])}",
            remedy="Keep the workspace as it is. `workbench verify` names the journals: bring them back from a copy.",
        )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


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
    is_new = not copy.root.exists() or all(path == copy.tmp for path in copy.root.iterdir())
    if not is_new and (not copy.identity.exists() or workspace_id(copy) != workspace_id(layout)):
        raise UsageError(f"{copy.root} is no copy of this workspace", remedy="Name a new folder.")


def _namesakes(layout: WorkspaceLayout, copy: WorkspaceLayout) -> frozenset[str]:
    """The runs of which the copy has another one of the same name: that was removed here for good."""
    return frozenset(
        name
        for name, folder in _run_folders(layout).items()
        for theirs in (copy.run(name), copy.trashed(name))
        if _ids_differ(RunLayout(folder), theirs)
    )


def _ids_differ(ours: RunLayout, theirs: RunLayout) -> bool:
    try:
        one, other = (json.loads(files.identity.read_bytes())["id"] for files in (ours, theirs))
    except (OSError, ValueError, KeyError, TypeError):
        return False  # one that says not what it is may be the same
    return bool(one != other)


def _run_folders(layout: WorkspaceLayout) -> dict[str, Path]:
    """The folder of each run, in the workspace or in the trash. Looked for twice where they come back to: a run that
    moves meanwhile is found."""
    found: dict[str, Path] = {}
    for folder in (layout.runs, layout.trash, layout.runs):
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            found.update(
                (entry.name, Path(entry.path))
                for entry in entries
                if entry.is_dir(follow_symlinks=False)
                and not (entry.name.startswith(".") and entry.name.endswith(_DRAFT))
            )
    return found


def _sources(layout: WorkspaceLayout, others: frozenset[str]) -> Iterator[Path]:
    """Each file of the workspace, in an order in which nothing is missed."""
    for name in _FILES:
        if (layout.root / name).exists():
            yield layout.root / name
    yield from _files(layout.root / "journal", _is_draft)
    yield from _files_of_runs(layout, others)
    for part in _AFTER_RUNS:
        yield from _files(layout.root / part, _is_draft)


def _files_of_runs(layout: WorkspaceLayout, others: frozenset[str]) -> Iterator[Path]:
    """The files of every run; those of one that is removed or brought back meanwhile again, where it is then."""
    gone_through: dict[str, Path] = {}
    names = frozenset(_run_folders(layout)) - others
    while True:
        folders = {name: folder for name, folder in _run_folders(layout).items() if name in names}
        ahead = [name for name, folder in folders.items() if gone_through.get(name) != folder]
        if not ahead:
            return
        for name in sorted(ahead):
            gone_through[name] = folders[name]
            yield from _files(folders[name], _is_of_this_moment)


def _is_draft(below: Path) -> bool:
    return below.name.endswith(_DRAFT)


def _is_of_this_moment(below: Path) -> bool:
    """Of a run only what is Workbench's own: all else is the user's, whatever it is called."""
    return below.parts[0] == "control" and (below.name in _OF_THIS_MOMENT or _is_draft(below))


def _files(root: Path, left_out: Callable[[Path], bool]) -> Iterator[Path]:
    """Files and links, journals after the others: a journal then tells of nothing that was not there to be copied."""
    late = []
    for place, folders, names in os.walk(root):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in [*names, *links]:
            path = Path(place, name)
            if left_out(path.relative_to(root)) or not (path.is_file() or path.is_symlink()):
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


def _copy(source: Path, place: Path, tmp: Path) -> int:
    """Copy one file to a name in `tmp` and rename it; its bytes. One that is gone by now is none."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = tmp / "backup.new"
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
        return 0
    finally:
        draft.unlink(missing_ok=True)


def _follow_moves(layout: WorkspaceLayout, copy: WorkspaceLayout, others: frozenset[str]) -> None:
    """Remove from the copy what it has twice, since it was moved (runs in or out of the trash, packed journals), and
    what onlookers have judged of runs in the copy."""
    for here, there in ((layout.runs, layout.trash), (layout.trash, layout.runs)):
        for folder in (copy.root / here.name).glob("*"):
            is_moved = not (here / folder.name).exists() and (there / folder.name).exists()
            if is_moved and folder.name not in others and (copy.root / there.name / folder.name).exists():
                shutil.rmtree(folder)
    # That a run of the copy has no holder was written there, not here, where it may have gone on.
    for judged in copy.root.glob("runs/*/journal/judge-*"):
        if judged.parent.is_dir() and not (layout.root / judged.relative_to(copy.root)).exists():
            judged.unlink()
    for packed in copy.root.glob("runs/*/journal/*.gz"):
        packed.with_suffix("").unlink(missing_ok=True)
