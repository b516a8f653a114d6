"""Locks that die with their holder, and names for hosts, boots and processes. (Python 3.8: the client uses it.)

A lock is an exclusive or shared `flock` on a file that is never deleted while in use. The operating system releases
it when the holder ends, however it ends. Two traps are closed here: a forked child inherits the descriptor and would
keep a dead parent's lock alive, so children close it at once; and a child that unlocked it would drop its parent's
lock, so they close without unlocking.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
import weakref
from pathlib import Path

from workbench_store.descriptors import is_replaced, mark_of, out_of_the_way
from workbench_store.errors import WorkspaceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Tuple

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, shared: bool) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # Windows knows no shared kind here: all are exclusive

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


_BUSY = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})
_FIRST_WAIT = 0.0005
_LONGEST_WAIT = 0.02

#: Held while a descriptor is opened or closed, and across every fork, so that no child inherits one unregistered.
_guard = threading.RLock()
_held: "weakref.WeakSet[FileLock]" = weakref.WeakSet()


class FileLock:
    """A lock on `path`, which is made when it is not there. One object is one holder; it is not reentrant."""

    #: None also where a Ctrl-C interrupted the making of the object.
    _descriptor: Optional[int] = None

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._mark: Optional[Tuple[int, int]] = None

    @property
    def descriptor(self) -> Optional[int]:
        """The open file that carries the lock: a process that is given it holds the lock too, until either unlocks it
        or both are gone. None when it is not held."""
        return self._descriptor

    def try_acquire(self, shared: bool = False) -> bool:
        """Take the lock if nobody holds it; whether that worked.

        Raises WorkspaceError when the file cannot be opened or its file system knows no locks, and RuntimeError when
        this object holds it already.
        """
        if self._descriptor is not None:
            raise RuntimeError(f"{self.path} is already held by this lock object")
        with _guard:
            while True:
                # Ours before it is locked: wherever Ctrl-C comes, no lock is left that nobody knows of.
                self._descriptor = _open(self.path, shared)
                try:
                    self._mark = mark_of(self._descriptor)
                    locked = _try_lock(self.path, self._descriptor, shared)
                    current = not locked or _is_same_file(self.path, self._descriptor)
                except BaseException:
                    self._close()
                    raise
                if locked and current:
                    _held.add(self)
                    return True
                self._close()
                if current:
                    return False
                # The file was replaced between opening and locking: the lock on the old one is worth nothing.

    def acquire(self, timeout: Optional[float] = None, shared: bool = False) -> bool:
        """Take the lock, in `timeout` seconds (None: for ever); whether it was had. Raises as try_acquire."""
        deadline = None if timeout is None else time.monotonic() + timeout
        wait = _FIRST_WAIT
        while not self.try_acquire(shared):
            remaining = wait if deadline is None else deadline - time.monotonic()
            if remaining <= 0:
                return False
            time.sleep(min(wait, remaining))
            wait = min(2 * wait, _LONGEST_WAIT)
        return True

    def release(self) -> None:
        """Let go of the lock; nothing happens when it is not held."""
        with _guard:
            if self._descriptor is not None:
                self._unlock_and_close(self._descriptor)

    def _unlock_and_close(self, descriptor: int) -> None:
        if mark_of(descriptor) == self._mark:  # else others have closed it: it may be the number of a file of theirs
            try:
                _unlock(descriptor)
            finally:
                os.close(descriptor)
        self._descriptor = None
        _held.discard(self)

    def take_again(self, path: Path) -> bool:
        """After others have closed the descriptor, or have put a copy in the file's place: lock the file that is there
        now, which may be at another path; whether that worked. Never raises."""
        with _guard:
            before = self._descriptor
            if before is not None and mark_of(before) != self._mark:
                before = None
            if before is not None and os.fstat(before).st_nlink and not is_replaced(before, path):
                return True
            self._descriptor, self.path = None, path
            try:
                taken = self.try_acquire()
            except WorkspaceError:
                taken = False
            if before is not None and taken:
                os.close(before)
            elif before is not None:
                self._descriptor, self._mark = before, mark_of(before)
            return taken

    def is_removed(self) -> bool:
        """Whether the lock is held and its file was removed, which moving it to another folder is not."""
        with _guard:
            descriptor = self._descriptor
            return descriptor is not None and mark_of(descriptor) == self._mark and not os.fstat(descriptor).st_nlink

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _forget(self) -> None:
        """In a forked child: close without unlocking, since the lock is the parent's."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None and mark_of(descriptor) == self._mark:
            os.close(descriptor)

    def __enter__(self) -> "FileLock":
        self.acquire()
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def __del__(self) -> None:
        if self._descriptor is not None:
            self.release()

    @staticmethod
    def is_free(path: Path) -> bool:
        """Whether nobody holds the lock exclusively; true when there is no such file.

        It is probed with a shared lock held for an instant. So whoever wants a lock that others probe should
        `acquire` it with a short timeout, not `try_acquire` it. Raises WorkspaceError when the file cannot be read.
        """
        with _guard:
            try:
                # Who put a FIFO there keeps nobody waiting.
                descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
            except FileNotFoundError:
                return True
            except OSError as error:
                raise _unusable(path, error) from error
            try:
                return _try_lock(path, descriptor, shared=True)
            finally:
                os.close(descriptor)


def without_forks() -> "threading.RLock":
    """What is held while descriptors that carry locks are made: no child that is forked meanwhile inherits one."""
    return _guard


def holders(path: Path) -> List[int]:
    """The PIDs of the processes that hold a lock on the file, as far as the system tells them (Linux: proc(5))."""
    try:
        status = os.stat(path)
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return []
    file = "{:02x}:{:02x}:{}".format(os.major(status.st_dev), os.minor(status.st_dev), status.st_ino)
    fields = [line.split() for line in lines if " FLOCK " in line and " -> " not in line]
    return sorted({int(field[4]) for field in fields if field[5] == file and field[4].isdigit()})


def lock_while_open(descriptor: int) -> bool:
    """Lock the file of an open descriptor until that is closed; whether it worked. Never waits, never raises.

    For files that their holder writes to and others must leave alone meanwhile. The descriptor must not be inherited.
    """
    try:
        _lock(descriptor, shared=False)
    except OSError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Let go of the lock of an open file. Never raises."""
    try:
        _unlock(descriptor)
    except OSError:
        pass


def _open(path: Path, shared: bool) -> int:
    flags = getattr(os, "O_CLOEXEC", 0)
    try:
        return out_of_the_way(os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600))
    except OSError as error:
        if shared and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) and os.access(path, os.R_OK):
            return os.open(path, os.O_RDONLY | flags)
        raise _unusable(path, error) from error


def _try_lock(path: Path, descriptor: int, shared: bool) -> bool:
    try:
        _lock(descriptor, shared)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise _unusable(path, error) from error
    return True


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _unusable(path: Path, error: OSError) -> WorkspaceError:
    if not os.path.exists(path.parent) and not isinstance(error, PermissionError):
        return WorkspaceError(
            f"the folder of {path.name} is gone: {path.parent}", remedy="Bring it back, or begin anew elsewhere."
        )
    return WorkspaceError(
        f"cannot lock {path}: {error.strerror or error}",
        remedy="Check that you own the folder, that it is writable, and that its file system supports locks.",
    )


def _release_in_child() -> None:
    global _guard
    _guard = threading.RLock()
    for lock in list(_held):
        lock._forget()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _guard.acquire() and None,
        after_in_parent=lambda: _guard.release(),
        after_in_child=_release_in_child,
    )
