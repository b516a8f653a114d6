"""What Workbench wrote outside of workspaces, all of it in the user's cache folder, and removing that.

Workspaces are only named: nothing in them is ever touched here.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from workbench_store.cache_root import TAG_NAME, cache_root, is_ours
from workbench_store.disk_use import bytes_on_disk
from workbench_store.errors import RunError, WorkspaceError
from workbench_store.locks import FileLock

from workbench.environment.shelf import in_use, places

#: Everything that any part of Workbench keeps in the cache folder, by name, and what it is. Whatever else is there is
#: not ours, and stays.
KINDS = {
    "environments": "environments of jobs",
    "uv": "uv's cache of packages",
    "data": "data that was fetched",
    "python": "Pythons that were downloaded",
    "slots": "the queues of local compute",
    "interpreters.json": "which Pythons there are",
    "workspaces": "where the workspaces are",
    "scripts": "which runs scripts have open",
    TAG_NAME: "says that the folder is a cache",
}


class CachePart(Struct, frozen=True):
    """A file or folder at the top of the cache. `what` is None for what is not ours. size: bytes of the disk."""

    path: Path
    what: str | None
    size: int


def cache_parts() -> list[CachePart]:
    """What is in the cache folder, in the order of KINDS, then what is not ours; nothing where there is no folder.

    Raises WorkspaceError when the folder cannot be read.
    """
    root = cache_root()
    try:
        names = sorted(os.listdir(root))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise WorkspaceError(f"the cache folder {root} cannot be read: {error.strerror}") from error
    order = [name for name in KINDS if name in names] + [name for name in names if name not in KINDS]
    return [CachePart(root / name, KINDS.get(name), bytes_on_disk(root / name)) for name in order]


def _files(path: Path) -> Iterator[str]:
    if path.is_symlink() or not path.is_dir():
        yield str(path)
        return
    for place, _, names in os.walk(path):
        yield from (os.path.join(place, name) for name in names)


def refuse_if_not_ours(names: Iterable[str] = tuple(KINDS)) -> None:
    """Raise WorkspaceError where the cache folder was not made for Workbench, so that its parts may be the user's.
    `names`: of those that were to be removed."""
    root = cache_root()
    if not is_ours(root):
        raise WorkspaceError(
            f"WORKBENCH_CACHE is {root}, and that folder was not made by Workbench: it has no {TAG_NAME} of ours",
            remedy=f"Look at it and remove what is Workbench's yourself: {', '.join(names)}.",
        )


def refuse_if_busy() -> None:
    """Raise RunError while a run of this machine uses the cache."""
    busy = [str(place) for place in places() if in_use(place)]
    busy += [str(path) for path in (cache_root() / "slots").glob("*/*/slot-*") if not FileLock.is_free(path)]
    if busy:
        raise RunError(
            f"runs are going on that use the cache: {busy[0]} is in use",
            remedy="Wait for them or cancel them (`workbench ls` in each workspace), then try again.",
        )


def remove_cache() -> list[Path]:
    """Remove what is ours of the cache folder, and the folder if that leaves it empty; what could not be removed.

    The tag goes last, and only when nothing else of ours is left: it is what says that the rest may be removed, so a
    removal that was cut short can be done again. A cache folder that is a link stays, as whoever made the link may need
    it, and so does the folder that it leads to.

    Raises WorkspaceError and RunError as the two refusals above, and then nothing has been removed.
    """
    refuse_if_not_ours()
    refuse_if_busy()
    root, tag = cache_root(), cache_root() / TAG_NAME
    for path in _ours():
        if path != tag:
            _remove(path)
    if _ours() == [tag]:
        _remove(tag)
    return _ours() or _remove_empty(root)


def _ours() -> list[Path]:
    return [part.path for part in cache_parts() if part.what is not None]


def _remove(path: Path) -> None:
    """Remove a file, a link or a folder with all in it; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, onerror=_unlocked)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _remove_empty(root: Path) -> list[Path]:
    """Remove the cache folder if it is a folder and empty; it, if that cannot be done."""
    if root.is_symlink() or not root.is_dir() or any(root.iterdir()):
        return []
    try:
        root.rmdir()
    except OSError:
        return [root]
    return []


def _unlocked(remove: Callable[[str], object], path: str, _error: object) -> None:
    """Once more, with the permission that was missing; what cannot be removed even so stays and is told."""
    try:
        os.chmod(os.path.dirname(path), stat.S_IRWXU)
        if os.path.isdir(path) and not os.path.islink(path):
            os.chmod(path, stat.S_IRWXU)
            shutil.rmtree(path, ignore_errors=True)
        else:
            remove(path)
    except OSError:
        return
