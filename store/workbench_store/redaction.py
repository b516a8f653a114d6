"""Cutting out what looks like a secret before it is recorded or shown. (Python 3.8: the in-job client uses it.)

A guess, by the form of a value or the name that it stands under. What is kept is a text without it; the job itself gets
what it was given.
"""

from __future__ import annotations

import re
from bisect import bisect_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Match, Pattern, Tuple

REDACTED = "REDACTED"

#: Values that are secrets by their form alone, by a sign (in lower case) without which there is none: most lines of a
#: log have no sign, and no pattern is tried on them. A named group is what stands before a value and stays. Each is
#: bounded, so that no line, however odd, takes long. These stand where a word begins ...
_WORDS = {
    "akia": r"AKIA[0-9A-Z]{16}",
    "asia": r"ASIA[0-9A-Z]{16}",
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{36,}"),
    "github_pat_": r"github_pat_[A-Za-z0-9_]{40,}",
    "glpat-": r"glpat-[A-Za-z0-9_-]{20,}",
    "xox": r"xox[abprs]-[A-Za-z0-9-]{10,}",
    "hf_": r"hf_[A-Za-z0-9]{30,}",
    "npm_": r"npm_[A-Za-z0-9]{36}",
    "pypi-": r"pypi-[A-Za-z0-9_-]{50,}",
    "sk-": r"sk-(?:(?:proj|ant|or|svcacct|admin)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})",
    "aiza": r"AIza[A-Za-z0-9_-]{35}",
    "eyj": r"eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,}",
    "bearer ": r"(?P<scheme>[Bb]earer )(?=[A-Za-z._~+/=-]{0,200}\d)[A-Za-z0-9._~+/=-]{20,}",
}
#: ... and these anywhere.
_FORMS = {
    "private key": (
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    ),
    "accountkey=": r"(?P<key>AccountKey=)[A-Za-z0-9+/]{40,}={0,2}",
    "sig=": r"(?P<sig>[?&]sig=)[A-Za-z0-9%+/]{30,}",
    # Of presigned URLs: of S3 and CloudFront, of Google's storage.
    "signature=": r"(?P<signature>[?&](?:[A-Za-z]{1,10}-){0,3}Signature=)[A-Za-z0-9%+/_~.-]{16,}={0,2}",
    "security-token=": r"(?P<security>[?&][A-Za-z-]{0,20}Security-Token=)[A-Za-z0-9%+/_~.-]{16,}={0,2}",
    "hooks.slack.com/": r"(?P<hook>hooks\.slack\.com/services/)[A-Za-z0-9/]{20,}",
    # In the same command; not `docker run -u 1000:1000` behind it, and no variable.
    "curl": (
        r"(?P<curl>\bcurl\b(?:[^\n|&\\]|&(?![&\s])|\\.){0,200}?[\s\"'](?:-[A-Za-z]{0,8}[uU]|--(?:proxy-)?user)"
        r"[\s=\"',]{0,4}[^\s:\"'$-][^\s:\"']{0,99}:)(?!\$|\d{1,5}\b)[^\s\"']{3,200}"
    ),
    "://": (
        r"(?P<user>://[^/\s:@]{0,200}:)(?:[^/\s\"'<>]{3,200}(?=@)"
        # With a slash, which is no part of a port, and with a digit; what follows looks like a host.
        r"|(?!\d{1,5}/)(?=[^\s\"'<>@]{0,200}\d)[^/\s\"'<>@][^\s\"'<>@]{2,200}"
        r"(?=@(?:localhost\b|[A-Za-z0-9-]{1,63}\.[A-Za-z])))"
        r"|(?P<bare>https?://)(?=[^/\s:@]{0,200}\d)[A-Za-z0-9._~-]{20,200}(?=@)"
    ),
}
_SIGNS = (*_WORDS, *_FORMS)
#: What a letter or digit before a word may be the end of: an escape of `repr` and JSON, or of a URL.
_ESCAPE = r"(?:\\(?:[abfnrtv0]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})|%[0-9A-Fa-f]{2})\Z"
_LONGEST_ESCAPE = 6
#: What steers a terminal, say colours, as it is and as `repr` and JSON have it; what is shown is what stands around it.
_STEERING = (
    r"(?:\x1b\[|\x9b)[0-?]{0,40}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|\x1b[ -/]{0,4}[0-~]"
    r"|\\(?:x1b|u001[bB]|033|e)\[[0-9;]{0,12}[A-Za-z]"
)
#: What a link or a title of a terminal holds.
_HELD = r"\x1b\]([^\x07\x1b]{0,400})"
_STEERS = ("\\x1b", "\\u001", "\\033", "\\e[")
#: How a name ends (in lower case) under which any text is a secret, and behind what such an end makes one: `pad_token`
#: and `sort_key` are none. Between the two may be `_`, `-` or a blank. Stricter than for variables.
_KINDS_OF_KEY = ("api", "access", "account", "private", "secret", "encryption", "signing", "subscription")
_KINDS_OF_TOKEN = (
    *("api", "auth", "access", "bearer", "refresh", "session", "sas", "secret", "security", "bot", "service"),
    *("hf", "github", "gitlab", "wandb", "slack", "npm", "pypi"),
)
_NAME_ENDS = {
    "key": _KINDS_OF_KEY,
    "token": _KINDS_OF_TOKEN,
    "secret": ("client", "app", "shared", "webhook"),
    "authorization": (),
    "password": ("",),
    "passwd": ("",),
    "passphrase": ("",),
    "pwd": (),
}
#: How names end under which only what looks made by a machine is a secret: other tokens are words of a model's.
_UNSURE_NAMES = re.compile(r"(?:^|[_.-])(?:token|pwd|sas|auth)$")
#: What looks so: one word, not a short one, of letters and several digits.
_MADE = r"(?=\S{0,200}[A-Za-z])(?=(?:\S{0,80}?\d){3})[A-Za-z0-9+=:-]{16,}"
_LONGEST_KIND = 16
#: Ends of such names by which no value is looked for in a text: a path to a file is as likely.
_OTHER_ENDS = re.compile(r"(?:(?:^|[_.-])credentials?|connection_?string)$")
#: An end where it may lead to a value; what leads from it to the value, and this.
_END = "(?:" + "|".join(_NAME_ENDS) + r")(?=[\\\"'\]\s,:=])"
_GIVEN = (
    r"(?:[\\\"'\]]{0,3}\s{0,3}(?P<sign>[:=]{1,2})>?\s{0,3}(?:[bru](?=[\"']))?[\\\"']{0,2}|(?P<apart>[\s,\"']{1,4}))"
    r"(?P<scheme>(?i:bearer|basic|token|digest|apikey)\s{1,3})?"
    # Quoted it may be a phrase of several words.
    r"(?P<value>(?<=[\"'])[^\"'\n]{8,200}(?=[\"'])|[^\s\"',;]{8,200})"
)
#: What is left of a value: how it begins says enough, and to look at all of each would take long.
_REST = r"[^\s\"',;]*"
#: What a name stands in where it is the first of a pair, and what follows on the second; that of a call is the name of
#: something that is asked for.
_PAIR = r"(?:.*[^\w])?\([bru]?[\"'][\w-]*"
_PAIRED = r"[\"']\s{0,3}\)"
#: What a name stands in where it is an option of a command; it is looked for so far before the name's end.
_OPTION = r"(?:.*[\s\"'])?--[\w-]*"
_LONGEST_OPTION = 48
#: What stands where a secret would: a number, a variable's name, an expression or a call; a placeholder or option.
_STAND_IN = (
    r"[\d.eE+-]*|\$(?:[A-Z_][A-Z0-9_]*|[{(].*)"
    # Code that asks for it: `os.getenv("KEY")`, `os.environ["KEY"]`, `get_token()`.
    r"|[A-Za-z_]\w{0,40}(?:\.\w{1,40}){1,5}[(\[].*|[A-Za-z_]\w{0,40}(?:\(\)?|\[)"
)
_PLACEHOLDER = r"[<\[{-].*|[A-Z_]+\]?"
#: No secret under any name: nothing, a number, a word that stands for nothing.
_PLAIN = re.compile(r"[\d.eE+-]*|(?i:none|null|true|false|yes|no)")
#: Compiled when a text first needs them: a script's start must not wait for it.
_compiled: Dict[str, Pattern[str]] = {}


