"""What Workbench does at a script's end: after all that the script registered since it imported Workbench, which may
log still. (Python 3.8; loaded with every script, so it holds no more than that.)
"""

from __future__ import annotations

import atexit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List

_waiting: List[Callable[[], object]] = []
#: Whether the end has begun: what opens a run now would never be closed.
begun = False


def at_exit(function: Callable[[], object]) -> None:
    """Call the function at the end; the last one first."""
    _waiting.append(function)


def not_at_exit(function: Callable[[], object]) -> None:
    """Take back what `at_exit` was told, if it was."""
    if function in _waiting:
        _waiting.remove(function)


def _run() -> None:
    global begun
    begun = True
    while _waiting:
        try:
            _waiting.pop()()
        except Exception:  # the others are called all the same, as atexit does
            import traceback

            traceback.print_exc()


atexit.register(_run)
