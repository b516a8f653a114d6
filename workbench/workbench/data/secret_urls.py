"""URLs that carry a secret (a signature, a token, a password): what may be written down of them."""

import re
from urllib.parse import urlsplit, urlunsplit

_SECRET_KEYS = re.compile(
    r"^(sig|signature|token|access_token|api_?key|key|password|secret|auth|code|x-(amz|goog)-(signature|credential|security-token)"
    r"|awsaccesskeyid|sastoken)$",
    re.IGNORECASE,
)
HIDDEN = "REDACTED"


def without_secrets(url: str) -> str:
    """The URL with the values of what looks like a secret in its query, and any password, cut out."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    fields = [_hidden(field) for field in parts.query.split("&")] if parts.query else []
    user, at, host = parts.netloc.rpartition("@")
    if ":" in user:
        user = f"{user.partition(':')[0]}:{HIDDEN}"
    changed = urlunsplit((parts.scheme, f"{user}{at}{host}", parts.path, "&".join(fields), parts.fragment))
    return changed if _differs(parts.query, fields, parts.netloc, f"{user}{at}{host}") else url


def _hidden(field: str) -> str:
    key, equals, value = field.partition("=")
    return f"{key}={HIDDEN}" if equals and value and _SECRET_KEYS.match(key) else field


def _differs(query: str, fields: list[str], netloc: str, cleaned: str) -> bool:
    return query != "&".join(fields) or netloc != cleaned


def holds_secret(url: str) -> bool:
    """Whether something in the URL looks like a secret."""
    return without_secrets(url) != url
