"""The words of a filter: split at blanks, `|` apart, and joined again where blanks stand around an operator.

What other languages write is told, where it would be looked for as a text that no run holds.
"""

import re

from workbench_store.errors import UsageError

BAR = "|"
#: Operators around which blanks may stand; around a `:` they may not, as in `exp: digits` the field would be alone.
OPERATORS = "<=|>=|!=|==|=|<|>|~"
_TOKEN = re.compile(r'(?P<bar>\|)|(?P<word>(?:"[^"]*"|[^\s|"])+)|(?P<quote>")')
_BEGINS = re.compile(OPERATORS)
_ENDS = re.compile(rf"(?:.*[^:=<>!~])?(?:{OPERATORS})", re.S)
_TAG = re.compile(r"-?tags?:[^:=<>!~]+")
_TESTS = re.compile(r'(?:"[^"]*"|[^:=<>!~"])*[:=<>!~]')
_SLIPS = {
    "and": "words are joined by 'and' as they are",
    "&&": "words are joined by 'and' as they are",
    "&": "words are joined by 'and' as they are",
    "or": "'or' is written |",
    "not": "'not' is a - before a word",
    "-": "a - that turns a word round stands at the word",
}


def filter_words(text: str) -> list[str]:
    """The words and bars. Raises UsageError for half a quotation, and for words that other languages have."""
    words: list[str] = []
    for match in _TOKEN.finditer(text):
        if match["quote"]:
            raise UsageError(f"the filter {text!r} has a quotation mark without its partner")
        word = match[0]
        if words and _belongs(words[-1], word):
            words[-1] += word
        else:
            words.append(word)
    for word in words:
        _refuse_slip(word)
    return words


def _belongs(before: str, word: str) -> bool:
    """Whether the two are one condition: `lr < 0.1`, `tag:team = a`, `lr= 0.1`; but `note= state:failed` are two."""
    if BAR in (before, word):
        return False
    if _ENDS.fullmatch(before):
        return not _TESTS.match(word)
    return bool(_BEGINS.match(word)) and (not _TESTS.match(before) or _TAG.fullmatch(before) is not None)


def _refuse_slip(word: str) -> None:
    told = _SLIPS.get(word.lower())
    if told is None and word.lstrip("-").startswith("!"):
        told = _SLIPS["not"]
    if told is None and word.lstrip("-").startswith(":"):
        told = "there are no blanks around a :"
    if told is not None:
        raise UsageError(
            f"the filter's {word!r} is no condition: {told}",
            remedy=f"If it is a text you look for, write it in quotation marks: '\"{word}\"'.",
        )
