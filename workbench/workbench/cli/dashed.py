"""Words of the filter language that begin with a dash (`-tag:old`, `-name~heron`), which argparse takes for options.

They are told by their operator: a word that only begins with a dash is an option, or a slip of one.
"""

import re
from collections.abc import Collection, Iterator, Sequence

#: What stands for a filter in the usage: arguments that are called so may begin with a dash.
FILTER = "FILTER"
_TURNED_ROUND = re.compile(r"-(?!-).*[:=<>~].*", re.S)
_WITH_VALUE = re.compile(r"(-[a-z])=?\d+")


def is_turned_round(word: str, options: Collection[str]) -> bool:
    """Whether the word is a filter's that is turned round, and none of the `options` with its value (`-n=5`)."""
    if _TURNED_ROUND.fullmatch(word) is None:
        return False
    attached = _WITH_VALUE.fullmatch(word)
    return attached is None or attached[1] not in options


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
