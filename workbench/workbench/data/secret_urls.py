"""URLs that carry a secret (a signature, a token, a password): what may be written down of them."""

import re

HIDDEN = "REDACTED"

#: Keys of secrets are, or contain, one of these as a word of its own: `api_key`, `X-Amz-Signature`, `sessionToken`;
#: not `keyword`, `author`, `passenger`.
_SECRET_WORDS = frozenset(
    "auth authorization authentication bearer credential credentials hmac jwt key oauth pass passcode passphrase"
    " passwd password pwd sas secret sig sign signature token".split()
)
#: Words that are written together, as in `apikey` and `accesstoken`.
# Compiled when first used: whoever submits waits for what is loaded.
_TOGETHER = (
    r"(?:auth|credentials?|passphrase|passwd|password|pwd|secret|sig|signature|token)(?:id|key|hash)?$"
    r"|(?:api|access|account|app|client|encryption|function|host|license|master|pass|private|session|shared|signing"
    r"|storage|subscription|user)key(?:id)?$|(?:admin|db|ftp|login|root|user)pass$"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_AUTHORITY = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^/?#]*)@")
_WEB = ("http", "https")


def without_secrets(url: str) -> str:
    """The URL with what looks like a secret cut out: values in its query, parameters and fragment, any password, and
    the user's name where the web is asked, since tokens are given so. It need not be a valid URL."""
    place, fields = split_url(url)
    return without_login(place, HIDDEN) + "".join(_hidden(field) for field in fields)


def split_url(url: str) -> tuple[str, list[str]]:
    """The URL up to its query, parameters or fragment, and those as fields with the marks between them."""
    start = re.search(r"[?#;]", url)
    end = start.start() if start else len(url)
    return url[:end], re.split(r"([?#;&])", url[end:])


def without_login(place: str, instead: str) -> str:
    """A URL without a query, with `instead` of its password, and of the user's name on the web."""
    return _AUTHORITY.sub(lambda match: _without_password(match, instead), place, count=1)


def _without_password(match: re.Match[str], instead: str) -> str:
    scheme, user = match["scheme"], match["user"]
    if scheme.lower() in _WEB:
        user = user and instead
    elif ":" in user:
        user = f"{user.partition(':')[0]}:{instead}"
    return f"{scheme}://{user}@"


def key_of_field(field: str) -> str:
    """The key of a field of a query, as it is meant."""
    from urllib.parse import unquote_plus

    return unquote_plus(field.partition("=")[0])


def is_secret_key(key: str) -> bool:
    """Whether the value of that key is likely to be a secret."""
    words = [word.lower() for word in _WORD.findall(key)]
    together = any(re.search(_TOGETHER, word) for word in (*words, "".join(words)))
    return key.lower() == "code" or together or not _SECRET_WORDS.isdisjoint(words)


def _hidden(field: str) -> str:
    key, equals, value = field.partition("=")
    return f"{key}={HIDDEN}" if equals and value and is_secret_key(key_of_field(field)) else field


def holds_secret(url: str) -> bool:
    """Whether something in the URL looks like a secret."""
    return without_secrets(url) != url


def secrets_in(url: str) -> list[str]:
    """The parts of the URL that are cut out of it, longest first."""
    place, fields = split_url(url)
    found = [field.partition("=")[2] for field in fields if _hidden(field) != field]
    match = _AUTHORITY.match(place)
    if match and holds_secret(match[0]):
        found += [match["user"], *match["user"].split(":")[match["scheme"].lower() not in _WEB :]]
    return sorted((part for part in found if part), key=len, reverse=True)
