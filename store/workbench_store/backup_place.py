"""Putting one thing into a backup, whatever was at its place before. Nothing is ever written through a link there."""

import errno
import os
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

from workbench_store.backup_sources import Source
from workbench_store.blobs import cloned
from workbench_store.journal.packed import PACKED_SUFFIX, SUFFIX, read_journal, sizes_of

_PART_BYTES = 1024 * 1024


class Unreadable(Exception):
    """The source cannot be read; what is at its place stays."""


def is_there(source: Source, place: Path) -> bool:
    """Whether the place has it already: a file by size and time, a link by where it leads."""
    try:
        ours, theirs = source.path.lstat(), place.lstat()
        if stat.S_IFMT(ours.st_mode) != stat.S_IFMT(theirs.st_mode):
            return source.kind == "folder" and stat.S_ISDIR(theirs.st_mode)  # a run's folder may be a link
        if source.kind == "link":
            return os.readlink(source.path) == os.readlink(place)
    except OSError:
        return False
    return source.kind == "folder" or (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def goes_on(source: Path, place: Path) -> bool:
    """Whether a journal, compressed or not, is what its copy is, and more. Raises Unreadable, and OSError where the
    copy cannot be read."""
    ours, theirs = _plain(source), _plain(place)
    offset = 0
    try:
        while part := read_journal(theirs, offset, _PART_BYTES):
            if _read(ours, offset, len(part)) != part:
                return False
            offset += len(part)
    except FileNotFoundError:
        return True  # it is not there yet, or has gone here
    return True


def _read(journal: Path, offset: int, most: int) -> bytes:
    try:
        return read_journal(journal, offset, most)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{journal}: {error.strerror or error}") from error


def _plain(journal: Path) -> Path:
    return journal.with_name(journal.name.removesuffix(PACKED_SUFFIX).removesuffix(SUFFIX) + SUFFIX)


def put(source: Source, place: Path, tmp: Path) -> int:
    """Bring the source to its place, in one step where it is no folder; its bytes. One that is gone by now is none.

    The draft is in `tmp`, on the disk of the place. Raises Unreadable, and OSError where the place cannot be written.
    """
    if source.kind == "folder":
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            place.unlink()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return 0
    draft = tmp / "backup.new"
    try:
        if source.kind == "link":
            draft.unlink(missing_ok=True)
            os.symlink(os.readlink(source.path), draft)
        else:
            _copy(source.path, draft)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)  # it was a folder before
        draft.replace(place)
        return place.lstat().st_size
    except FileNotFoundError:
        if os.path.lexists(source.path):
            raise
        return 0
    finally:
        draft.unlink(missing_ok=True)


def bring_along(old: Path, new: Path) -> None:
    """Move a run's folder of the copy to its new place. Where some of it is already what is there stays, but for
    journals of which the old place has more: they only grow. Raises OSError."""
    new.parent.mkdir(mode=0o700, exist_ok=True)
    if not os.path.lexists(new):
        old.rename(new)
        return
    for place, folders, names in os.walk(old):
        for name in [*folders, *names]:
            path = Path(place, name)
            target = new / path.relative_to(old)
            is_journal = name.endswith(SUFFIX) and Path(place) == old / "journal"
            if not (_has_as_much(target, path) if is_journal else os.path.lexists(target)):
                path.replace(target)
        folders[:] = [name for name in folders if Path(place, name).is_dir()]
    shutil.rmtree(old)


def _has_as_much(target: Path, path: Path) -> bool:
    """Whether the journal that is there, packed or not, is no shorter than this one."""
    try:
        return max(sizes_of(target)) >= path.lstat().st_size
    except OSError:
        return False


def _copy_data(original: BinaryIO, new: BinaryIO) -> None:
    """All of it but its holes, which a log has that was cut: they stay holes."""
    if not hasattr(os, "SEEK_DATA"):
        shutil.copyfileobj(original, new, _PART_BYTES)
        return
    size = end = os.fstat(original.fileno()).st_size
    begin = 0
    while begin < size:
        try:
            begin = os.lseek(original.fileno(), begin, os.SEEK_DATA)
            end = os.lseek(original.fileno(), begin, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            break  # a hole up to its end
        new.seek(begin)
        while begin < end and (part := os.pread(original.fileno(), min(_PART_BYTES, end - begin), begin)):
            begin += new.write(part)
        begin = end
    new.truncate(size)


def _copy(source: Path, draft: Path) -> None:
    try:
        original = source.open("rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{source}: {error.strerror or error}") from error
    with original, draft.open("wb") as new:
        if not cloned(original.fileno(), new.fileno()):
            _copy_data(original, new)
    shutil.copystat(source, draft)
