"""What a script prints goes to its run's log too, where `workbench logs` and the dashboard find it. (Python 3.8.)

The streams stay the objects they are; only their `write` is wrapped. So whoever holds one already (a handler of
logging, a progress bar, a notebook) is heard as well, and everything else about it is as before. The log is a file that
is written at once: no pipe and no thread that could hold the script up. What is not written by way of `sys.stdout` and
`sys.stderr` (by child programs, or by C code) is not heard.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from workbench_store.descriptors import is_replaced, mark_of, out_of_the_way
from workbench_store.journal.retired import retire
from workbench_store.layout import RunLayout

from workbench.client.log_limit import cap_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Set, Tuple

    #: An open file's number and its mark.
    _File = Tuple[int, Optional[Tuple[int, int]]]

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
#: What may wait in memory while the disk takes nothing, in bytes.
_HELD_BYTES = 1024 * 1024
#: How often it is looked whether another file has taken the log's place.
_LOOK_SECONDS = 0.05


class Console:
    """Hears `sys.stdout` and `sys.stderr` from when it is made until `stop`; in forked children too."""

    def __init__(self, files: RunLayout) -> None:
        self._log = ConsoleLog(files)
        self._undo: List[Callable[[], None]] = []
        self._hear()
        self._shell = _interactive_shell()
        if self._shell is not None:
            # At the end of a cell IPython sets the streams' methods to what they were at its beginning.
            self._shell.events.register("pre_run_cell", self._hear)

    def _hear(self, *_: Any) -> None:
        """Wrap the streams that are there now, where they are not yet."""
        for stream in (sys.stdout, sys.stderr):
            undo = _hear(stream, self._log)
            if undo is not None:
                # Of one stream the latest is what counts.
                self._undo = [*self._undo[-1:], undo]

    def failed(self, error: BaseException) -> None:
        """Put the traceback into the log of a run that ends before the interpreter would print it."""
        if isinstance(error, SystemExit):
            text = "" if error.code is None or isinstance(error.code, int) else "{}\n".format(error.code)
        else:
            import traceback

            text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self._log.write(text)

    def stop(self) -> int:
        """Hear no more; the streams are as they were. How many bytes the log lacks and cannot say so."""
        if self._shell is not None:
            try:
                self._shell.events.unregister("pre_run_cell", self._hear)
            except ValueError:
                pass
        while self._undo:
            self._undo.pop()()
        return self._log.close()


def _interactive_shell() -> Any:
    """The shell of IPython or of a notebook that this process is; None if it is none."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if shell is None else shell()


def _hear(stream: Any, log: "ConsoleLog") -> Optional[Callable[[], None]]:
    """Wrap the stream's `write`; returns what undoes that. None for no stream, or one whose methods are fixed."""
    attributes = getattr(stream, "__dict__", None)
    if stream is None or attributes is None:
        return None
    original, before = stream.write, attributes.get("write")
    if getattr(original, "heard_by", None) is log:
        return None  # both streams are one
    heard = _heard(original, log)
    try:
        stream.write = heard
    except (AttributeError, TypeError):
        return None

    def undo() -> None:
        # Where somebody has wrapped it again meanwhile, ours stays inside and passes everything on.
        if attributes.get("write") is heard:
            if before is None:
                del stream.write
            else:
                stream.write = before

    return undo


