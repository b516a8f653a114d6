"""Copies that cost no space where the file system can share blocks (reflinks), and move where a move will
do."""

import os
import shutil
import sys
from pathlib import Path

_FICLONE = 0x40049409  # linux/fs.h


def copy_file(source: str | Path, target: str | Path) -> str:
    """Copy one file with its mode and times, by reflink if possible. Raises OSError."""
    if not _reflink(source, target):
        shutil.copyfile(source, target)
    shutil.copystat(source, target)
    return str(target)


def _reflink(source: str | Path, target: str | Path) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    with open(source, "rb") as original, open(target, "wb") as copy:
        try:
            fcntl.ioctl(copy.fileno(), _FICLONE, original.fileno())
        except OSError:
            return False
    return True


def copy_data(source: Path, target: Path) -> None:
    """Copy a file or a folder with all that is in it; links inside a folder stay links. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, copy_function=copy_file, dirs_exist_ok=True)
    else:
        copy_file(source, target)


def move_into(source: Path, target: Path) -> None:
    """Move everything in the folder `source` into the folder `target`, replacing files of the same name."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in os.scandir(source):
        place = target / entry.name
        if entry.is_dir(follow_symlinks=False) and place.is_dir() and not place.is_symlink():
            move_into(Path(entry.path), place)
        else:
            if place.is_dir() and not place.is_symlink():
                raise FileExistsError(f"a folder is in the way of {place}")
            shutil.move(entry.path, place)
    source.rmdir()
