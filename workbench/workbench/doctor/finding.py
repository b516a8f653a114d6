"""What a look at something found."""

import errno
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from msgspec import Struct
from workbench_store.errors import WorkbenchError
from workbench_store.no_room import NO_ROOM

_Given = ParamSpec("_Given")
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


class Finding(Struct, frozen=True):
    """One thing looked at: `level` is ok, note or problem; `remedy` says what to do about it.

    mend: does that, where nothing has to be decided and nothing can be lost by it; may raise WorkbenchError or OSError.
    """

    level: str
    what: str
    remedy: str = ""
    mend: Callable[[], object] | None = None


def problem_of(error: OSError | WorkbenchError, what: str = "", remedy: str = "") -> Finding:
    """The problem that the error is: `what`, why, and what helps against that. `remedy` is for what has no better."""
    cause = error if isinstance(error, OSError) else error.__cause__
    number = cause.errno if isinstance(cause, OSError) else None
    own = (error.remedy or "") if isinstance(error, WorkbenchError) else ""
    if number in NO_ROOM:
        best = "Make room there: disk space, or files where `df -i` shows that no more fit (or raise your quota)."
    elif number in _NOT_ALLOWED:
        best = remedy or own or "Give yourself the permission to write there, or use a place that you may write."
    else:
        best = own or remedy or "See that this place is there, is a folder and can be written."
    return Finding("problem", f"{what}: {_reason(error)}" if what else _reason(error), best)


def _reason(error: OSError | WorkbenchError) -> str:
    if isinstance(error, WorkbenchError):
        return error.message
    place = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{place}"


def told(what: str, remedy: str = "") -> Callable[[Callable[_Given, Finding]], Callable[_Given, Finding]]:
    """Make a check tell what stops it as a problem, so that the checks behind it still have their turn."""

    def around(check: Callable[_Given, Finding]) -> Callable[_Given, Finding]:
        @wraps(check)
        def checked(*given: _Given.args, **named: _Given.kwargs) -> Finding:
            try:
                return check(*given, **named)
            except (OSError, WorkbenchError) as error:
                return problem_of(error, what, remedy)

        return checked

    return around
