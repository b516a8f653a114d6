"""What Workbench does at a script's end: after all that the script registered since it imported Workbench, which may
log still. (Python 3.8; loaded with every script, so it holds no more than that.)
"""

from __future__ import annotations

import atexit
import os
import sys
import threading

import workbench.client.exit_notes  # noqa: F401  (before anything that the script looks up for its own end)
from workbench.client.family import is_a_child, is_being_loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Optional, Tuple

#: With the process that registered each: a forked child has its parent's too.
_waiting: List[Tuple[int, Callable[[], object]]] = []
#: Whether the end has begun: what opens a run now would never be closed.
begun = False
#: The process in which multiprocessing is asked to call.
_asked = 0


def at_exit(function: Callable[[], object]) -> None:
    """Call the function at the end; the last one first."""
    _waiting.append((os.getpid(), function))
    _ask_multiprocessing()


def not_at_exit(function: Callable[[], object]) -> None:
    """Take back what `at_exit` was told, if it was."""
    _waiting[:] = [one for one in _waiting if one[1] != function]


def _ask_multiprocessing() -> None:
    """Its children leave by `os._exit`, past what `atexit` was told."""
    global _asked
    util = sys.modules.get("multiprocessing.util")
    if util is None or _asked == os.getpid() or not is_a_child() or is_being_loaded():
        return
    _asked = os.getpid()
    util.Finalize(None, _run_own, exitpriority=-1000)


def _run_own() -> None:
    """At the end of a child: what it registered itself, once no thread of it can log any more. Python waits for these
    right after this, and for a thread that waits for them as well; some end only then (those of executors)."""
    _waiting[:] = [one for one in _waiting if one[0] == os.getpid()]
    others = _other_threads()
    if others:
        try:
            _End(target=_run_after, args=(others,), name="workbench-end", daemon=False).start()
            return
        except RuntimeError:
            pass  # there can be no more threads
    _run()


def _other_threads() -> List[threading.Thread]:
    """Those that Python waits for."""
    mine = threading.current_thread()
    return [one for one in threading.enumerate() if not (one.daemon or one is mine or one is threading.main_thread())]


class _End(threading.Thread):
    """For this one nobody waits but Python: a thread that waits for all others, and for which it waits, would for
    ever."""

    def join(self, timeout: Optional[float] = None) -> None:
        """Return at once."""


def _run_after(threads: List[threading.Thread]) -> None:
    while threads:
        for one in threads:
            one.join()
        threads = _other_threads()  # which they may have started
    _run()


def _run() -> None:
    global begun
    begun = True
    while _waiting:
        try:
            _waiting.pop()[1]()
        except Exception:  # the others are called all the same, as atexit does
            import traceback

            traceback.print_exc()


atexit.register(_run)
