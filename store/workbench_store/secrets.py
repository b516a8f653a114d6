"""What looks like a secret, by the name of a variable or file or by what a small file says. Guesses, to be shown.

(Python 3.8: scripts use it.)
"""

import re
from pathlib import Path
from typing import Optional, Tuple

_VARIABLE = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|PWD|SECRET|TOKEN|CREDENTIALS?|CONNECTION_?STRING|APIKEY|SAS|PRIVATE)(?:$|_)"
    r"|(?:API|ACCESS|ACCOUNT|PRIVATE|SECRET|STORAGE|ENCRYPTION|SIGNING)_?KEY",
    re.IGNORECASE,
)
_FILE_NAMES = re.compile(
    r"^(?:\.env(?:\..+)?|\.netrc|_netrc|\.pypirc|\.npmrc|\.pgpass|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519)"
    r"|.*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk)|credentials(?:\..+)?|secrets?\.(?:json|ya?ml|toml|ini|txt)"
    r"|.*service[-_]account.*\.json)$",
    re.IGNORECASE,
)
# Compiled when first used: whoever submits waits for what is loaded.
_EXAMPLES = r"(?i)\.(?:example|sample|template|dist)$"
_CONTENTS: Tuple[Tuple[str, bytes], ...] = (
    ("a private key", rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    ("an AWS access key", rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a GitHub token", rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    ("a Slack token", rb"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    ("a Hugging Face token", rb"\bhf_[A-Za-z0-9]{30,}"),
    ("an Azure storage key", rb"AccountKey=[A-Za-z0-9+/]{40,}={0,2}"),
    ("an Azure shared access signature", rb"[?&]sig=[A-Za-z0-9%+/]{30,}"),
    (
        "an assigned password or key",
        rb"(?i)(?:password|passwd|secret|api_?key|token)[\"']?\s*[:=]\s*[\"'][A-Za-z0-9+/_.!@#$%-]{12,}[\"']",
    ),
)
_READ_BYTES = 256 * 1024
_LARGEST_SEARCHED = 1024 * 1024


def looks_secret_name(name: str) -> bool:
    """Whether an environment variable of that name is likely to hold a secret."""
    return _VARIABLE.search(name) is not None


def secret_in_name(name: str) -> Optional[str]:
    """Why a file of that name is likely to hold a secret, or None."""
    if not _FILE_NAMES.match(name) or re.search(_EXAMPLES, name):
        return None
    return "files of this name hold secrets"


def secret_in_content(path: Path) -> Optional[str]:
    """What in the first 256 KiB of a text file looks like a secret, or None; a file that cannot be read has none."""
    try:
        with path.open("rb") as file:
            data = file.read(_READ_BYTES)
    except OSError:
        return None
    if b"\0" in data:
        return None
    return next((f"it holds {what}" for what, pattern in _CONTENTS if re.search(pattern, data)), None)


def secret_in_file(name: str, place: Path) -> Optional[str]:
    """Why a file of that name that is at `place` is likely to hold a secret, or None; of a large one only the name
    tells."""
    reason = secret_in_name(name)
    if reason is not None:
        return reason
    try:
        small = place.stat().st_size <= _LARGEST_SEARCHED
    except OSError:
        return None
    return secret_in_content(place) if small else None
