"""File names that are no text: on Linux a name is any bytes, and what is recorded of files is text.

Such bytes are written as `\\xNN`, so that the file can be found again and two names stay two.
"""

import re

_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")


def text_of_name(path: str) -> str:
    """A path as `os.fsdecode` gives it, as text of valid characters."""
    text = _escaped(path)
    if text == path and _ESCAPED.search(path) is None:
        return path
    return _escaped(path.replace("\\", "\\x5c"))


def _escaped(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def name_of_text(text: str) -> str:
    """The path of which `text_of_name` made this; the same for names that are text, as most are."""
    return _ESCAPED.sub(lambda match: _character(int(match[1], 16)), text)


def _character(byte: int) -> str:
    """As `os.fsdecode` gives a byte that is no part of a character."""
    return bytes([byte]).decode("ascii", "surrogateescape")
