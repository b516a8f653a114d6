"""Cutting out what looks like a secret before it is recorded or shown. (Python 3.8: the in-job client uses it.)

A guess, by the form of a value or the name that it stands under. What is kept is a text without it; the job itself gets
what it was given.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from workbench_store.secret_forms import (
    CELL,
    CODE,
    END,
    ESCAPE,
    FORMS,
    GIVEN,
    HELD,
    LONGEST_ESCAPE,
    LONGEST_KIND,
    LONGEST_OPTION,
    MADE,
    NAME_ENDS,
    NAMED,
    OPTION,
    OTHER_ENDS,
    PAIR,
    PAIRED,
    PLACEHOLDER,
    PLAIN,
    REST,
    SETTING,
    SIGNS,
    STAND_IN,
    STEERING,
    STEERS,
    UNSURE_NAMES,
    WORDS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Match, Pattern, Tuple

REDACTED = "REDACTED"

#: Compiled when a text first needs them: a script's start must not wait for it.
_compiled: Dict[str, Pattern[str]] = {}


def may_hold_secrets(text: str) -> bool:
    """Whether there is any sign in the text of what `redacted` cuts out; where there is none it changes nothing."""
    return _has_signs(text) or (_is_steered(text) and _has_signs(_pattern(STEERING).sub("", text)))


def _has_signs(text: str) -> bool:
    lower = text.lower()
    return any(sign in lower for signs in (SIGNS, NAME_ENDS) for sign in signs)


def _is_steered(text: str) -> bool:
    return "\x1b" in text or "\x9b" in text or ("\\" in text and any(sign in text for sign in STEERS))


def redacted(text: str) -> str:
    """The text with every value that looks like a secret cut out."""
    pieces, done = [], 0
    for start, end in _places(text):
        if end > done:
            pieces += [text[done:start], REDACTED] if start >= done else []
            done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _places(text: str) -> List[Tuple[int, int]]:
    """Where secrets are, in order; some may overlap."""
    words, places = _by_form(text)
    places += [place for word, place in words if _begins_word(text, word)]
    if not _is_steered(text):
        return sorted([*places, *_by_name(text)])
    # Also within what steers a terminal: a link holds an address, a title any text.
    for held in _pattern(HELD).finditer(text):
        places += ((held.start(1) + start, held.start(1) + end) for start, end in _by_name(held[1]))
    return sorted([*places, *_as_shown(text)])


def _as_shown(text: str) -> Iterator[Tuple[int, int]]:
    """Where secrets are in the text as a terminal shows it."""
    plain = _pattern(STEERING).sub("", text)
    words, places = _by_form(plain)
    places += _by_name(plain)
    if not (words or places):  # as in most coloured lines
        return
    shown = _Shown(text)
    places += [place for word, place in words if word in shown.seams or _begins_word(plain, word)]
    for place in places:
        yield shown.place(place)


class _Shown:
    """Where the letters that a terminal shows of a text are in the text as it is."""

    def __init__(self, text: str) -> None:
        self._starts, self._origins, done, length = [0], [0], 0, 0
        for steering in _pattern(STEERING).finditer(text):
            length, done = length + steering.start() - done, steering.end()
            self._starts.append(length)
            self._origins.append(done)
        #: Where something was left out: a word may begin there whatever stands before.
        self.seams = frozenset(self._starts)

    def place(self, place: Tuple[int, int]) -> Tuple[int, int]:
        """The same place in the text as it is, without what steers the terminal before and behind it."""
        return self._origin(place[0]), self._origin(place[1] - 1) + 1

    def _origin(self, letter: int) -> int:
        piece = bisect_right(self._starts, letter) - 1
        return self._origins[piece] + letter - self._starts[piece]


def _by_form(text: str) -> Tuple[List[Tuple[int, Tuple[int, int]]], List[Tuple[int, int]]]:
    """Secrets by their form alone: those that are some only where a word begins, each with where that would be, and the
    others."""
    lower = text.lower()
    signs = [sign for sign in SIGNS if sign in lower]
    if not signs:
        return [], []
    words = dict.fromkeys([WORDS[sign] for sign in signs if sign in WORDS])
    others = [FORMS[sign] for sign in signs if sign in FORMS]
    return (
        [(found.start(), _value_of(found)) for form in words for found in _pattern(form).finditer(text)],
        [_value_of(found) for form in others for found in _pattern(form).finditer(text)],
    )


def _value_of(found: "Match[str]") -> Tuple[int, int]:
    return (found.end(found.lastgroup) if found.lastgroup else found.start()), found.end()


def _begins_word(text: str, start: int) -> bool:
    before = text[max(0, start - LONGEST_ESCAPE) : start]
    return not before[-1:].isalnum() or _pattern(ESCAPE).search(before) is not None


def _by_name(text: str) -> Iterator[Tuple[int, int]]:
    """What is given under a secret's name: `API_KEY=...`, `--api-key ...`, `"password": "..."`."""
    # The one letter that gets longer: places are to be the same in both.
    lower = text.replace("\u0130", "I").lower()
    if not [end for end in NAME_ENDS if end in lower]:
        return
    done = 0
    for end in _pattern(END).finditer(lower):
        if end.start() < done:
            continue
        sure = _makes_secret(lower, end.start(), end[0])
        if not sure and end[0] != "token":
            continue
        given = _pattern(GIVEN).match(text, end.end())
        if given is not None and (_is_secret(lower, end, given) if sure else _is_made(given)):
            rest = _pattern(REST).match(text, given.end())
            done = rest.end() if rest is not None else given.end()
            yield given.start("value"), done


