"""`sys.exit`, `exit` and `quit` as they always are, but for a note of what they are given. (Python 3.8; every script
loads it, so it holds no more than that.)

They are put in place when Workbench is imported, not just while a run is open: in `sys.exit(main())` Python looks up
`sys.exit` before `main` opens one.
"""

from __future__ import annotations

import builtins
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

#: Told what they are given, while there is somebody who wants to know.
listener: Optional[Callable[[Any], None]] = None


_PLACES = ((sys, "exit"), (builtins, "exit"), (builtins, "quit"))


class _Noting:
    """One of the three, and a note of what it was given."""

    def __init__(self, own: Any) -> None:
        self.own = own

    def __repr__(self) -> str:
        return repr(self.own)

    def __call__(self, *given: Any, **named: Any) -> Any:
        if listener is not None:
            listener(given[0] if given else next(iter(named.values()), None))
        return self.own(*given, **named)


def put() -> None:
    """Have notes taken."""
    for place, name in _PLACES:
        own = getattr(place, name, None)
        if own is not None and not isinstance(own, _Noting):
            setattr(place, name, _Noting(own))


put()
