"""Paths put into a shell command: as one word, wherever in the command they stand.

Azure ML's paths never hold a blank, so commands are written without quotation marks around them; here a folder may be
called anything.
"""

import re
import shlex

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")
_MEANT_IN_DOUBLE = re.compile(r'(["\\$`])')


def in_place(path: str, before: str) -> str:
    """The path as the shell must read it after the text `before`: unchanged if nothing in it means anything to one."""
    if _PLAIN.fullmatch(path):
        return path
    quote = open_quote(before)
    if quote == "'":
        return path.replace("'", "'\\''")
    if quote == '"':
        return _MEANT_IN_DOUBLE.sub(r"\\\1", path)
    return shlex.quote(path)


def open_quote(text: str) -> str:
    """The quotation mark that is still open at the end of a shell command's text; empty if none is."""
    quote, position = "", 0
    while position < len(text):
        letter = text[position]
        if letter == "\\" and quote != "'":
            position += 1
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "#" and (position == 0 or text[position - 1] in " \t\n;&|("):
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        position += 1
    return quote