def _makes_secret(lower: str, start: int, end: str) -> bool:
    """Whether a name whose end stands there is that of a secret."""
    before = lower[max(0, start - LONGEST_KIND) : start]
    if end in ("secret", "authorization") and not before[-1:].isalnum():
        return True
    if end == "token" and (before.endswith("--") or before[-1:] in ("?", "&")):
        return True
    if end == "pwd":
        return before[-1:] in ("_", "-") or before.rstrip(" ").endswith(";")
    return (before[:-1] if before[-1:] in ("_", "-", " ") else before).endswith(NAME_ENDS[end])


def _is_secret(lower: str, end: "Match[str]", given: "Match[str]") -> bool:
    """Whether the value that is given under such a name is one; what is said of it in plain words is none."""
    value, start = given["value"], end.start()
    is_quoted = lower[given.start("value") - 1] in "\"'"
    if _pattern(STAND_IN).fullmatch(value) or (not is_quoted and _is_code(lower, end, value)):
        return False
    is_option = _pattern(OPTION).fullmatch(lower, max(0, start - LONGEST_OPTION), start) is not None
    if given["cell"] is not None:
        return _is_cell(lower, start, given)
    if given["sign"] is None:
        # Else it is code that defines an option.
        is_given = is_option and (is_quoted or "," not in given["apart"])
        told = is_given or _is_pair(lower, start, given) or _is_set(lower, start, given)
        return told and not _pattern(PLACEHOLDER).fullmatch(value)
    if end[0] == "pwd" and (value.startswith("/") or (lower[start - 1 : start] in "; " and lower[end.end()] != "=")):
        return False  # the working directory, or a command of that name; not `Uid=me; Pwd=...`
    alone = end[0] in ("secret", "authorization") and lower[start - 1 : start] not in ("_", "-", ".")
    in_words = alone or (lower[start - 1 : start] == " " and end[0] in ("key", "token"))
    if (in_words and not given["scheme"]) or (is_option and given["sign"] == ":"):
        return _has_digit(value)
    return True


