"""A command line as far as it was typed: its words, and the one that is being typed."""

import os
import shlex
from typing import NamedTuple


class Typed(NamedTuple):
    """The words of a line without quotation marks; `quoted`: the last one's own is not closed yet."""

    words: list[str]
    quoted: bool


def typed_words(line: str) -> Typed:
    """The words of an unfinished line; the last one is being typed, and may be empty."""
    for closing in ("", "'", '"', "\\"):
        lexer = shlex.shlex(line + closing, posix=True, punctuation_chars="")
        lexer.whitespace_split = True
        lexer.commenters = ""
        try:
            words = list(lexer)
        except ValueError:
            continue
        if not closing and (not line or line[-1].isspace()) and not line.endswith("\\ "):
            words.append("")
        return Typed(words, closing in ("'", '"'))
    return Typed(line.split(" "), False)


def behind_program(words: list[str]) -> list[str]:
    """The words behind `workbench`, in front of which variables may be set; behind the first word where it has another
    name."""
    start = next((number for number, word in enumerate(words) if os.path.basename(word) == "workbench"), 0)
    return words[start + 1 :]


def after_breaks(word: str, candidate: str, breaks: str) -> str:
    """What of a candidate stands behind the last character of the word at which bash begins a new word: only that is
    replaced by it."""
    cut = max((word.rfind(mark) for mark in ":=" if mark in breaks), default=-1) + 1
    return candidate[cut:]