def may_hold_secrets(text: str) -> bool:
    """Whether there is any sign in the text of what `redacted` cuts out; where there is none it changes nothing."""
    return _has_signs(text) or (_is_steered(text) and _has_signs(_pattern(_STEERING).sub("", text)))


def _has_signs(text: str) -> bool:
    lower = text.lower()
    return any(sign in lower for signs in (_SIGNS, _NAME_ENDS) for sign in signs)


def _is_steered(text: str) -> bool:
    return "\x1b" in text or "\x9b" in text or ("\\" in text and any(sign in text for sign in _STEERS))


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
    for held in _pattern(_HELD).finditer(text):
        places += ((held.start(1) + start, held.start(1) + end) for start, end in _by_name(held[1]))
    return sorted([*places, *_as_shown(text)])


def _as_shown(text: str) -> Iterator[Tuple[int, int]]:
    """Where secrets are in the text as a terminal shows it."""
    plain = _pattern(_STEERING).sub("", text)
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
        for steering in _pattern(_STEERING).finditer(text):
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
    signs = [sign for sign in _SIGNS if sign in lower]
    if not signs:
        return [], []
    words = dict.fromkeys([_WORDS[sign] for sign in signs if sign in _WORDS])
    others = [_FORMS[sign] for sign in signs if sign in _FORMS]
    return (
        [(found.start(), _value_of(found)) for form in words for found in _pattern(form).finditer(text)],
        [_value_of(found) for form in others for found in _pattern(form).finditer(text)],
    )


