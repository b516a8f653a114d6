"""File descriptors that live long, beside a user's own files. (Python 3.8: the in-job client uses it.)"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Optional, Tuple, Union

try:
    import fcntl
except ImportError:  # Windows, which gives no say in the number of a descriptor
    fcntl = None  # type: ignore[assignment]

#: Above what programs use, and below what systems allow a process: often 1,024 descriptors, on macOS 256.
_HIGH = (700, 200)


def out_of_the_way(descriptor: int) -> int:
    """The same open file under a high number, where there is room for one.

    A script that closes "all" descriptors (as those do that go into the background) would else see its next file get
    the number of one of ours, and what we write to it.
    """
    if fcntl is None:
        return descriptor
    for least in _HIGH:
        try:
            moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, least)
        except (OSError, ValueError):
            continue
        os.close(descriptor)
        return moved
    return descriptor


def mark_of(descriptor: int) -> Optional[Tuple[int, int]]:
    """What tells the open file from others; None when the descriptor is closed."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_replaced(descriptor: int, path: Union[str, Path], folder: Optional[int] = None) -> bool:
    """Whether another file lies at the path (seen from an open folder) by now, as editors and `sed -i` put one there:
    the open one may be gone, or have another name. Not where there is none: it may have moved with its folder."""
    try:
        return not os.path.samestat(os.stat(path, dir_fd=folder), os.fstat(descriptor))
    except OSError:
        return False


def path_of(descriptor: int) -> Optional[str]:
    """Where the open file is by now, which may have been moved; None where it was removed, or nobody can tell."""
    try:
        path = os.readlink("/proc/self/fd/{}".format(descriptor))
        return path if os.path.samestat(os.stat(path), os.fstat(descriptor)) else None
    except OSError:
        return None
