"""Words of the filter language that begin with a dash (`-tag:old`, `-name~heron`), which argparse takes for options."""

import re
from collections.abc import Collection, Iterator, Sequence

_OPERATOR = re.compile(r"[:=<>~]")
_WITH_NUMBER = re.compile(r"(-[a-z])=?\d+")


def is_turned_round(word: str, options: Collection[str]) -> bool:
    """Whether the word is a filter's that is turned round, and no option (`options`, with their dashes) or slip of
    one."""
    if not word.startswith("-") or word.startswith("--") or word in ("-", *options):
        return False
    attached = _WITH_NUMBER.fullmatch(word)
    if attached and attached[1] in options:  # `-n5`
        return False
    return bool(_OPERATOR.search(word)) or nearest_option(word, options) is None


def nearest_option(word: str, options: Collection[str]) -> str | None:
    """The option that is meant, or None."""
    import difflib

    known = {name.lstrip("-"): name for name in options}  # dashes make all of them alike
    near = difflib.get_close_matches(word.lstrip("-"), known, 1, 0.6)
    return known[near[0]] if near else None


def joined(words: Sequence[str], taking: Collection[str], options: Collection[str]) -> Iterator[str]:
    """The words, where an option of `taking` and the turned round filter behind it are one: `--all=-tag:keep`."""
    following = iter([*words[1:], ""])
    for word in (given := iter(words)):
        behind = next(following)
        if word in taking and is_turned_round(behind, options):
            yield f"{word}={behind}"
            next(given), next(following)
        else:
            yield word
