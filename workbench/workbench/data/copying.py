"""Copies that cost no space where the file system can share blocks (reflinks), and move where a move will
do."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

_FICLONE = 0x40049409  # linux/fs.h


def copy_file(source: str | Path, target: str | Path) -> str:
    """Copy one file with its mode and times, by reflink if possible. Raises OSError.

    A pipe, socket or device holds nothing to copy and is passed over: opening one could last for ever.
    """
    if not os.path.isfile(source):
        return str(target)
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
    """Copy a file or a folder with all that is in it. Raises OSError.

    Links inside a folder stay links; those that lead out of it by a relative way lead to the same place as before.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, copy_function=copy_file, dirs_exist_ok=True)
        for link in links_below(target):
            _lead_as_before(source, link, target)
    else:
        copy_file(source, target)


def _lead_as_before(source: Path, link: Path, target: Path) -> None:
    text = os.readlink(link)
    if os.path.isabs(text):
        return
    before = Path(os.path.normpath(source / link.relative_to(target).parent / text))
    if not is_inside(before, source):
        replace_link(link, before)


def links_below(root: Path) -> Iterator[Path]:
    """Every symbolic link below a folder, none of them followed. Raises OSError for a folder that cannot be read."""
    for folder, names, files in os.walk(root, onerror=raise_error):
        for name in (*names, *files):
            path = Path(folder, name)
            if path.is_symlink():
                yield path


def raise_error(error: OSError) -> None:
    """For `os.walk`, which passes over folders that cannot be read unless it is told not to."""
    raise error


def is_inside(path: str | Path, folder: str | Path) -> bool:
    """Whether a path, as it is written, is the folder or below it."""
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))


def replace_link(link: Path, text: str | Path) -> None:
    """Let the link lead elsewhere; it is there at every moment."""
    draft = link.with_name(f".{link.name[:200]}.{os.urandom(4).hex()}.new")
    draft.symlink_to(text)
    draft.replace(link)


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
