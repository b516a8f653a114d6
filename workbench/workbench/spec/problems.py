"""What is wrong with a spec, said so that a person can find and mend it."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning", "note"]


class Problem(Struct, frozen=True):
    """One thing wrong with a spec, or (a note) of no use here.

    file: the job file, the override (`--set inputs.lr=x`), or `command()` for what Python built.
    line, column: from 1; 0 where the thing has no place in a file.
    path: the field, dotted (`inputs.data.mode`); empty for the file as a whole.
    allowed: the values or keys that would do, where they can be listed.
    nearest: which of them was probably meant.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    allowed: tuple[str, ...] = ()
    nearest: str | None = None
    severity: Severity = "error"


def nearest_name(name: str, allowed: Iterable[str], likeness: float = 0.6) -> str | None:
    """Which of `allowed` a misspelt `name` probably means, or None; `likeness` is what they have in common at least."""
    from difflib import get_close_matches

    by_folded = {candidate.casefold(): candidate for candidate in allowed}
    close = get_close_matches(name.casefold()[:256], by_folded, n=1, cutoff=likeness)
    return by_folded[close[0]] if close else None
