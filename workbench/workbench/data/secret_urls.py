"""URLs that carry a secret (a signature, a token, a password): what may be written down of them."""

import re

HIDDEN = "REDACTED"

#: What the keys of secrets contain; some keys are none of these and are known by name.
_SECRET_KEY = re.compile(r"token|secret|sig|pass|pwd|auth|key|credential|^code$", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^/?#]*)@")
_WEB = ("http", "https")


def without_secrets(url: str) -> str:
    """The URL with what looks like a secret cut out: values in its query, parameters and fragment, any password, and
    the user's name where the web is asked, since tokens are given so. It need not be a valid URL."""
    start = re.search(r"[?#;]", url)
    end = start.start() if start else len(url)
    fields = re.split(r"([?#;&])", url[end:])
    return _AUTHORITY.sub(_without_password, url[:end], count=1) + "".join(_hidden(field) for field in fields)


def _without_password(match: re.Match[str]) -> str:
    scheme, user = match["scheme"], match["user"]
    if scheme.lower() in _WEB:
        user = user and HIDDEN
    elif ":" in user:
        user = f"{user.partition(':')[0]}:{HIDDEN}"
    return f"{scheme}://{user}@"


def _hidden(field: str) -> str:
    from urllib.parse import unquote_plus

    key, equals, value = field.partition("=")
    return f"{key}={HIDDEN}" if equals and value and _SECRET_KEY.search(unquote_plus(key)) else field


def holds_secret(url: str) -> bool:
    """Whether something in the URL looks like a secret."""
    return without_secrets(url) != url


def secrets_in(url: str) -> list[str]:
    """The parts of the URL that are cut out of it, longest first."""
    start = re.search(r"[?#;]", url)
    fields = re.split(r"[?#;&]", url[start.start() :]) if start else []
    found = [field.partition("=")[2] for field in fields if _hidden(field) != field]
    match = _AUTHORITY.match(url)
    if match and holds_secret(match[0]):
        found += [match["user"], *match["user"].split(":")[match["scheme"].lower() not in _WEB :]]
    return sorted((part for part in found if part), key=len, reverse=True)
