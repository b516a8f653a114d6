"""The file that a journal is written to: made and locked, found again where it has moved, and put back where others
have put another in its place. (Python 3.8: the in-job client uses it.)
"""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

from workbench_store.descriptors import is_replaced, mark_of, out_of_the_way, path_of
from workbench_store.faults import fault
from workbench_store.journal.former import FormerFiles
from workbench_store.journal.lost import Lost
from workbench_store.journal.retired import retire
from workbench_store.locks import lock_while_open, without_forks
from workbench_store.run_ids import id_of, is_anothers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Optional, Tuple

#: What others have done to the file (see `JournalFile.trouble`).
CLOSED, REPLACED, GONE, LEFT_BEHIND = "closed", "replaced", "gone", "left behind"
#: Where there is no room to put it back, it is tried again after so many seconds.
_PUT_BACK_SECONDS = 0.5
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)


class JournalFile:
    """A file of this process alone in `folder`, once it is made; not safe for threads, but for `descriptor` to write to
    and `trouble` to look."""

    def __init__(self, folder: Path, writer: str, rank: int) -> None:
        self.folder = folder
        self.rank = rank
        #: The folder, until there is a file.
        self.path = folder
        #: -1 while no file is open.
        self.descriptor = -1
        #: Whether another file is in its place and there was no room to put it back.
        self.displaced = False
        self._writer = writer
        #: What tells the file from others.
        self._mark: Optional[Tuple[int, int]] = None
        self._former = FormerFiles()
        self._run_id = id_of(folder.parent)
        self._put_back_at = 0.0

    def make(self) -> None:
        """Make a new one. Raises OSError, also where the folder is that of another run by now."""
        if not self.is_ours():
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        while True:
            path = self.new_path()
            try:
                with without_forks():
                    self.descriptor = _locked(os.open(str(path), _FLAGS, 0o600))
                break
            except FileExistsError:
                continue  # one of the same process
        self.path = path
        self._mark = mark_of(self.descriptor)
        fault("journal.opened")

    def new_path(self) -> Path:
        """A name for the next one."""
        return self.folder / f"{self._writer}-r{self.rank}-{os.getpid()}-{os.urandom(4).hex()}.wbj"

    def is_ours(self) -> bool:
        """Whether the folder is not that of another run by now."""
        return not is_anothers(self.folder.parent, self._run_id)

    def is_open(self) -> bool:
        """Whether the descriptor is that of the file: others may have closed it and got its number."""
        return self.descriptor >= 0 and mark_of(self.descriptor) == self._mark

    def in_place(self) -> bool:
        """Whether the file is where it was made, and not removed or moved away with its folder."""
        try:
            return self.descriptor >= 0 and os.path.samestat(os.stat(str(self.path)), os.fstat(self.descriptor))
        except OSError:
            return False

    def trouble(self) -> str:
        """What others have done to it that asks for something now: it is CLOSED, REPLACED by another (as by an editor,
        or `sed -i` over a whole folder) or GONE from its place, or threads may have LEFT something BEHIND in one that
        was there before; else empty."""
        if self.descriptor < 0:
            return ""
        if mark_of(self.descriptor) != self._mark:
            return CLOSED
        if is_replaced(self.descriptor, self.path):
            return REPLACED if time.monotonic() >= self._put_back_at else ""
        if not os.path.lexists(str(self.path)):
            return GONE
        return LEFT_BEHIND if self._former else ""

    def put_back(self) -> bool:
        """Have all that was written at its path, where others have put a copy; whether there is a new file for it.

        Raises OSError where there is no room: it is `displaced` then, until it is tried with success.
        """
        from workbench_store.journal import replaced

        try:
            with without_forks():
                found = replaced.put_back(self.descriptor, self.path)
                new = -1 if found is None else _locked(found[0])
        except FileNotFoundError:
            self.displaced = False  # its folder is gone, or has moved with what was in it
            return False
        except OSError:
            self.displaced, self._put_back_at = True, time.monotonic() + _PUT_BACK_SECONDS
            raise
        self.displaced = False
        if found is None:
            self._put_back_at = time.monotonic() + _PUT_BACK_SECONDS
            return False
        self._former.add(self.descriptor, found[1])
        self.descriptor, self._mark = new, mark_of(new)
        return True

    def put_back_now(self) -> None:
        """Let the next look see that it is replaced, though it could not be put back a moment ago."""
        self._put_back_at = 0.0

    def left_behind(self, at_last: bool = False) -> Iterator[bytes]:
        """What threads have written since to files that were in its place; `at_last`, those are closed."""
        return self._former.rest(at_last)

    def lacking(self) -> Lost:
        """What the file at its path lacks, where another is there."""
        from workbench_store.journal.replaced import lacking

        return lacking(self.descriptor, self.path)

    def follow(self) -> bool:
        """Take the folder to be where the file is by now, if that can be told; whether it can."""
        path = path_of(self.descriptor)
        if path is None or os.path.basename(path) != self.path.name:
            return False
        self.moved(Path(path).parent)
        return True

    def moved(self, folder: Path) -> None:
        """The folder has another name by now, or is in another place of the same file system."""
        self.folder, self.path = folder, folder / self.path.name

    def forget(self) -> None:
        """The descriptor was closed by others."""
        self.descriptor = -1

    def close(self) -> None:
        """Close it, and leave no empty one: there would be one for each look at a run on a full disk."""
        if self.is_open():
            self._remove_if_empty()
            os.close(self.descriptor)
        self.descriptor = -1

    def retire(self) -> None:
        """Close it in a while, as other threads may be about to write to it; it is unlocked now. None empty is left."""
        if self.is_open():
            self._remove_if_empty()
            retire(self.descriptor)
        self.descriptor = -1

    def let_go(self) -> None:
        """Close it in a forked child, whose parent's it is."""
        if self.is_open():
            os.close(self.descriptor)
        self.descriptor, self.displaced, self._former = -1, False, FormerFiles()

    def _remove_if_empty(self) -> None:
        try:
            if os.fstat(self.descriptor).st_size == 0:
                self.path.unlink()
        except OSError:
            pass


def _locked(descriptor: int) -> int:
    """The same open file, under a high number and locked; but on Windows, where a lock would keep readers out."""
    moved = out_of_the_way(descriptor)
    if sys.platform != "win32":
        lock_while_open(moved)
    return moved
