"""File names that are no text: on Linux a name is any bytes, and what is recorded of files is text.

Such bytes are written as `\\xNN`, so that the file can be found again and two names stay two.
"""

import os
import re
from pathlib import Path

_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_LOOKS_ESCAPED = re.compile(r"\\x[0-9a-f]{2}")


def text_of_name(path: str) -> str:
    """A path as `os.fsdecode` gives it, as text of valid characters."""
    text = _escaped(path)
    if text == path and _LOOKS_ESCAPED.search(path) is None:
        return path
    return _escaped(path.replace("\\", "\\x5c"))


def _escaped(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def place_of_text(place: Path) -> Path:
    """The place of which `text_of_name` made this; the same for a name that is text, as most are."""
    if _LOOKS_ESCAPED.search(str(place)) is None:
        return place
    return Path(os.fsdecode(_ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), os.fsencode(place))))
