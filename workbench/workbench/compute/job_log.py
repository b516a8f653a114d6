"""How a job's output comes into its logs: through a pipe for each rank, which the job's parent empties into the file.

With a file as its stdout, a job that writes to `/dev/stderr` would open that file anew and cut it to nothing, and its
`print` would fail on a full disk. The job has its pipe open for reading too, so that nothing breaks when nobody empties
it. Where the parent was killed the supervisor does; where both were, the job goes on until the pipe is full, and then
waits for `workbench adopt`.

Loaded by the job's parent, so it imports little, and nothing of workbench.
"""

import fcntl
import os
import sys

#: What may wait in memory while the disk takes nothing, in bytes.
HELD_BYTES = 1024 * 1024
_READ_BYTES = 1024 * 1024
#: What a pipe takes while nobody empties it, in bytes, if the system allows. Where there are more than a few they have
#: the system's own size, as a user may have 64 MiB of them.
_PIPE_BYTES = 1024 * 1024
_MOST_WIDE = 8


def new_pipes(count: int) -> list[tuple[int, int]]:
    """The two ends of a pipe for each of so many logs; none at all where the system cannot open a pipe anew by the
    number of its descriptor, or has no room for all: then each log is the job's own file.

    Who is given the first end empties the pipe; a process writes to what it opens at `place_of` the second.
    """
    if not sys.platform.startswith("linux") or not os.path.exists(place_of(0)):
        return []
    found: list[tuple[int, int]] = []
    try:
        for _ in range(count):
            found.append(os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        for source, target in found:
            os.close(source)
            os.close(target)
        return []
    for _, target in found if count <= _MOST_WIDE else ():
        try:  # noqa: SIM105 (contextlib would be one more module to load)
            fcntl.fcntl(target, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:
            pass  # the system allows less
    return found


def place_of(descriptor: int, pid: int | None = None) -> str:
    """Where an open file of a process (None: of this one) is opened anew."""
    return f"/proc/{pid or 'self'}/fd/{descriptor}"


def is_replaced(descriptor: int, path: str, folder: int | None = None) -> bool:
    """As `workbench_store.descriptors` has it, which is not there for the job's parent."""
    try:
        return not os.path.samestat(os.stat(path, dir_fd=folder), os.fstat(descriptor))
    except OSError:
        return False


class JobLog:
    """One rank's pipe, and the log that it is emptied into. Never raises because of the disk.

    `source` is the pipe's end for reading. Raises OSError where the log cannot be opened.
    """

    def __init__(self, source: int, log: str) -> None:
        self.source = source
        self._place, self._name = os.path.split(log)
        # A workspace may be moved while the job runs.
        self._folder = self._open_folder()
        self._sink = self._open()
        self._held = b""
        self._lost = 0

    def _open_folder(self) -> int:
        return os.open(self._place or ".", os.O_RDONLY)

    def _open(self) -> int:
        return os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600, dir_fd=self._folder)

    def _follow(self) -> None:
        """Go on in the file that has taken the log's place, as editors and `sed -i` put one there, or in a copy of the
        folder that has taken its own."""
        try:
            if os.fstat(self._folder).st_nlink == 0:
                folder = self._open_folder()
                os.close(self._folder)
                self._folder = folder
            gone = os.fstat(self._sink).st_nlink == 0
            if gone or is_replaced(self._sink, self._name, self._folder):
                sink = self._open()
                os.close(self._sink)
                self._sink = sink
        except OSError:
            pass  # its folder is gone as well

    @property
    def unsaved(self) -> int:
        """How many bytes wait for room on the disk, or were lost with no line in the log so far that says so."""
        return len(self._held) + self._lost

    def take(self) -> bool:
        """Bring what is in the pipe just now to the log, a part of it; whether there was anything."""
        try:
            data = os.read(self.source, _READ_BYTES)
        except OSError:
            data = b""
        if data or self.unsaved:
            self._follow()
        if self.unsaved:
            self._retry()
        if data:
            self._put(data)
        return bool(data)

    def take_all(self) -> None:
        """Bring all that is in the pipe to the log, but not for ever what a process goes on writing."""
        for _ in range(_PIPE_BYTES // _READ_BYTES + 1):
            if not self.take():
                return

    def _put(self, data: bytes) -> None:
        if not self.unsaved:
            data = self._written(data)
        room = HELD_BYTES - len(self._held)
        # What comes after something was lost is lost too, so that there is one gap, in its place.
        kept = b"" if self._lost else data[:room]
        self._held += kept
        self._lost += len(data) - len(kept)

    def _retry(self) -> None:
        self._held = self._written(self._held)
        if self._lost and not self._held:
            line = b"\n[... %d bytes of the log were lost here: there was no room on the disk ...]\n" % self._lost
            self._held, self._lost = self._written(line), 0

    def _written(self, data: bytes) -> bytes:
        """What could not be written of it."""
        try:
            while data:
                data = data[os.write(self._sink, data) :]
        except OSError:
            pass
        return data
