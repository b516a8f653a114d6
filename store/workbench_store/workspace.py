"""Finding, making and opening a workspace. (Python 3.8: a training script does it too.)

A workspace is a folder `.workbench/`, found like `.git` from the current folder upward, but not at or above the home
folder's parent, nor across file systems, and from a git worktree in its main checkout; or named by `--workspace` or
`WORKBENCH_WORKSPACE`. It is made on first use.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from workbench_store.errors import UsageError, WorkspaceError
from workbench_store.faults import fault
from workbench_store.known import remember
from workbench_store.layout import FORMAT_VERSION, WORKSPACE_DIR, WorkspaceLayout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Mapping, Optional, Union

    PathText = Union[str, os.PathLike[str]]

VARIABLE = "WORKBENCH_WORKSPACE"
_README = """This folder is a Workbench workspace. It holds everything that was recorded here:

  runs/           a folder for each run: its journals (the record), logs, outputs and control files
  journal/        edits: tags, notes, computes, datastores, data assets, models
  caches          the cache folders it was used with
  datastores/     the datastores workspaceblobstore and workspaceartifactstore
  blobs/          the content of snapshots, each file once
  snapshots/      what each snapshot consists of
  store.duckdb    the database; made again from the journals by `workbench doctor --rebuild`
  staging/        temporary storage of runs that are going on
  client/         copies of what training scripts import
  stat-cache/     hashes of files seen before; may be deleted
  tmp/            may be deleted while nothing runs

Copying the folder copies everything. `git clean -x` deletes it: use `git clean -x -e .workbench`.
"""
_RENEW = "Restore it from a copy, or let `workbench doctor --fix` write it anew; the runs stay as they are."
_FOLDERS = ("runs", "journal", "blobs", "snapshots", "staging", "tmp", "stat-cache", "client")


def find_workspace(
    start: Optional[PathText] = None,
    explicit: Optional[PathText] = None,
    environ: Optional[Mapping[str, str]] = None,
) -> Optional[Path]:
    """The `.workbench` folder in use, or None if there is none yet. Writes nothing.

    Raises WorkspaceError where it is a link that leads nowhere: it is not passed over for one above.
    """
    named = _named(explicit, environ)
    if named is not None:
        return named if _is_there(named) else None
    begin = Path(start) if start is not None else _here()
    for folder in _upward(begin):
        if _is_there(folder / WORKSPACE_DIR):
            return folder / WORKSPACE_DIR
    place = _place_for_new(begin)  # a git worktree's is beside it, in the main checkout
    return place if _is_there(place) else None


def _is_there(place: Path) -> bool:
    if place.is_dir():
        return True
    if place.is_symlink():
        raise WorkspaceError(
            f"{place} is a link to {os.readlink(str(place))}, which is not there",
            remedy="Bring that back (is its disk mounted?), or remove the link.",
        )
    return False


def layout_at_hand(explicit: Optional[PathText] = None) -> Optional[WorkspaceLayout]:
    """The workspace in use, not opened; None if there is none yet. Writes nothing."""
    found = find_workspace(explicit=explicit)
    return None if found is None else WorkspaceLayout(found)


def open_workspace(
    start: Optional[PathText] = None,
    explicit: Optional[PathText] = None,
    create: bool = True,
    announce: Optional[Callable[[str], None]] = None,
) -> WorkspaceLayout:
    """The workspace in use, made if there is none and `create` says so; `announce` is told the path of a new one.

    `create` says that it is opened for writing, so the user's cache folder notes where it is.

    Raises WorkspaceError when there is none, when it belongs to another user, is of a newer format, or cannot be
    made.
    """
    found = find_workspace(start, explicit)
    if found is None:
        place = place_for_new(start, explicit)
        if not create:
            named = _named(explicit, None)
            raise WorkspaceError(
                f"there is no workspace at {place}" if named else "there is no workspace here or above",
                remedy="One is made by the first `workbench run`; or name one with --workspace or WORKBENCH_WORKSPACE.",
            )
        if _make(place) and announce is not None:
            announce(f"made the workspace {place}")
        found = place
    layout = WorkspaceLayout(found)
    identity = _check(layout)
    if create:
        remember(layout.root, identity)
    return layout


def place_for_new(start: Optional[PathText] = None, explicit: Optional[PathText] = None) -> Path:
    """Where a workspace is made if there is none."""
    return _named(explicit, None) or _place_for_new(Path(start) if start is not None else _here())


def workspace_id(layout: WorkspaceLayout) -> str:
    """The workspace's own id, which goes where it is copied."""
    return str(_identity(layout)["id"])


def _named(explicit: Optional[PathText], environ: Optional[Mapping[str, str]]) -> Optional[Path]:
    if explicit is not None and not isinstance(explicit, (str, os.PathLike)):
        raise UsageError("a workspace is named by its path, not {!r}".format(explicit))
    name = explicit or (os.environ if environ is None else environ).get(VARIABLE)
    if not name:
        return None
    path = Path(os.path.abspath(os.path.expanduser(str(name))))
    return path if path.name == WORKSPACE_DIR else path / WORKSPACE_DIR


def _upward(start: Path) -> "list[Path]":
    """`start` and the folders above it that may hold a workspace."""
    start = Path(os.path.abspath(str(start)))
    home = Path(os.path.expanduser("~"))
    device = _device(start)
    folders = []
    for folder in [start, *start.parents]:
        if _device(folder) != device or folder in home.parents or (folder == home and folder != start):
            break
        folders.append(folder)
    return folders or [start]


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise WorkspaceError("the current folder is not there any more", remedy="cd into one that is.") from None


def _device(folder: Path) -> int:
    try:
        return folder.stat().st_dev
    except OSError:
        return -1


