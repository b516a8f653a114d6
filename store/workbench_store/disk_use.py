"""What files take of the disk: whole blocks, and each file once however many names it has."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path


def bytes_on_disk(path: Path) -> int:
    """The bytes that a file, or a folder with all that is below it, takes, as `du` has it; 0 for what is not there.
    Links are not followed."""
    return sum(block_bytes(found) for found in _once(_at(path)))


def files_at(path: Path) -> Iterator[os.stat_result]:
    """The file at `path`, or every file below that folder, each once; what cannot be read is passed over."""
    return _once(found for found in _at(path) if not stat.S_ISDIR(found.st_mode))


def _once(all_found: Iterable[os.stat_result]) -> Iterator[os.stat_result]:
    seen: set[tuple[int, int]] = set()
    for found in all_found:
        if found.st_nlink > 1:
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
        yield found


def _at(path: Path) -> Iterator[os.stat_result]:
    """What is at `path`, and below it: files by each of their names, and folders."""
    try:
        found = path.lstat()
    except OSError:
        return
    yield found
    waiting = [os.fspath(path)] if stat.S_ISDIR(found.st_mode) else []
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            continue


def block_bytes(found: os.stat_result) -> int:
    """The bytes of the disk that a file takes; whole blocks of 512 where the system does not say."""
    return int(getattr(found, "st_blocks", -(-found.st_size // 512)) * 512)
