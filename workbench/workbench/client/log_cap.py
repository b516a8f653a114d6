"""Keeps a run's log within its cap while it is written: head and tail stay, the middle goes. (Python 3.8.)

Others append to the file (a job's parent, a script), so the middle is cut out beneath them: by punching a hole
(fallocate(2)), which moves no byte; where the file system cannot, by saving the head elsewhere and truncating,
which O_APPEND allows. At the end head and tail are joined, with a line
that names the gap.

`control/log.json` tells readers of the log, for each inode that the log may have just then, its `LogShape`. Each
rank's log has a cap of its own.
"""

import os
import sys
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from workbench_store.layout import RunLayout
from workbench_store.locks import FileLock

from workbench.client.json_files import read_json, write_json
from workbench.client.log_limit import cap_bytes

_KEEP_SIZE_PUNCH_HOLE = 0x01 | 0x02  # FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, linux/falloc.h
_COPY_BYTES = 1024 * 1024
#: To cut a log takes less; who was stopped in the midst of it is not waited for.
_OTHERS_SECONDS = 5.0


class LogShape(NamedTuple):
    """How positions in what the job wrote map to positions in the file.

    Bytes before `head` are where they were written (in the file `head_file` if that is not empty); those
    from `head` to `resume` are gone; those from `resume` on are in the log at their position plus `shift`.
    """

    head: int
    resume: int
    shift: int
    head_file: str = ""

    @property
    def gap(self) -> int:
        """How many bytes are gone."""
        return self.resume - self.head


def read_shapes(files: RunLayout, rank: int = 0) -> Dict[int, LogShape]:
    """The shapes of a rank's log by inode; none as long as nothing was cut."""
    content = read_json(files.rank_log_shape(rank)) or {}
    shapes = {int(inode): LogShape(**shape) for inode, shape in content.items()}
    return {inode: shape._replace(head_file=_beside(files, shape.head_file)) for inode, shape in shapes.items()}


def _beside(files: RunLayout, head_file: str) -> str:
    """Where it is by now: the workspace may have been moved, or be a copy."""
    return str(files.control / Path(head_file).name) if head_file else ""


def shape_of(shapes: Dict[int, LogShape], descriptor: int) -> Optional[LogShape]:
    """That of an open log, which in a copy of the workspace has another inode."""
    inode = os.fstat(descriptor).st_ino
    if inode in shapes:
        return shapes[inode]
    return next((shape for shape in reversed(list(shapes.values())) if _fits(shape, descriptor)), None)


def _fits(shape: LogShape, descriptor: int) -> bool:
    """Whether the open file has the gap where the shape says; one whose head is elsewhere has none."""
    if shape.head_file:
        return True
    line = gap_line(shape)
    found = os.pread(descriptor, len(line), shape.head)
    return found == (line if _is_joined(shape) else bytes(len(line)))


def gap_line(shape: LogShape) -> bytes:
    """The line that stands in the place of the gap."""
    return b"\n[... %d bytes of the log were left out here: it reached its cap (WORKBENCH_LOG_CAP) ...]\n" % shape.gap


def logged_ranks(files: RunLayout) -> List[int]:
    """The ranks that have a log, 0 first; 0 alone as long as there is none."""
    logs = files.user_log.parent.glob("std_log_process_*.txt")
    names = (path.stem[len("std_log_process_") :] for path in logs)
    return [0, *sorted(int(name) for name in names if name.isdigit())]


def join_logs(files: RunLayout) -> None:
    """Join head and tail of every log of a run whose command has ended."""
    for rank in logged_ranks(files):
        LogCap(files, rank).collapse()


