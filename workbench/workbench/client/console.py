"""What a script prints goes to its run's log too, where `workbench logs` and the dashboard find it. (Python 3.8.)

The streams stay the objects they are; only their `write` is wrapped. So whoever holds one already (a handler of
logging, a progress bar, a notebook) is heard as well, and everything else about it is as before. The log is a file that
is written at once: no pipe and no thread that could hold the script up. What is not written by way of `sys.stdout` and
`sys.stderr` (by child programs, or by C code) is not heard.
"""

from __future__ import annotations

import sys
import threading

from workbench_store.layout import RunLayout

from workbench.client.console_log import ConsoleLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional


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
