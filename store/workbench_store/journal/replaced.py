"""A journal in whose place others have put another file while it was written to, as an editor or `sed -i` over a whole
folder does: bringing there what was written to the open one. (Python 3.8: the in-job client uses it.)
"""

from __future__ import annotations

import errno
import os
import sys
import time

from workbench_store.journal.decoding import Gap, Points, Record, decode
from workbench_store.journal.former import whole_length
from workbench_store.journal.lost import Lost
from workbench_store.journal.waiting import OWN
from workbench_store.locks import lock_while_open
from workbench_store.no_room import NO_ROOM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Iterator, Optional, Tuple

_COPY_BYTES = 1024 * 1024
_FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
#: Others that ask whether a file is locked hold it for an instant.
_LOCKING_TRIES, _LOCKING_SECONDS = 5, 0.001


def put_back(descriptor: int, path: Path) -> Optional[Tuple[int, int]]:
    """Have all whole records of the open file, which is locked, at `path`: a descriptor of what is there then, and how
    many bytes of the open file that was. None where that is locked as well, and so is the open file itself: some
    network file systems call a file now this, now that. Raises OSError, where it may be tried again: nothing is there
    less than before."""
    try:
        copy = os.open(str(path), _FLAGS)
    except OSError:
        return _in_a_new_file(descriptor, path)
    if sys.platform != "win32" and not _lock(copy):
        os.close(copy)
        return None
    return _in_the_copy(descriptor, copy) or _in_a_new_file(descriptor, path)


def _lock(copy: int) -> bool:
    for _ in range(_LOCKING_TRIES):
        if lock_while_open(copy):
            return True
        time.sleep(_LOCKING_SECONDS)
    return False


def _in_the_copy(descriptor: int, copy: int) -> Optional[Tuple[int, int]]:
    """By appending what it lacks, which takes the least room; None where it says something else, and is closed. Raises
    OSError where there is no room."""
    try:
        done = _bring_along(descriptor, copy)
    except OSError as error:
        os.close(copy)
        if error.errno in NO_ROOM:
            raise
        return None
    if done is None:
        os.close(copy)
        return None
    return copy, done


def _in_a_new_file(descriptor: int, path: Path) -> Tuple[int, int]:
    draft = path.with_name(path.name + ".new")
    _remove(draft)
    new = os.open(str(draft), _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        done = sum(_append(new, records) for records in _whole_records(descriptor))
        os.rename(str(draft), str(path))
    except OSError:
        os.close(new)
        _remove(draft)
        raise
    return new, done


def _bring_along(source: int, target: int) -> Optional[int]:
    """Append to a copy what it lacks of the whole records; None where it is no copy, or has the half of one that is
    being written."""
    done = 0
    for records in _whole_records(source):
        known = os.pread(target, len(records), done)
        if not records.startswith(known):
            return None
        _append(target, records[len(known) :])
        done += len(records)
    return done if os.fstat(target).st_size == done else None


def _append(target: int, data: bytes) -> int:
    """All of it. Raises OSError."""
    if data and os.write(target, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return len(data)


def _whole_records(source: int) -> Iterator[bytes]:
    """The whole records in an open file, one after the other, as many at a time as fit."""
    done, rest = 0, b""
    while True:
        data = os.pread(source, _COPY_BYTES, done + len(rest))
        if not data:
            return
        rest += data
        whole = whole_length(rest)
        if whole:
            yield rest[:whole]
        done, rest = done + whole, rest[whole:]


def lacking(descriptor: int, path: Path) -> Lost:
    """How much of the open file is not in that at `path`. Never raises."""
    lost = Lost()
    try:
        ours = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    except OSError:
        return lost
    try:
        there = path.read_bytes()
    except OSError:
        there = b""
    known = {data for _, data in _records(there)}
    for record, data in _records(ours):
        if data in known or isinstance(record, Gap):
            continue
        lost.all_records += 1
        if isinstance(record, Points):
            lost.points += len(record.keys)
        elif record.name not in OWN:
            lost.records += 1
    return lost


def _records(data: bytes) -> Iterator[Tuple[Record, bytes]]:
    begin = 0
    for record, end in decode(data):
        yield record, data[begin:end]
        begin = end


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        pass