class LogCap:
    """Cuts the middle out of one rank's log whenever it has grown by half above its cap."""

    def __init__(self, files: RunLayout, rank: int = 0) -> None:
        self._files, self._rank = files, rank
        self._log = files.rank_log(rank)
        self._shapes = files.rank_log_shape(rank)
        self._head = files.control / f"{self._log.stem}.head"
        self._cap = cap_bytes()
        self._shape: Optional[LogShape] = None
        self._loaded = False

    def enforce(self) -> None:
        """Cut if the log is too large. Raises OSError when the disk does not let it."""
        try:
            size = self._log.stat().st_size
        except OSError:
            return
        if size >= self._cap:
            self._load()
            shape = self._shape or self._uncut()
            written = self._log.stat().st_size - shape.shift
            if written - shape.gap > self._cap + self._cap // 2:
                self._cut(shape, written)

    def enforce_with_others(self) -> None:
        """The same where several processes of a run do it: one at a time, each with what the others have done. Raises
        OSError or WorkspaceError."""
        lock = FileLock(self._files.log_lock)
        if not lock.try_acquire():
            return
        try:
            self._loaded = False  # others may have cut it meanwhile
            self.enforce()
        finally:
            lock.release()

    def collapse_with_others(self) -> None:
        """The same, of `collapse`."""
        lock = FileLock(self._files.log_lock)
        if lock.acquire(_OTHERS_SECONDS):
            try:
                self.collapse()
            finally:
                lock.release()

    def _uncut(self) -> LogShape:
        return LogShape(self._cap // 2, self._cap // 2, 0)

    def _load(self) -> None:
        if not self._loaded:
            with self._log.open("rb") as log:
                self._shape = shape_of(read_shapes(self._files, self._rank), log.fileno())
            self._loaded = True

    def _cut(self, shape: LogShape, written: int) -> None:
        with self._log.open("r+b") as log:
            resume = written - self._cap // 2
            # The tail is not where it was written in a log that was joined, and goes on as its run was resumed.
            if not shape.head_file and _punch(log.fileno(), shape.head, resume + shape.shift - shape.head):
                self._record(LogShape(shape.head, resume, shape.shift), log.fileno())
                return
            head = Path(shape.head_file) if shape.head_file else self._save_head(shape.head)
            size = os.fstat(log.fileno()).st_size - shape.shift
            log.truncate(0)
            self._record(LogShape(shape.head, size, -size, str(head)), log.fileno())

    def _save_head(self, size: int) -> Path:
        path = self._head
        with self._log.open("rb") as log, path.open("wb") as head:
            _copy(log, head, size)
        return path

    def _record(self, shape: LogShape, descriptor: int) -> None:
        self._shape = shape
        write_json(self._shapes, {str(os.fstat(descriptor).st_ino): shape._asdict()})

    def collapse(self) -> None:
        """Join head and tail once the job has ended; nothing happens if nothing was cut, or it was done
        before."""
        log_path = self._log
        if not log_path.exists():
            return
        self._loaded = False
        self._load()
        shape = self._shape or self._uncut()
        if _is_joined(shape):
            return
        written = log_path.stat().st_size - shape.shift
        if written - shape.gap > self._cap:
            shape = shape._replace(resume=written - self._cap // 2)
        if not shape.gap:
            return
        hidden = log_path.with_name(f".{log_path.name}.joined")
        try:
            self._join(shape, hidden)
        except OSError:  # a full disk
            hidden.unlink()
            raise
        after = shape._replace(shift=shape.head + len(gap_line(shape)) - shape.resume, head_file="")
        # Both inodes are told before the rename, so that no reader meets one that it does not know.
        inodes = {str(log_path.stat().st_ino): shape._asdict(), str(hidden.stat().st_ino): after._asdict()}
        write_json(self._shapes, inodes)
        hidden.replace(log_path)
        if shape.head_file:
            Path(shape.head_file).unlink(missing_ok=True)

    def _join(self, shape: LogShape, joined_path: Path) -> None:
        head_path = Path(shape.head_file) if shape.head_file else self._log
        with head_path.open("rb") as head, self._log.open("rb") as log, joined_path.open("wb") as joined:
            _copy(head, joined, shape.head)
            joined.write(gap_line(shape))
            log.seek(shape.resume + shape.shift)
            _copy(log, joined, sys.maxsize)
            joined.flush()
            os.fsync(joined.fileno())


def _is_joined(shape: LogShape) -> bool:
    return not shape.head_file and shape.shift == shape.head + len(gap_line(shape)) - shape.resume


def _copy(source: Any, target: Any, size: int) -> None:
    while size > 0:
        part = source.read(min(size, _COPY_BYTES))
        if not part:
            return
        target.write(part)
        size -= len(part)


def _punch(descriptor: int, offset: int, length: int) -> bool:
    """Give the blocks of a stretch back to the file system; whether it could."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # what only a log above its cap needs

    library = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_int(_KEEP_SIZE_PUNCH_HOLE), ctypes.c_int64(offset), ctypes.c_int64(length))
    return bool(library.fallocate64(ctypes.c_int(descriptor), *arguments) == 0)
