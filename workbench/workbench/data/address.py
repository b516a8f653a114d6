"""What a URL is filed under in the cache: what it names, apart from what only proves a right to read that.

Another value of any parameter is another address, be it a secret or not. But for signatures and tokens of the usual
kinds, which are given anew from time to time: the data that they give access to is the same as long as its place has a
version that says so by itself. What is derived from a secret is hashed with a salt, so that it cannot be guessed back.
"""

import hashlib
import hmac
import re
from collections.abc import Callable

from msgspec import Struct

from workbench.data.secret_urls import holds_secret, key_of_field, split_url, without_login

#: Keys, in small letters and digits, of what proves a right to read.
_PROOF = re.compile(r"(?:(?:access|api|auth|bearer|oauth|private|sas|security|session)?token|sig|sign|signature|jwt)$")
#: What comes along with a proof of that key, and changes with it: Azure's, the two kinds of Amazon's, Google's.
_COMPANIONS = {
    "sig": re.compile(r"sv|ss|srt|sr|sp|st|se|spr|sip|sdd|scid|skoid|sktid|skt|ske|sks|skv|saoid|suoid"),
    "signature": re.compile(r"expires|policy|keypairid|awsaccesskeyid|googleaccessid"),
    "xamzsignature": re.compile(r"xamz.*"),
    "xgoogsignature": re.compile(r"xgoog.*"),
}


class Address(Struct, frozen=True):
    """key: what is filed under. mark: tells URLs of one key apart; empty for one without any proof."""

    key: str
    mark: str


def address_of(url: str, type: str, salt: Callable[[], bytes]) -> Address:
    """Where the data at the URL is filed; a folder and a file of one URL are two things. `salt` is asked for if there
    is a secret in it."""
    named = _named(url)
    text = f"{'file' if type == 'uri_file' else 'any'}\0{named}"
    key = _hashed(text, salt()) if holds_secret(named) else hashlib.sha256(_bytes(text)).hexdigest()
    return Address(key, "" if named == url else _hashed(f"mark\0{url}", salt())[:32])


def _named(url: str) -> str:
    """The URL without what only proves a right to read."""
    place, fields = split_url(url)
    keys = {_plain(field) for field in fields if "=" in field}
    dropped = [pattern for key, pattern in _COMPANIONS.items() if key in keys]
    kept = [field for field in fields if not _proves(_plain(field), dropped)]
    rest = "".join(fields)
    if len(kept) < len(fields):
        rest = "?" + "&".join(field for field in kept if field.strip("?#;&"))
    return without_login(place, "") + rest


def _plain(field: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key_of_field(field).lower())


def _proves(key: str, companions: list[re.Pattern[str]]) -> bool:
    return bool(_PROOF.match(key)) or any(pattern.fullmatch(key) for pattern in companions)


def _hashed(text: str, salt: bytes) -> str:
    return hmac.new(salt, _bytes(text), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