def _value_of(found: "Match[str]") -> Tuple[int, int]:
    return (found.end(found.lastgroup) if found.lastgroup else found.start()), found.end()


def _begins_word(text: str, start: int) -> bool:
    before = text[max(0, start - _LONGEST_ESCAPE) : start]
    return not before[-1:].isalnum() or _pattern(_ESCAPE).search(before) is not None


def _by_name(text: str) -> Iterator[Tuple[int, int]]:
    """What is given under a secret's name: `API_KEY=...`, `--api-key ...`, `"password": "..."`."""
    # The one letter that gets longer: places are to be the same in both.
    lower = text.replace("\u0130", "I").lower()
    if not [end for end in _NAME_ENDS if end in lower]:
        return
    done = 0
    for end in _pattern(_END).finditer(lower):
        if end.start() < done:
            continue
        sure = _makes_secret(lower, end.start(), end[0])
        if not sure and end[0] != "token":
            continue
        given = _pattern(_GIVEN).match(text, end.end())
        if given is not None and (_is_secret(lower, end, given) if sure else _is_made(given)):
            rest = _pattern(_REST).match(text, given.end())
            done = rest.end() if rest is not None else given.end()
            yield given.start("value"), done


def _makes_secret(lower: str, start: int, end: str) -> bool:
    """Whether a name whose end stands there is that of a secret."""
    before = lower[max(0, start - _LONGEST_KIND) : start]
    if end in ("secret", "authorization") and not before[-1:].isalnum():
        return True
    if end == "token" and (before.endswith("--") or before[-1:] in ("?", "&")):
        return True
    if end == "pwd":
        return before[-1:] in ("_", "-") or before.rstrip(" ").endswith(";")
    return (before[:-1] if before[-1:] in ("_", "-", " ") else before).endswith(_NAME_ENDS[end])


def _is_secret(lower: str, end: "Match[str]", given: "Match[str]") -> bool:
    """Whether the value that is given under such a name is one; what is said of it in plain words is none."""
    value, start = given["value"], end.start()
    if _pattern(_STAND_IN).fullmatch(value):
        return False
    is_option = _pattern(_OPTION).fullmatch(lower, max(0, start - _LONGEST_OPTION), start) is not None
    if given["sign"] is None:
        # Else it is code that defines an option.
        quoted = "," not in given["apart"] or lower[given.start("value") - 1] in "\"'"
        return ((is_option and quoted) or _is_pair(lower, start, given)) and not _pattern(_PLACEHOLDER).fullmatch(value)
    if end[0] == "pwd" and (value.startswith("/") or (lower[start - 1 : start] in "; " and lower[end.end()] != "=")):
        return False  # the working directory, or a command of that name; not `Uid=me; Pwd=...`
    alone = end[0] in ("secret", "authorization") and lower[start - 1 : start] not in ("_", "-", ".")
    in_words = alone or (lower[start - 1 : start] == " " and end[0] in ("key", "token"))
    if (in_words and not given["scheme"]) or (is_option and given["sign"] == ":"):
        return _pattern(r"\d").search(value) is not None
    return True


def _is_pair(lower: str, start: int, given: "Match[str]") -> bool:
    """Whether name and value are a pair, as a list of headers has them; two words may be the names of something."""
    return (
        "," in given["apart"]
        and _pattern(r"\d").search(given["value"]) is not None
        and _pattern(_PAIRED).match(lower, given.end()) is not None
        and _pattern(_PAIR).fullmatch(lower, max(0, start - _LONGEST_OPTION), start) is not None
    )


def _is_made(given: "Match[str]") -> bool:
    """Whether what is given to a token of no known kind looks made by a machine."""
    return given["sign"] is not None and _pattern(_MADE).fullmatch(given["value"].rstrip(")]}\\")) is not None


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
    "run": ("command", "display_name", "description"),
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
        if _UNSURE_NAMES.search(name.lower()) and _pattern(_MADE).fullmatch(value):
            return REDACTED
        return REDACTED if _is_secret_name(name) and not _PLAIN.fullmatch(value) else redacted(value)
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
    end = next((end for end in _NAME_ENDS if lower.endswith(end)), None)
    if end is not None:
        return _makes_secret(lower, len(lower) - len(end), end)
    return _OTHER_ENDS.search(lower) is not None
