"""Work beside the script, in threads of our own. (Python 3.8.)"""

from __future__ import annotations

import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

#: So long a fork waits for what is being loaded, in seconds.
_LOADING_SECONDS = 5.0
_lock = threading.Lock()


def beside(function: Callable[[], None], name: str) -> Optional[threading.Thread]:
    """The thread that calls the function; None where Python starts none, as it may at its end."""
    thread = threading.Thread(target=function, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread


class Loading:
    """As long as such a thread loads modules nobody forks: the child would find them half loaded, and locked for
    ever."""

    def __enter__(self) -> None:
        _lock.acquire()

    def __exit__(self, *_: object) -> None:
        _lock.release()


class _Forking(threading.local):
    """Of one thread: how many forks it is in (a signal's handler may fork in the midst of one), and whether it has the
    lock for that."""

    depth = 0
    has_lock = False


_forking = _Forking()


def _before_fork() -> None:
    _forking.depth += 1
    if _forking.depth == 1:
        _forking.has_lock = _lock.acquire(timeout=_LOADING_SECONDS)


def _after_fork() -> None:
    _forking.depth -= 1
    if _forking.depth == 0 and _forking.has_lock:
        _forking.has_lock = False
        _lock.release()


def _in_child() -> None:
    global _lock
    _lock = threading.Lock()
    _forking.depth -= 1
    _forking.has_lock = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
