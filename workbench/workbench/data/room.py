"""Room in the cache: a limit on all of it, and what was used least recently goes first, never what a run uses."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from workbench_store.errors import DataError
from workbench_store.layout import RunLayout
from workbench_store.locks import FileLock
from workbench_store.processes import process_alive

from workbench.client.json_files import read_json
from workbench.data.cache import DataCache, remove_tree
from workbench.data.limit import VARIABLE, data_limit, size_text

#: So much of the disk is left to others, in bytes.
_SPARE_BYTES = 64 * 1024**2


def make_room(cache: DataCache, wanted: int, key: str, shown: str) -> None:
    """See that a download of `wanted` bytes, filed under `key`, fits the limit and the disk, taking out what is old.

    Raises DataError, before anything is fetched, when it does not.
    """
    limit = data_limit()
    had = _folder_bytes(cache.partials / key)
    if wanted > limit:
        raise DataError(
            f"{shown} has {size_text(wanted)}, and {size_text(limit)} of fetched data are kept at most",
            remedy=f"Raise the limit with {VARIABLE} (for example {VARIABLE}=500G), or use mode `direct`.",
        )
    with cache.door():
        used = _used_bytes(cache, but=key)
        free = _free_bytes(cache) + had
        missing = max(used + wanted - limit, wanted - free)
        if missing > 0:
            missing -= _take_out(cache, missing, key)
            if missing > 0:
                left = min(limit - _used_bytes(cache, but=key), _free_bytes(cache) + had)
                raise _no_room(shown, wanted, left, cache, _in_use(cache, but=key))


def _free_bytes(cache: DataCache) -> int:
    return shutil.disk_usage(cache.root).free - _SPARE_BYTES


def _in_use(cache: DataCache, but: str) -> bool:
    """Whether anything in the cache is used by a run, or on its way to one, without the download `but`."""
    locks = [lock for lock in cache.partials.glob("*.lock") if lock.stem != but]
    return any(users(tree) for tree in _folders(cache.trees)) or not all(FileLock.is_free(lock) for lock in locks)


def _no_room(shown: str, wanted: int, left: int, cache: DataCache, in_use: bool) -> DataError:
    """Why there is none after everything that could go has gone: what others use, else the disk itself."""
    why, remedy = "", f"Make room on the disk, raise {VARIABLE}, or put the cache elsewhere with WORKBENCH_CACHE."
    if in_use:
        why = ", and the rest is used by runs that go on"
        remedy = f"Make room on the disk, raise {VARIABLE}, or wait for those runs."
    return DataError(
        f"{shown} has {size_text(wanted)}, and there is no room for it in {cache.root}: "
        f"{size_text(max(0, left))} are left{why}",
        remedy=remedy,
    )


def _used_bytes(cache: DataCache, but: str) -> int:
    """The bytes of what is kept, and of what is on its way or will be, without the download `but`."""
    total = sum(size for _, size in _sizes(cache.blobs))
    total += sum(_copied_bytes(tree) for tree in _folders(cache.trees))
    for folder in _folders(cache.partials):
        if folder.name != but:
            expected = 0 if FileLock.is_free(folder.with_name(f"{folder.name}.lock")) else _expected(folder)
            total += max(_folder_bytes(folder), expected)
    return total


def _expected(folder: Path) -> int:
    try:
        return int((folder / "expected").read_text())
    except (OSError, ValueError):
        return 0


def _sizes(folder: Path) -> Iterator[tuple[Path, int]]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    yield Path(entry.path), entry.stat(follow_symlinks=False).st_size


def _folders(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return [path for path in folder.iterdir() if path.is_dir()]
    return []


def _folder_bytes(folder: Path) -> int:
    return sum(size for _, size in _sizes(folder / "files"))


def _take_out(cache: DataCache, wanted: int, key: str) -> int:
    """Free so many bytes if that can be: abandoned downloads, then trees by their last use; returns what was freed."""
    freed = 0
    for folder in _folders(cache.partials):
        lock = folder.with_name(f"{folder.name}.lock")
        if freed < wanted and folder.name != key and FileLock.is_free(lock):
            freed += _folder_bytes(folder)
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)
    freed += _remove_rest(cache)
    for tree in sorted(_folders(cache.trees), key=last_use):
        if freed >= wanted:
            break
        if not users(tree):
            copied = _copied_bytes(tree)
            remove_tree(tree)
            freed += copied + _remove_loose(cache)
    return freed


def _remove_rest(cache: DataCache) -> int:
    """Remove what killed processes left: nobody else is at it while the door is held. Returns the bytes freed."""
    for folder in _folders(cache.trees):
        if folder.name.startswith("."):
            remove_tree(folder)
    return _remove_loose(cache)


def _remove_loose(cache: DataCache) -> int:
    """Remove blobs that are linked to no tree (one that holds copies needs none); returns the bytes freed."""
    freed = 0
    for path, size in list(_sizes(cache.blobs)):
        if path.stat().st_nlink == 1:
            path.unlink()
            freed += size
    return freed


def _copied_bytes(tree: Path) -> int:
    """The bytes of a tree that stands by itself, for want of hard links; 0 for any other."""
    found = read_json(tree / "tree.json") or {}
    return sum(int(entry["size"]) for entry in found.get("files", ())) if found.get("copied") else 0


def last_use(tree: Path) -> float:
    """When the tree was used last, in UTC epoch seconds."""
    try:
        return (tree / "used").stat().st_mtime
    except OSError:
        return 0.0


def users(tree: Path) -> list[Path]:
    """The folders of the runs that use the tree now; the notes of others are removed."""
    found = []
    for note, _ in _sizes(tree / "uses"):
        folder = Path(note.read_text("utf-8", "surrogatepass"))
        if _goes_on(folder):
            found.append(folder)
        else:
            note.unlink(missing_ok=True)
    return found


def _goes_on(folder: Path) -> bool:
    """Whether the run in the folder has a supervisor or a job that lives."""
    files = RunLayout(folder)
    if not FileLock.is_free(files.supervisor_lock):
        return True
    job = read_json(files.job_process) or {}
    pid = job.get("pid")
    return bool(pid) and process_alive(int(str(pid)), job.get("start"))
