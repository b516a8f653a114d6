"""Numbers of things, and lists of them, in words. (Python 3.8, standard library.)"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence


def counted(number: int, thing: str, plural: str = "") -> str:
    """`1 file`, `2 files`, `12,345 files`; `plural` where an s does not make it."""
    return "{:,} {}".format(number, thing if number == 1 else plural or thing + "s")


def listed(names: Sequence[str], most: int = 3) -> str:
    """`a, b, c and 4 more`."""
    more = len(names) - most
    return ", ".join(names[:most]) + (" and {:,} more".format(more) if more > 0 else "")
