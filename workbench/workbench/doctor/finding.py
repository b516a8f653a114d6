"""What a look at something found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `level` is ok, note or problem; `remedy` says what to do about it."""

    level: str
    what: str
    remedy: str = ""
