"""A script's own log, which several threads and forked children write to, on a disk that may be full. (Python 3.8.)"""

from __future__ import annotations

import errno
import os
import threading
import time
import weakref

from workbench_store.descriptors import is_replaced, mark_of, out_of_the_way
from workbench_store.errors import WorkspaceError
from workbench_store.journal.lost import Lost
from workbench_store.journal.retired import retire
from workbench_store.layout import RunLayout
from workbench_store.run_ids import id_of, is_anothers

from workbench.client.at_exit import at_exit
from workbench.client.backlog import Backlog
from workbench.client.beside import beside
from workbench.client.last_word import tell_lost
from workbench.client.log_limit import cap_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Set, Tuple

    #: An open file's number and its mark.
    _File = Tuple[int, Optional[Tuple[int, int]]]

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
#: While the disk takes nothing it is tried again this often, in seconds, and while something is printed.
_RETRY_SECONDS, _PRINTING_SECONDS = 0.5, 0.05
#: How often it is looked whether another file has taken the log's place.
_LOOK_SECONDS = 0.05


def _ours(file: Optional[_File]) -> Optional[int]:
    """The number, as long as it is that file's: a script that closes "all" descriptors has closed it, and may have
    opened a file of its own since."""
    return file[0] if file is not None and mark_of(file[0]) == file[1] else None


class ConsoleLog:
    """Appends to the run's log, capped as a job's is. Nothing here raises because of the disk."""

    def __init__(self, files: RunLayout) -> None:
        #: The threads that are writing just now.
        self.writing: Set[int] = set()
        self._files = files
        #: The open log and what tells it from other files.
        self._file: Optional[_File] = None
        self._run_id = id_of(files.root)
        self._closed = False
        self._pid = os.getpid()
        self._look_at = 0.0
        self._unchecked = 0
        self._check_bytes = cap_bytes() // 4
        self._begin()
        _logs.add(self)

    def _begin(self) -> None:
        self._cutting = threading.Lock()
        self._backlog = Backlog()
        self._waits = self._trying = False
        #: Held where something waits, and nowhere else: what is printed on a disk with room waits for nobody.
        self._lock = threading.RLock()
        self._retry_at = 0.0

    def forked(self) -> None:
        """In a forked child, whose only thread is the one that has forked: what waits is the parent's to write."""
        self.writing.clear()
        self._begin()

    def write(self, text: str) -> None:
        """Append the text; what the disk does not take waits for room, and where that is too much the log says so."""
        if self._closed or not text:
            return
        data = text.encode("utf-8", "backslashreplace")
        if self._waits:
            self._wait(data)
            return
        try:
            descriptor = self._descriptor()
            if descriptor is None:
                return
            rest = data[os.write(descriptor, data) :]
        except OSError:
            rest = data
        if rest:
            self._wait(rest)
            return
        self._unchecked += len(data)
        if self._unchecked >= self._check_bytes:
            self._cut()

    def _wait(self, data: bytes) -> None:
        with self._lock:
            if self._waits and time.monotonic() >= self._retry_at:
                self._retry()
            self._backlog.add(data)
            if not self._waits and not self._retry():
                self._keep_trying()

    def _keep_trying(self) -> None:
        """Bring what waits to the log as soon as there is room, also when nothing more is printed."""
        if self._trying:
            return
        if os.getpid() != self._pid:
            at_exit(self._end_child)

        def keep_trying() -> None:
            while True:
                time.sleep(_RETRY_SECONDS)
                with self._lock:
                    if self._closed or not self._waits or self._retry():
                        self._trying = False
                        return

        self._trying = beside(keep_trying, "workbench-log") is not None

    def _retry(self) -> bool:
        """Whether nothing waits any more."""
        self._retry_at = time.monotonic() + _PRINTING_SECONDS
        try:
            descriptor = self._descriptor()
        except OSError:
            descriptor = None
        if descriptor is not None:
            self._backlog.write_to(descriptor)
        self._waits = len(self._backlog) > 0
        return not self._waits

    def _end_child(self) -> None:
        """A child's log is closed by nobody; what it lacks is told by whoever ends the run, or finds it ended."""
        with self._lock:
            if self._waits and not self._retry():
                if not is_anothers(self._files.root, self._run_id):
                    tell_lost(self._files, rank=0, lost=Lost(unlogged=len(self._backlog)))
                self._backlog, self._waits = Backlog(), False

    def _descriptor(self) -> Optional[int]:
        """The open log, which is that in its place: an editor or `sed -i` may have put another there. In a folder of
        that name at the old place of a workspace that was moved it is another run's. None once it is closed. Raises
        OSError."""
        descriptor = _ours(self._file)
        now = time.monotonic()
        if descriptor is not None and now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            if is_replaced(descriptor, self._files.user_log) and not is_anothers(self._files.root, self._run_id):
                self._file = None
                retire(descriptor)
                descriptor = None
        return self._open() if descriptor is None else descriptor

    def _open(self) -> Optional[int]:
        """The open log; None once it is closed. Another thread may open it, or close it, at the same time."""
        before = self._file
        if is_anothers(self._files.root, self._run_id):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))  # until the journal has found where ours is
        descriptor = out_of_the_way(os.open(str(self._files.user_log), _FLAGS, 0o600))
        if self._closed or self._file is not before:
            os.close(descriptor)
            return None if self._closed else _ours(self._file)
        self._file = (descriptor, mark_of(descriptor))
        return descriptor

    def _cut(self) -> None:
        """Keep the log within its cap, unless another thread or process of the run is doing it."""
        self._unchecked = 0
        if not self._cutting.acquire(False):
            return
        try:
            # What only a long log needs is loaded for one.
            from workbench.client.log_cap import LogCap

            LogCap(self._files).enforce_with_others()
        except (OSError, WorkspaceError):
            pass  # a full disk: it is tried again
        finally:
            self._cutting.release()

    def close(self) -> int:
        """Write no more; head and tail of a log that was cut are joined. How many bytes are lost."""
        with self._lock:
            if self._waits:
                self._retry()
            self._closed = True
        descriptor, self._file = _ours(self._file), None
        if descriptor is not None:
            # Another thread may be about to write to it.
            retire(descriptor)
        if os.getpid() == self._pid:
            self._collapse()
        return len(self._backlog)

    def _collapse(self) -> None:
        try:
            # Children may have cut it, or have written that much alone.
            if self._files.rank_log_shape(0).exists() or self._files.user_log.stat().st_size > cap_bytes():
                from workbench.client.log_cap import LogCap

                LogCap(self._files).collapse_with_others()
        except (OSError, WorkspaceError):
            pass  # readers find their way in it as it is


_logs: "weakref.WeakSet[ConsoleLog]" = weakref.WeakSet()


def _forked() -> None:
    for log in list(_logs):
        log.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