def _heard(original: Callable[..., Any], log: "ConsoleLog") -> Callable[..., Any]:
    writing, this_thread = log.writing, threading.get_ident

    def write(text: Any, *more: Any, **named: Any) -> Any:
        thread = this_thread()
        if thread in writing or not isinstance(text, str):
            return original(text, *more, **named)
        # Somebody may have wrapped what was wrapped here and is now once more: it is heard once.
        writing.add(thread)
        try:
            log.write(text)
            return original(text, *more, **named)
        finally:
            writing.discard(thread)

    write.heard_by = log  # type: ignore[attr-defined]
    return write


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
        #: The open log and what tells it from other files. No lock: a forked child would wait for one for ever.
        self._file: Optional[_File] = None
        self._closed = False
        self._pid = os.getpid()
        self._look_at = 0.0
        #: What the disk did not take, and how much more came after it; in a forked child these are its parent's.
        self._held = bytearray()
        self._lost = 0
        self._holder = self._pid
        self._unchecked = 0
        self._check_bytes = cap_bytes() // 4
        self._cap: Any = None
        self._cutting = threading.Lock()

    def write(self, text: str) -> None:
        """Append the text; what the disk does not take waits for room, and where that is too much the log says so."""
        if self._closed or not text:
            return
        data = text.encode("utf-8", "backslashreplace")
        try:
            descriptor = self._descriptor()
        except OSError:
            self._hold(data)
            return
        if descriptor is None:
            return
        if self._held or self._lost:
            self._retry(descriptor)
        rest = data if self._held or self._lost else _written(descriptor, data)
        if rest:
            self._hold(rest)
            return
        self._unchecked += len(data)
        if self._unchecked >= self._check_bytes:
            self._cut()

    def _hold(self, data: bytes) -> None:
        self._forget_a_parents()
        # What comes after something was lost is lost too, so that there is one gap, in its place.
        kept = b"" if self._lost else data[: _HELD_BYTES - len(self._held)]
        self._held += kept
        self._lost += len(data) - len(kept)

    def _retry(self, descriptor: int) -> None:
        self._forget_a_parents()
        # Out of the way of another thread, which would write it too.
        held, self._held = self._held, bytearray()
        self._held[:0] = _written(descriptor, bytes(held))
        if self._lost and not self._held:
            lost, self._lost = self._lost, 0
            line = b"\n[... %d bytes could not be written here ...]\n" % lost
            if len(_written(descriptor, line)) == len(line):
                self._lost += lost

    def _forget_a_parents(self) -> None:
        if self._holder != os.getpid():
            self._holder, self._held, self._lost = os.getpid(), bytearray(), 0

    def _descriptor(self) -> Optional[int]:
        """The open log, which is that in its place: an editor or `sed -i` may have put another there. None once it is
        closed. Raises OSError."""
        descriptor = _ours(self._file)
        now = time.monotonic()
        if descriptor is not None and now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            if is_replaced(descriptor, self._files.user_log):
                self._file = None
                retire(descriptor)
                descriptor = None
        return self._open() if descriptor is None else descriptor

    def _open(self) -> Optional[int]:
        """The open log; None once it is closed. Another thread may open it, or close it, at the same time."""
        before = self._file
        descriptor = out_of_the_way(os.open(str(self._files.user_log), _FLAGS, 0o600))
        if self._closed or self._file is not before:
            os.close(descriptor)
            return None if self._closed else _ours(self._file)
        self._file = (descriptor, mark_of(descriptor))
        return descriptor

    def _cut(self) -> None:
        """Keep the log within its cap; the process that opened the run does, its children only write."""
        self._unchecked = 0
        if os.getpid() != self._pid or not self._cutting.acquire(False):
            return
        try:
            if self._cap is None:
                # What only a long log needs is loaded for one.
                from workbench.client.log_cap import LogCap

                self._cap = LogCap(self._files)
            self._cap.enforce()
        except OSError:
            pass  # a full disk: it is tried again
        finally:
            self._cutting.release()

    def close(self) -> int:
        """Write no more; head and tail of a log that was cut are joined. How many bytes are lost."""
        if self._held or self._lost:
            try:
                descriptor = self._descriptor()
            except OSError:
                descriptor = None
            if descriptor is not None:
                self._retry(descriptor)
        self._closed = True
        descriptor, self._file = _ours(self._file), None
        if descriptor is not None:
            # Another thread may be about to write to it.
            retire(descriptor)
        if self._cap is not None and os.getpid() == self._pid:
            try:
                self._cap.collapse()
            except OSError:
                pass  # readers find their way in it as it is
        return len(self._held) + self._lost


def _written(descriptor: int, data: bytes) -> bytes:
    """What could not be written of it."""
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        pass
    return data
