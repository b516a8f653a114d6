"""Appending to a journal: one `os.write` for each record, so that what returned survives the writer. (Python 3.8.)

After construction nothing here raises because of the disk, and nothing blocks: what cannot be written waits in
bounded memory and a thread tries it again, with one warning on stderr. When memory runs out the oldest points go, and
what is logged like them (media, artifacts), and the journal says how many.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
import weakref
from pathlib import Path

from workbench_store.descriptors import is_replaced, mark_of, out_of_the_way, path_of
from workbench_store.errors import WorkspaceError
from workbench_store.faults import fault
from workbench_store.journal.encoding import PointsEncoder, encode_event
from workbench_store.journal.former import FormerFiles
from workbench_store.journal.lost import Lost, missing_records
from workbench_store.journal.onward import Onward
from workbench_store.journal.retired import close_retired, retire
from workbench_store.journal.waiting import Waiting
from workbench_store.locks import lock_while_open, without_forks
from workbench_store.processes import boot_id, host_id
from workbench_store.run_ids import id_of, is_anothers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Sequence, Tuple

#: While the disk takes nothing it is tried again this often, in seconds.
RETRY_SECONDS = 0.5
#: `points` looks this often, in seconds, whether its descriptor is still its own: each time would cost too much.
_LOOK_SECONDS = 0.05
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
#: Writers that several threads use at once.
_THREADED = ("script", "client")
#: Taken now: a script's tests may put another in its place, which tells anything or nothing.
_clock = time.time
_NO_ROOM = OSError("no room for the whole record")
_writers: "weakref.WeakSet[JournalWriter]" = weakref.WeakSet()


#: Behind a journal's name: that of the file that is there while records wait for room on the disk. Only what scripts
#: and the processes of jobs log is worth it.
WAITING = ".waits"
_LOGGING = ("client", "script", "fork")


def warn(text: str) -> None:
    """A line on stderr, if there is one."""
    try:
        sys.stderr.write(text + "\n")
    except (OSError, ValueError, AttributeError):
        pass


class JournalWriter:
    """Appends to a new file of its own in `folder`; a forked child goes on in another file.

    `writer` says who writes (submit, supervisor, script, fork, client, judge, user, system); `tell` is given each
    warning; what it records is later than `after` (UTC epoch seconds), whatever the machine's clock says.
    Raises WorkspaceError when the file cannot be made; nothing else here raises but for what cannot be encoded
    (ValueError, TypeError).
    """

    def __init__(
        self, folder: Path, writer: str, rank: int = 0, tell: Callable[[str], None] = warn, after: float = 0.0
    ) -> None:
        self.folder = Path(folder)
        self.writer = writer
        self.rank = rank
        #: Is given each warning.
        self.tell = tell
        self._encoder = PointsEncoder(rank)
        self._onward = Onward(after)
        #: What the disk did not take, until it has taken it.
        self._waits: Optional[Waiting] = None
        #: Of records that were cut short and are whole behind that, or wait: it is no damage, which the journal says.
        self._torn_bytes = 0
        self._warned = False
        #: The journal's name while a note beside it says that something waits.
        self._noted = ""
        self._closed = False
        self._lock = threading.RLock()
        self._retrying = False
        self._fd = -1
        #: What tells the journal from other files, and when the descriptor was compared with it last.
        self._mark: Optional[Tuple[int, int]] = None
        self._looked = 0.0
        self._former = FormerFiles()
        self._run_id = id_of(self.folder.parent)
        #: Whether another file is in the journal's place and there was no room to put it back; when to try again.
        self._displaced = False
        self._put_back_at = 0.0
        #: Called when the file was closed or replaced by others, and another is about to be made.
        self.when_closed: Callable[[], object] = _nothing
        #: Called when the folder was found to have been moved.
        self.when_moved: Callable[[], object] = _nothing
        #: Called in a forked child.
        self.when_forked: Callable[[], object] = _nothing
        #: Called when something begins to wait for room on the disk.
        self.when_waiting: Callable[[], object] = _nothing
        self.path = self.folder
        try:
            self._open()
        except OSError as error:
            raise WorkspaceError(
                f"cannot write a journal in {self.folder}: {error.strerror or error}",
                remedy="Check that the folder is there, is yours, and that the disk has room.",
            ) from error
        _writers.add(self)

    def _open(self) -> None:
        if is_anothers(self.folder.parent, self._run_id):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        while True:
            path = self._new_path()
            try:
                with without_forks():
                    self._fd = _locked(os.open(str(path), _FLAGS, 0o600))
                break
            except FileExistsError:
                continue  # one of the same process
        self.path = path
        self._mark = mark_of(self._fd)
        fault("journal.opened")
        self._append(encode_event("open", self.now(), self._introduction()), 0, "open")

    def _new_path(self) -> Path:
        return self.folder / f"{self.writer}-r{self.rank}-{os.getpid()}-{os.urandom(4).hex()}.wbj"

    def _introduction(self) -> "dict[str, Any]":
        return {
            "writer": self.writer,
            "rank": self.rank,
            "pid": os.getpid(),
            "host": host_id(),
            "boot": boot_id(),
            "version": 1,
        }

    def now(self) -> float:
        """The time of what is recorded next, in UTC epoch seconds: later than all that this writer recorded before."""
        return self._onward.stamp(_clock())

    @property
    def latest(self) -> float:
        """The time of what was recorded last."""
        return self._onward.latest

    def event(self, event: str, /, **fields: Any) -> None:
        """Append an event, stamped with the time now; see docs/architecture.md for the events.

        What looks like a secret is not recorded: it is cut out of free texts and values here, on whatever way it came.
        """
        from workbench_store.redaction import without_secrets

        self._append(encode_event(event, self.now(), without_secrets(event, fields)), 0, event)

    def unsaved(self, by: str, kind: str, reason: str, count: int, more: int) -> None:
        """Append that the process that calls itself `by` could not save so many of a kind ("files") by now: `more` of
        them are missing too, as records are, if this is not written."""
        fields = {"by": by, "kind": kind, "reason": reason, "count": count}
        self._append(encode_event("unsaved", self.now(), fields), 0, "unsaved", more)

    def points(self, when: float, step: int, keys: Tuple[str, ...], values: Sequence[float]) -> None:
        """Append the points of one call: equally many keys and values, at UTC epoch seconds `when`."""
        data = self._encoder.encode(when, step, keys, values)
        if not 0 <= when - self._looked < _LOOK_SECONDS:
            self._looked = when
            self._look()
        # The common case, without a lock: os.write appends whole records in any thread.
        descriptor = self._fd
        if self._waits is None and descriptor >= 0:
            try:
                written = os.write(descriptor, data)
                if written == len(data):
                    return
                error, torn = _NO_ROOM, written
            except OSError as trouble:
                error, torn = trouble, 0
            if error.errno != errno.EBADF:
                with self._lock:
                    self._torn_bytes += torn
                    self._hold(data, len(keys), "", error)
                return
        self._append(data, len(keys), "")

    def _look(self) -> None:
        """See that the descriptor is still that of the journal: others may have closed it and got its number. And that
        the file is in its place: an editor or `sed -i` over a whole folder puts copies there."""
        if self._fd < 0:
            return
        try:
            found = os.fstat(self._fd)
        except OSError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._mark:
            with self._lock:
                # Another thread may have put another in its place just now.
                if self._fd >= 0 and mark_of(self._fd) != self._mark:
                    self._fd = -1  # theirs by now
                    self.when_closed()
        elif is_replaced(self._fd, self.path):
            with self._lock:
                if time.monotonic() >= self._put_back_at:
                    self._put_back()
        elif not os.path.lexists(str(self.path)):
            with self._lock:
                self._follow()
        elif self._former:
            with self._lock:
                self._bring_the_rest()

    def _follow(self) -> None:
        """Go on where the folder is by now, if it was moved. A supervisor leaves then."""
        path = path_of(self._fd) if self.writer in _LOGGING else None
        if path is not None and os.path.basename(path) == self.path.name:
            self.moved(Path(path).parent)
            self.when_moved()

    def _put_back(self) -> None:
        """Have all that was written at the journal's path, where others have put a copy; where there is no room it is
        tried again."""
        from workbench_store.journal.replaced import put_back

        if not (self._displaced or is_replaced(self._fd, self.path)):
            return  # another thread has done it
        try:
            with without_forks():
                found = put_back(self._fd, self.path)
                if found is None:
                    self._displaced, self._put_back_at = False, time.monotonic() + RETRY_SECONDS
                    return
                new, done = _locked(found[0]), found[1]
        except FileNotFoundError:
            self._displaced = False  # its folder is gone, or has moved with what was in it
            return
        except OSError as error:
            self._displaced, self._put_back_at = True, time.monotonic() + RETRY_SECONDS
            self._tell_it_waits(error)
            return
        self._former.add(self._fd, done)
        self._fd, self._mark, self._displaced = new, mark_of(new), False
        if self._waits is None:
            self._note_waiting_no_more()
        self.when_closed()

    def _bring_the_rest(self, at_last: bool = False) -> None:
        """Write here what threads have written since to files that were in its place."""
        for rest in self._former.rest(at_last):
            error = self._write(rest)
            if error is not None:
                self._hold(rest, 0, "", error, 1)

    def _append(self, data: bytes, points: int, event: str, records: Optional[int] = None) -> None:
        with self._lock:
            self._look()
            if self._closed:
                self.tell("workbench: {} is closed; what came after was not recorded".format(self.path))
            elif self._waits is not None:
                self._hold(data, points, event, None, records)
            else:
                error = self._write(data)
                if error is not None:
                    self._hold(data, points, event, error, records)

    def _write(self, data: bytes) -> Optional[OSError]:
        try:
            if self._fd < 0:
                self._open()
            written = os.write(self._fd, data)
            if written == len(data):
                return None
            # A short write leaves a torn record, which readers skip: the record is sent again whole.
            self._torn_bytes += written
            return _NO_ROOM
        except OSError as error:
            if error.errno != errno.EBADF or self._fd < 0:
                return error
        # Somebody has closed "all" descriptors of this process.
        self._fd = -1
        self.when_closed()
        return self._write(data)

    def _hold(
        self, data: bytes, points: int, event: str, error: Optional[OSError], records: Optional[int] = None
    ) -> None:
        if self._waits is None:
            self._waits = Waiting()
        self._waits.add(data, points, event, records)
        self._tell_it_waits(error)

    def _tell_it_waits(self, error: Optional[OSError]) -> None:
        self._start_retrying()
        if not self._noted and self.writer in _LOGGING:
            self._note_waiting()
            self.when_waiting()
        if not self._warned and error is not None:
            self._warned = True
            reason = error.strerror or str(error)
            self.tell(f"workbench: cannot write {self.path} ({reason}); recording goes on in memory and is retried")

    def _note_waiting(self) -> None:
        """For who finds this process killed: by the name of an empty file, which takes no room."""
        # Of a journal that cannot be made yet the note has a name of its own, and not that of the one before.
        self._noted = (self.path if self._fd >= 0 else self._new_path()).name
        try:
            (self.folder / (self._noted + WAITING)).touch()
        except OSError:
            pass

    def _note_waiting_no_more(self) -> None:
        self._warned = False
        if self._noted:
            _remove(self.folder / (self._noted + WAITING))
            self._noted = ""

    def _start_retrying(self) -> None:
        if self._retrying:
            return
        try:
            threading.Thread(target=self._keep_trying, name="workbench-journal", daemon=True).start()
            self._retrying = True
        except RuntimeError:
            pass  # the interpreter is ending: `close` tries for the last time

    def _keep_trying(self) -> None:
        """Write what waits as soon as the disk takes it, also when nothing more is logged."""
        while True:
            time.sleep(RETRY_SECONDS)
            with self._lock:
                if self._closed or self.flush():
                    self._retrying = False
                    return

    def _retry(self, waits: Waiting) -> bool:
        """Try to write what waits; whether nothing waits any more."""
        while waits:
            if self._write(waits.first()) is not None:
                return False
            waits.written()
        lost = waits.lost
        if lost.points:
            fields = {"points": lost.points, "reason": "the disk took nothing"}
            if self._write(encode_event("lost", self.now(), fields)) is not None:
                return False
            lost.points = 0
        if lost.records:
            text = missing_records(lost.records)
            if self._write(encode_event("warning", self.now(), {"text": text})) is not None:
                return False
            lost.records = 0
        torn = self._torn_bytes
        if torn:
            if self._write(encode_event("torn", self.now(), {"bytes": torn})) is not None:
                return False
            self._torn_bytes -= torn
        self._waits = None
        self._note_waiting_no_more()
        return True

    @property
    def waiting(self) -> bool:
        """Whether something waits for room on the disk."""
        return self._waits is not None or self._displaced

    def flush(self) -> bool:
        """Try now to write what waits; whether all that was recorded is in the file."""
        with self._lock:
            self._look()
            if self._displaced:
                self._put_back()
            return (self._waits is None or self._retry(self._waits)) and not self._displaced

    def sync(self) -> None:
        """Bring what was written to the disk, for power loss; trouble is passed over."""
        try:
            getattr(os, "fdatasync", os.fsync)(self._fd)
        except (OSError, ValueError):  # it may have been closed
            pass

    def close(self) -> Lost:
        """Write what still waits, if the disk takes it, and close the file; what it did not take."""
        with self._lock:
            lost = Lost()
            self._put_back_at = 0.0
            self._look()
            self._bring_the_rest(at_last=True)
            if not self._closed and not self.flush():
                lost = self._what_is_lost()
                what = f"{lost.points} points" if lost.points else f"{lost.records or lost.all_records} records"
                self.tell(f"workbench: {what} could not be written to {self.path}")
            self._closed = True
            if not lost.anything:
                self.lost_is_told()
            descriptor, self._fd = self._fd, -1
            if descriptor >= 0 and mark_of(descriptor) == self._mark:
                self._leave_no_empty_file(descriptor)
                retire(descriptor) if self.writer in _THREADED else os.close(descriptor)
            return lost

    def lost_is_told(self) -> None:
        """Whoever has closed it has told what is lost: who finds this process killed need not ask."""
        self._note_waiting_no_more()

    def _what_is_lost(self) -> Lost:
        lost = Lost() if self._waits is None else self._waits.all_lost()
        lost.torn = self._torn_bytes
        if self._displaced:
            from workbench_store.journal.replaced import lacking

            lost.add(lacking(self._fd, self.path))
        return lost

    def _leave_no_empty_file(self, descriptor: int) -> None:
        """One for each look at a run would be left on a full disk."""
        try:
            if os.fstat(descriptor).st_size == 0:
                self.path.unlink()
        except OSError:
            pass

    def look(self) -> None:
        """See where the file is, before others of its folder are written."""
        self._look()

    def is_ours(self) -> bool:
        """Whether the folder is not that of another run by now."""
        return not is_anothers(self.folder.parent, self._run_id)

    def in_place(self) -> bool:
        """Whether the file is where it was made, and not removed or moved away with its folder."""
        with self._lock:
            try:
                return self._fd >= 0 and os.path.samestat(os.stat(str(self.path)), os.fstat(self._fd))
            except OSError:
                return False

    def moved(self, folder: Path) -> None:
        """The folder has another name by now, or is in another place of the same file system."""
        with self._lock:
            self.folder, self.path = folder, folder / self.path.name

    def abandon(self) -> None:
        """Close the file, which is about to be removed, with nothing said of what was not written."""
        with self._lock:
            self._waits = None
        self.close()

    def finish(self) -> None:
        """Sync and close. Raises WorkspaceError if anything could not be written: for what somebody was told of."""
        with self._lock:
            written = self.flush()
            self._waits = None  # what is said not to be recorded must not get in after all
        self.sync()
        self.close()
        if not written:
            raise WorkspaceError(
                f"the disk took nothing for {self.folder}: nothing was recorded", remedy="Make room, and try again."
            )

    def _after_fork(self) -> None:
        """In a forked child: what waits is the parent's to write, and the child goes on in a file of its own."""
        self._lock = threading.RLock()
        self._waits, self._torn_bytes = None, 0
        self._retrying, self._noted, self._former, self._displaced = False, "", FormerFiles(), False
        if self._fd >= 0 and mark_of(self._fd) == self._mark:
            if not os.path.lexists(str(self.path)):
                self._follow()
            os.close(self._fd)
        self._fd = -1
        self.when_forked()

    def set_rank(self, rank: int) -> None:
        """What comes from here on is of another rank, and in another file."""
        with self._lock:
            descriptor, self._fd = self._fd, -1
            if descriptor >= 0 and mark_of(descriptor) == self._mark:
                retire(descriptor)
            self.rank = rank
            self._encoder = PointsEncoder(rank)


def _locked(descriptor: int) -> int:
    """The same open file, under a high number and locked; but on Windows, where a lock would keep readers out."""
    moved = out_of_the_way(descriptor)
    if sys.platform != "win32":
        lock_while_open(moved)
    return moved


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        pass


def _nothing() -> None:
    """Nobody wants to know."""


def tell_nobody(text: str) -> None:
    """Tell nobody: an error says it."""


def _forked() -> None:
    close_retired(float("inf"))
    for writer in list(_writers):
        writer._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