def _is_code(lower: str, end: "Match[str]", value: str) -> bool:
    """Whether it is code or the like, or the name again: `password=password`, `api_key=openai_api_key`."""
    if _pattern(CODE).fullmatch(value):
        return True
    name = _pattern(NAMED).search(lower, max(0, end.start() - LONGEST_KIND), end.end())
    said = value.lower().rstrip(")]},:;").lstrip("_")
    return name is not None and (said == name[0] or said.endswith("_" + name[0]))


def _is_pair(lower: str, start: int, given: "Match[str]") -> bool:
    """Whether name and value are a pair, as a list of headers has them; two words may be the names of something."""
    return (
        "," in given["apart"]
        and _has_digit(given["value"])
        and _pattern(PAIRED).match(lower, given.end()) is not None
        and _pattern(PAIR).fullmatch(lower, max(0, start - LONGEST_OPTION), start) is not None
    )


def _is_set(lower: str, start: int, given: "Match[str]") -> bool:
    """Whether a shell or a Dockerfile gives the name its value: `ENV API_KEY ...`."""
    return (
        given["apart"].isspace()
        and _has_digit(given["value"])
        and _pattern(SETTING).fullmatch(lower, max(0, start - LONGEST_OPTION), start) is not None
    )


def _is_cell(lower: str, start: int, given: "Match[str]") -> bool:
    """Whether name and value are cells of a table's row, and no heads of columns or commands of a pipe."""
    drawn = given["cell"] != "|" or _pattern(CELL).fullmatch(lower, max(0, start - LONGEST_OPTION), start) is not None
    return drawn and _has_digit(given["value"])


def _is_made(given: "Match[str]") -> bool:
    """Whether what is given to a token of no known kind looks made by a machine."""
    return given["sign"] is not None and _pattern(MADE).fullmatch(given["value"].rstrip(")]}\\")) is not None


def _has_digit(value: str) -> bool:
    return _pattern(r"\d").search(value) is not None


def _pattern(text: str) -> "Pattern[str]":
    found = _compiled.get(text)
    if found is None:
        found = _compiled[text] = re.compile(text, re.DOTALL)
    return found


#: What of each event is a person's or a program's own words or values. Names, keys and paths are never touched: what
#: leads somewhere has to lead there.
_FREE = {
    "params": ("params",),
    "tags": ("set",),
    "run": ("command", "display_name", "description", "properties", "notes"),
    "environment": ("substituted",),
    "state": ("reason",),
    "warning": ("text",),
    "progress": ("text",),
    "note": ("note",),
    "media": ("content", "caption"),
}


def without_secrets(event: str, fields: Dict[str, Any]) -> Dict[str, Any]:
    """The fields of an event with its free texts and values redacted."""
    if event == "input" and "value" in fields:
        return {**fields, "value": redacted_value(fields["value"], str(fields.get("name")))}
    free = [name for name in _FREE.get(event, ()) if name in fields]
    return {**fields, **{name: redacted_value(fields[name]) for name in free}} if free else fields


def redacted_value(value: Any, name: str = "") -> Any:
    """A JSON value with the texts in it redacted; a text that stands under a secret's name is cut out whole."""
    if isinstance(value, str):
        if UNSURE_NAMES.search(name.lower()) and _pattern(MADE).fullmatch(value):
            return REDACTED
        return REDACTED if _is_secret_name(name) and not PLAIN.fullmatch(value) else redacted(value)
    if isinstance(value, dict):
        return {key: redacted_value(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted_value(item, _name_of(before, name)) for before, item in zip([None, *value], value)]
    return value


def _name_of(before: Any, name: str) -> str:
    """The name that an item of a list stands under: that of the option before it (`--api-key`), or that of the list."""
    is_option = isinstance(before, str) and before.startswith("--")
    return before[2:] if is_option and not _is_secret_name(name) else name


def _is_secret_name(name: str) -> bool:
    lower = name.lower()
    end = next((end for end in NAME_ENDS if lower.endswith(end)), None)
    if end is not None:
        return _makes_secret(lower, len(lower) - len(end), end)
    return OTHER_ENDS.search(lower) is not None