def _place_for_new(start: Path) -> Path:
    for folder in _upward(start):
        mark = folder / ".git"
        if mark.is_dir():
            return folder / WORKSPACE_DIR
        if mark.is_file():
            return (_main_checkout(mark) or folder) / WORKSPACE_DIR
    return Path(os.path.abspath(str(start))) / WORKSPACE_DIR


def _main_checkout(mark: Path) -> Optional[Path]:
    """The main checkout of a worktree, whose `.git` file names a folder below the main one's `.git/worktrees`."""
    try:
        text = mark.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return None
    if not text.startswith("gitdir:"):
        return None
    git = Path(os.path.abspath(os.path.join(str(mark.parent), text[len("gitdir:") :].strip())))
    if os.path.isdir(str(git)) and git.parent.name == "worktrees" and git.parent.parent.name == ".git":
        return git.parent.parent.parent
    return None


def _make(place: Path) -> bool:
    """Make the workspace whole under another name and rename it, so that none is ever seen half made; whether it was
    this process that made it."""
    if place.exists() and not place.is_dir():
        raise WorkspaceError(f"{place} is in the way: it is not a folder", remedy="Move it, or name another workspace.")
    draft = place.with_name(f"{place.name}-{os.urandom(6).hex()}.new")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir(mode=0o700)
        layout = WorkspaceLayout(draft)
        for name in _FOLDERS:
            (draft / name).mkdir(mode=0o700)
        _write_identity(layout.identity)
        layout.gitignore.write_text("*\n")
        layout.readme.write_text(_README)
    except OSError as error:
        _remove(draft)
        raise WorkspaceError(
            f"cannot make a workspace at {place}: {error.strerror or error}",
            remedy="Name a folder that you may write with --workspace or WORKBENCH_WORKSPACE.",
        ) from error
    fault("workspace.drafted")
    try:
        os.rename(str(draft), str(place))
    except OSError as error:
        # Another process was first: its workspace is not empty, so ours could not take its place.
        _remove(draft)
        if not place.is_dir():
            raise WorkspaceError(f"cannot make a workspace at {place}: {error.strerror or error}") from error
        return False
    return True


def _write_identity(file: Path) -> None:
    identity = {"id": os.urandom(16).hex(), "format": FORMAT_VERSION, "created": time.time()}
    file.write_text(json.dumps(identity) + "\n")


def renew_identity(start: Optional[PathText] = None, explicit: Optional[PathText] = None) -> Optional[Path]:
    """Write `workspace.json` anew where runs are and it is gone or damaged, under another id; a damaged one is kept
    beside it. The path that was written; None if there was nothing to do. Raises WorkspaceError.
    """
    found = find_workspace(start, explicit)
    if found is None or not _has_runs(found):
        return None
    layout = WorkspaceLayout(found)
    _check_owner(layout)
    file = layout.identity
    try:
        _identity(layout)
        return None
    except WorkspaceError as error:
        if isinstance(error.__cause__, PermissionError):
            raise
    draft = file.with_name(".{}.{}".format(file.name, os.getpid()))
    try:
        _write_identity(draft)
        if os.path.lexists(str(file)):
            os.rename(str(file), "{}.damaged-{}".format(file, os.urandom(3).hex()))
        os.replace(str(draft), str(file))
    except OSError as error:
        raise WorkspaceError(f"cannot write {file}: {error.strerror or error}") from error
    return file


def _has_runs(root: Path) -> bool:
    """Whether what is there was a workspace once, whatever became of `workspace.json`."""
    return os.path.isdir(str(root / "runs")) and os.path.isdir(str(root / "blobs"))


def _remove(draft: Path) -> None:
    import shutil

    shutil.rmtree(str(draft), ignore_errors=True)


def _identity(layout: WorkspaceLayout) -> "dict[str, object]":
    try:
        data = json.loads(layout.identity.read_text())
    except FileNotFoundError:
        if _has_runs(layout.root):
            raise WorkspaceError(f"{layout.root} has lost its {layout.identity.name}", remedy=_RENEW) from None
        raise WorkspaceError(
            f"{layout.root} is not a workspace: it has no {layout.identity.name}",
            remedy="Move it out of the way, or name another workspace with --workspace.",
        ) from None
    except PermissionError as error:
        raise WorkspaceError(f"you may not read {layout.root}", remedy="Use a workspace of your own.") from error
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"cannot read {layout.identity}: {error}", remedy=_RENEW) from error
    if not isinstance(data, dict) or "id" not in data:
        raise WorkspaceError(f"{layout.identity} does not say what workspace this is", remedy=_RENEW)
    return data


def _check_owner(layout: WorkspaceLayout) -> None:
    try:
        owner = layout.root.stat().st_uid
    except OSError as error:
        raise WorkspaceError(f"cannot open {layout.root}: {error.strerror or error}") from error
    me = getattr(os, "geteuid", lambda: owner)()
    if owner != me:
        raise WorkspaceError(
            f"{layout.root} belongs to another user (id {owner})",
            remedy="A workspace belongs to one user: name one of your own with --workspace or WORKBENCH_WORKSPACE.",
        )


def _check(layout: WorkspaceLayout) -> str:
    """The workspace's id. Raises WorkspaceError for one that this user or this version must leave alone."""
    _check_owner(layout)
    identity = _identity(layout)
    found = identity.get("format", 0)
    if not isinstance(found, int) or found > FORMAT_VERSION:
        raise WorkspaceError(
            f"{layout.root} has format {found}, and this version knows only up to {FORMAT_VERSION}",
            remedy="Upgrade Workbench. Nothing was changed.",
        )
    return str(identity["id"])
