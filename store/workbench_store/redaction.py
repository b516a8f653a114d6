"""Cutting out what looks like a secret before it is recorded or shown. (Python 3.8: the in-job client uses it.)

A guess, by the form of a value or the name that it stands under. What is kept is a text without it; the job itself gets
what it was given.
"""

import re
from typing import Any, Dict, Optional, Pattern

REDACTED = "REDACTED"

#: Without one of these (in lower case) there is nothing to look for: most texts are short and have none.
_SIGNS = (
    *("akia", "asia", "gh", "github_pat_", "glpat-", "xox", "hf_", "sk-", "aiza", "eyj"),
    *("private key", "accountkey=", "sig=", "://", "passw", "passphrase", "key", "token"),
)
#: Values that are secrets by their form alone; a named group is what stands before one and stays. Each is bounded, so
#: that no line of a log, however odd, takes long.
_VALUES = (
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    r"\bhf_[A-Za-z0-9]{30,}",
    r"\bsk-(?:(?:proj|ant|or|svcacct|admin)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})",
    r"\bAIza[A-Za-z0-9_-]{35}",
    r"\beyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,}",
    r"(?P<key>AccountKey=)[A-Za-z0-9+/]{40,}={0,2}",
    r"(?P<sig>[?&]sig=)[A-Za-z0-9%+/]{30,}",
    r"(?P<user>://[^/\s:@]{1,200}:)[^/\s\"'<>]{3,200}(?=@)",
    # Not a number of tokens, and not the name of a variable that is set to nothing.
    r"(?P<named>(?i:\b(?:password|passwd|passphrase|api_?key|secret_?key|access_?key|auth_?token|access_?token)[\"']?"
    r"\s{0,3}[:=]\s{0,3}[\"']?))(?=[^\s\"',;]*[^\d\s\"',;.])[^\s\"',;]{8,}",
)
#: Names under which any text is a secret: stricter than for variables, as `pad_token` is none.
_NAMES = (
    r"(?:^|[_.-])(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIALS?|CONNECTION_?STRING)$"
    r"|(?:API|ACCESS|ACCOUNT|PRIVATE|SECRET|ENCRYPTION|SIGNING)_?KEY$"
    r"|(?:API|AUTH|ACCESS|BEARER|REFRESH|HF|GITHUB|WANDB)_?TOKEN$"
)
#: No secret under any name: nothing, a number, a word that stands for nothing.
_PLAIN = re.compile(r"[\d.eE+-]*|(?i:none|null|true|false|yes|no)")
#: Compiled when a text first needs them: a script's start must not wait for it.
_values: Optional[Pattern[str]] = None
_names: Optional[Pattern[str]] = None


def redacted(text: str) -> str:
    """The text with every value that looks like a secret cut out."""
    global _values
    lower = text.lower()
    if not any(sign in lower for sign in _SIGNS):
        return text
    if _values is None:
        _values = re.compile("|".join(_VALUES), re.DOTALL)
    return _values.sub(lambda found: (found[found.lastgroup] if found.lastgroup else "") + REDACTED, text)


#: What of each event is a person's or a program's own words or values. Names, keys and paths are never touched: what
#: leads somewhere has to lead there.
_FREE = {
    "params": ("params",),
    "tags": ("set",),
    "run": ("command", "description"),
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
        return REDACTED if _is_secret_name(name) and not _PLAIN.fullmatch(value) else redacted(value)
    if isinstance(value, dict):
        return {key: redacted_value(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted_value(item, name) for item in value]
    return value


def _is_secret_name(name: str) -> bool:
    global _names
    if len(name) < 5:
        return False
    if _names is None:
        _names = re.compile(_NAMES, re.IGNORECASE)
    return _names.search(name) is not None
