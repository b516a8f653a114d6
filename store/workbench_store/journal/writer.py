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

from workbench_store.errors import WorkspaceError
from workbench_store.journal.encoding import PointsEncoder, encode_event
from workbench_store.journal.file import CLOSED, GONE, REPLACED, JournalFile
from workbench_store.journal.lost import Lost, missing_records
from workbench_store.journal.onward import Onward
from workbench_store.journal.retired import close_retired
from workbench_store.journal.waiting import Waiting
from workbench_store.journal.waiting_note import WaitingNote
from workbench_store.processes import boot_id, host_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Sequence, Tuple

#: While the disk takes nothing it is tried again this often, in seconds.
RETRY_SECONDS = 0.5
#: `points` looks this often, in seconds, what others have done to the file: each time would cost too much.
_LOOK_SECONDS = 0.05
#: Writers that several threads use at once.
_THREADED = ("script", "client")
#: Those of what scripts and the processes of jobs log, of which a note says that it waits for room on the disk.
_LOGGING = ("client", "script", "fork")
#: Taken now: a script's tests may put another in its place, which tells anything or nothing.
_clock = time.time
_NO_ROOM = OSError("no room for the whole record")
_writers: "weakref.WeakSet[JournalWriter]" = weakref.WeakSet()


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
        self.writer = writer
        #: Is given each warning.
        self.tell = tell
        self._file = JournalFile(Path(folder), writer, rank)
        self._encoder = PointsEncoder(rank)
        self._onward = Onward(after)
        #: What the disk did not take, until it has taken it.
        self._waits: Optional[Waiting] = None
        #: Of records that were cut short and are whole behind that, or wait: it is no damage, which the journal says.
        self._torn_bytes = 0
        self._warned = self._noted = False
        self._note = WaitingNote()
        self._closed = False
        self._lock = threading.RLock()
        self._retrying = False
        #: When `points` looked last.
        self._looked = 0.0
        #: Called when the file was closed or replaced by others, and another is about to be made.
        self.when_closed: Callable[[], object] = _nothing
        #: Called when the folder was found to have been moved.
        self.when_moved: Callable[[], object] = _nothing
        #: Called in a forked child.
        self.when_forked: Callable[[], object] = _nothing
        #: Called when something begins to wait for room on the disk.
        self.when_waiting: Callable[[], object] = _nothing
        try:
            self._open()
        except OSError as error:
            raise WorkspaceError(
                f"cannot write a journal in {self.folder}: {error.strerror or error}",
                remedy="Check that the folder is there, is yours, and that the disk has room.",
            ) from error
        _writers.add(self)

    @property
    def folder(self) -> Path:
        """Where the file is; another once it was found to have moved."""
        return self._file.folder

    @property
    def path(self) -> Path:
        """The file, which is another once the process forked, its rank was set, or others closed it."""
        return self._file.path

    @property
    def rank(self) -> int:
        """Whose points they are."""
        return self._file.rank

    def _open(self) -> None:
        self._file.make()
        self._append(encode_event("open", self.now(), self._introduction()), 0, "open")

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
            self.look()
        # The common case, without a lock: os.write appends whole records in any thread.
        descriptor = self._file.descriptor
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

    def look(self) -> None:
        """See what others have done to the file, and make up for it: before others of its folder are written, too."""
        if not self._file.trouble():
            return
        with self._lock:
            trouble = self._file.trouble()  # another thread may have seen to it just now
            if trouble == CLOSED:
                self._file.forget()
                self.when_closed()
            elif trouble == REPLACED:
                self._put_back()
            elif trouble == GONE:
                self._follow()
            elif trouble:
                self._bring_the_rest()

    def _put_back(self) -> None:
        """Have all that was written at the journal's path; where there is no room it is tried again."""
        try:
            replaced = self._file.put_back()
        except OSError as error:
            self._tell_it_waits(error)
            return
        if replaced:
            if self._waits is None:
                self._nothing_waits()
            self.when_closed()

    def _follow(self) -> None:
        """Go on where the folder is by now, if it was moved. A supervisor leaves then."""
        if self.writer in _LOGGING and self._file.follow():
            self.when_moved()

    def _bring_the_rest(self, at_last: bool = False) -> None:
        """Write here what threads have written since to files that were in its place."""
        for rest in self._file.left_behind(at_last):
            error = self._write(rest)
            if error is not None:
                self._hold(rest, 0, "", error, 1)

    def _append(self, data: bytes, points: int, event: str, records: Optional[int] = None) -> None:
        with self._lock:
            self.look()
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
            if self._file.descriptor < 0:
                self._open()
            written = os.write(self._file.descriptor, data)
            if written == len(data):
                return None
            # A short write leaves a torn record, which readers skip: the record is sent again whole.
            self._torn_bytes += written
            return _NO_ROOM
        except OSError as error:
            if error.errno != errno.EBADF or self._file.descriptor < 0:
                return error
        # Somebody has closed "all" descriptors of this process.
        self._file.forget()
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
            self._noted = True
            if self.is_ours():
                # Of a journal that cannot be made yet the note has a name of its own, and not that of the one before.
                self._note.leave(self.path if self._file.descriptor >= 0 else self._file.new_path())
            self.when_waiting()
        if not self._warned and error is not None:
            self._warned = True
            reason = error.strerror or str(error)
            self.tell(f"workbench: cannot write {self.path} ({reason}); recording goes on in memory and is retried")

    def _nothing_waits(self) -> None:
        self._warned = self._noted = False
        self._note.remove(self.folder)

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
        self._nothing_waits()
        return True

    @property
    def waiting(self) -> bool:
        """Whether something waits for room on the disk."""
        return self._waits is not None or self._file.displaced

    def flush(self) -> bool:
        """Try now to write what waits; whether all that was recorded is in the file."""
        with self._lock:
            self.look()
            if self._file.displaced:
                self._put_back()
            return (self._waits is None or self._retry(self._waits)) and not self._file.displaced

    def sync(self) -> None:
        """Bring what was written to the disk, for power loss; trouble is passed over."""
        try:
            getattr(os, "fdatasync", os.fsync)(self._file.descriptor)
        except (OSError, ValueError):  # it may have been closed
            pass

    def close(self) -> Lost:
        """Write what still waits, if the disk takes it, and close the file; what it did not take."""
        with self._lock:
            lost = Lost()
            self._file.put_back_now()
            self.look()
            self._bring_the_rest(at_last=True)
            if not self._closed and not self.flush():
                lost = self._what_is_lost()
                what = f"{lost.points} points" if lost.points else f"{lost.records or lost.all_records} records"
                self.tell(f"workbench: {what} could not be written to {self.path}")
            self._closed = True
            if not lost.anything:
                self.lost_is_told()
            self._file.retire() if self.writer in _THREADED else self._file.close()
            return lost

    def lost_is_told(self) -> None:
        """Whoever has closed it has told what is lost: who finds this process killed need not ask."""
        self._nothing_waits()

    def _what_is_lost(self) -> Lost:
        lost = Lost() if self._waits is None else self._waits.all_lost()
        lost.torn = self._torn_bytes
        if self._file.displaced:
            lost.add(self._file.lacking())
        return lost

    def is_ours(self) -> bool:
        """Whether the folder is not that of another run by now."""
        return self._file.is_ours()

    def in_place(self) -> bool:
        """Whether the file is where it was made, and not removed or moved away with its folder."""
        with self._lock:
            return self._file.in_place()

    def moved(self, folder: Path) -> None:
        """The folder has another name by now, or is in another place of the same file system."""
        with self._lock:
            self._file.moved(folder)

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
        self._retrying, self._noted, self._note = False, False, WaitingNote()
        if self._file.trouble() == GONE:
            self._follow()
        self._file.let_go()
        self.when_forked()

    def set_rank(self, rank: int) -> None:
        """What comes from here on is of another rank, and in another file."""
        with self._lock:
            self._file.retire()
            self._file.rank = rank
            self._encoder = PointsEncoder(rank)


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
