"""What files take of the disk: whole blocks, and each file once however many names it has."""

import os
from collections.abc import Iterator
from pathlib import Path


def bytes_on_disk(path: Path) -> int:
    """The bytes that a file, or all files below a folder, take; 0 for what is not there. Links are not followed."""
    return sum(block_bytes(found) for found in files_at(path))


def files_at(path: Path) -> Iterator[os.stat_result]:
    """The file at `path`, or every file below that folder, each once; what cannot be read is passed over."""
    if path.is_symlink() or not path.is_dir():
        try:
            yield path.lstat()
        except OSError:
            pass
        return
    seen: set[tuple[int, int]] = set()
    for found in _below(path):
        if found.st_nlink > 1:
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
        yield found


def _below(folder: Path) -> Iterator[os.stat_result]:
    waiting = [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield entry.stat(follow_symlinks=False)
        except OSError:
            continue


def block_bytes(found: os.stat_result) -> int:
    """The bytes of the disk that a file takes; whole blocks of 512 where the system does not say."""
    return int(getattr(found, "st_blocks", -(-found.st_size // 512)) * 512)
