"""The words of a filter: split at blanks, `|` apart, and joined again where blanks stand around an operator."""

import re

from workbench_store.errors import UsageError

BAR = "|"
#: Operators around which blanks may stand; behind a `:` they may not, as in `exp: digits` the field would be alone.
OPERATORS = "<=|>=|!=|=|<|>|~"
_TOKEN = re.compile(r'(?P<bar>\|)|(?P<word>(?:"[^"]*"|[^\s|"])+)|(?P<quote>")')
_BEGINS = re.compile(OPERATORS)
_ENDS = re.compile(rf".*[^:=<>!~](?:{OPERATORS})|{OPERATORS}", re.S)
_TESTS = re.compile(r'(?:"[^"]*"|[^:=<>!~"])*[:=<>!~]')
_JOINING = {
    "and": "words are joined by 'and' as they are",
    "or": "'or' is written |",
    "not": "'not' is a - before a word",
}


def filter_words(text: str) -> list[str]:
    """The words and bars. Raises UsageError for half a quotation, and for words that other languages join by."""
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
        if word.lower() in _JOINING:
            raise UsageError(
                f"the filter's {word!r} joins nothing: {_JOINING[word.lower()]}",
                remedy=f"If it is a name you look for, write it in quotation marks: '\"{word}\"'.",
            )
    return words


def _belongs(before: str, word: str) -> bool:
    """Whether the two are one condition: `lr < 0.1`, `lr <0.1`, `lr= 0.1`; but `note= state:failed` are two."""
    if BAR in (before, word):
        return False
    if _ENDS.fullmatch(before):
        return not _TESTS.match(word)
    return bool(_BEGINS.match(word)) and not _TESTS.match(before)
