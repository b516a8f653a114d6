"""A file on the web: its size and version by HEAD, its bytes by GET, from wherever an earlier attempt got to."""

import base64
import binascii
import re
import ssl
from collections.abc import Generator, Mapping
from urllib.parse import unquote

import requests
import urllib3
from msgspec.structs import replace
from workbench_store.errors import DataError

from workbench.data.remote import Broken, Opened, RemoteFile, Survey, weak
from workbench.data.secret_urls import HIDDEN, secrets_in, without_secrets
from workbench.data.urls import last_name

_CHUNK_BYTES = 1024 * 1024
#: Seconds to wait for a connection, and for the next bytes.
_TIMEOUT = (10.0, 60.0)
_MAY_PASS = frozenset({202, 408, 425, 429, 500, 502, 503, 504})
#: What comes with the file itself; any other 2xx and 3xx comes with something else, or with nothing.
_WHOLE = frozenset({200, 203})
#: Servers that sign URLs for one method, or know no HEAD, answer so; GET will tell.
_NO_HEAD = frozenset({400, 403, 405, 501})
_AUTHORITY = re.compile(r"\w+://(?P<user>[^/?#:]*)(:(?P<password>[^/?#]*))?@")
_DIGITS = 15
#: So much of a header that makes no sense is shown.
_SHOWN = 40
_TRUST = (
    "Check the address and this machine's clock. If the server has a certificate of your own, name the file of whoever "
    "signed it (PEM) by REQUESTS_CA_BUNDLE in the environment of whoever submits."
)
#: What is no longer may be in a message by chance.
_SHORT = 3
#: What is stored is what the server has: nothing is unpacked on the way.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "workbench"}


class WebFile:
    """The file at an http or https URL; `mark` tells it from others that are filed under the same key."""

    def __init__(self, url: str, mark: str) -> None:
        self._url, self._mark = url, mark
        self.shown = without_secrets(url)
        self._session = requests.Session()
        self._session.headers.update(_HEADERS)
        parts = _AUTHORITY.match(url)
        if parts and parts["user"] and not parts["password"]:
            # A token alone, which requests would leave out.
            self._session.auth = (unquote(parts["user"]), "")

    def survey(self, type: str) -> Survey:
        """One file, whatever the type."""
        with self._ask("HEAD", {}, allow=_NO_HEAD) as answer:
            blank = RemoteFile(last_name(self._url), self._url)
            return Survey(False, (self._described(blank, answer.headers) if answer.status_code in _WHOLE else blank,))

    def open(self, file: RemoteFile, start: int) -> Opened:
        """Read from `start` on if the server can and has the same version still, else from the beginning."""
        if start:
            opened = self._rest(file, start)
            if opened is not None:
                return opened
            file = replace(file, validator=None)
        answer = self._ask("GET", {}, allow=frozenset({206, 416}))
        if answer.status_code in (206, 416):
            answer.close()
            raise Broken(f"the server answered {answer.status_code}, and was asked for all of it")
        self._check_size(answer)
        return Opened(self._described(file, answer.headers), 0, _chunks(answer))

    def _rest(self, file: RemoteFile, start: int) -> Opened | None:
        """What comes when the rest is asked for: None when it is of another version, or there is no rest."""
        tag = _strong(file.validator)
        asked = {"Range": f"bytes={start}-", **({"If-Range": tag} if tag else {})}
        answer = self._ask("GET", asked, allow=frozenset({206, 416}))
        if answer.status_code not in (206, 416):
            return Opened(self._described(file, answer.headers), 0, _chunks(answer))
        whole = _range_of(answer.headers, start)
        now = self._described(file, answer.headers, whole)
        is_same = whole is not None and now.validator == file.validator is not None and file.size in (None, whole)
        if answer.status_code == 206 and is_same:
            return Opened(now, start, _chunks(answer))
        answer.close()
        if answer.status_code == 206 and whole is None:
            raise Broken("the server sent another part than was asked for")
        return None

    def _check_size(self, answer: requests.Response) -> None:
        """Raises DataError for a size that is none: nobody could tell whether all of it has come."""
        said = answer.headers.get("Content-Length")
        if said is None or "Transfer-Encoding" in answer.headers or _size(said) is not None:
            return
        answer.close()
        raise DataError(
            f"{self.shown} cannot be fetched: the server says that it has {said[:_SHOWN]!r} bytes, which is no size",
            remedy="The server is at fault: try another one, or download the file in another way and name it here.",
        )

    def _ask(self, method: str, headers: Mapping[str, str], allow: frozenset[int]) -> requests.Response:
        try:
            answer = self._session.request(
                method, self._url, headers=dict(headers), timeout=_TIMEOUT, stream=True, allow_redirects=True
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Broken(self._reason(error), remedy=_TRUST if _distrusted(error) else None) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            # ValueError: what a server redirects to need not be a URL.
            raise DataError(
                f"{self.shown} cannot be fetched: {self._reason(error)}",
                remedy="Check the URL, and where it redirects to: both must be http: or https:, with a host.",
            ) from error
        if answer.status_code in _WHOLE or answer.status_code in allow or (method == "HEAD" and answer.ok):
            return answer
        answer.close()
        raise self._refused(answer)

    def _described(self, file: RemoteFile, headers: Mapping[str, str], whole: int | None = None) -> RemoteFile:
        """The file with what the headers say of it; `whole` is its size where the answer holds only a part."""
        size = whole if whole is not None else _size(headers.get("Content-Length", ""))
        validator = _validator(headers, size, self._mark)
        same = validator is not None and validator == file.validator
        # An MD5 in the headers of a part may be that of the part.
        md5 = None if whole is not None else _md5(headers)
        return RemoteFile(file.name, file.address, size, validator, md5 or (file.md5 if same else None))

    def _reason(self, error: Exception) -> str:
        """What went wrong, without the secrets of the URL, which requests puts into its messages."""
        text = str(getattr(error.args[0], "reason", error) if error.args else error)
        for secret in secrets_in(self._url):
            if len(secret) > _SHORT:
                text = text.replace(secret, HIDDEN)
        # Where a server redirects to may be signed as well.
        return re.sub(r"\S+", lambda match: without_secrets(match[0]), text) or type(error).__name__

    def _refused(self, answer: requests.Response) -> Exception:
        said = f"{answer.status_code} {answer.reason or ''}".strip()
        if answer.status_code in _MAY_PASS:
            wait = _number(answer.headers.get("Retry-After", ""))
            return Broken(f"the server answered {said}", None if wait is None else float(wait))
        remedy = "Check the URL."
        if answer.status_code in (401, 403):
            remedy = "Check the URL and its signature or token: it may have run out, or may not allow this."
        return DataError(f"{self.shown} cannot be fetched: the server answered {said}", remedy=remedy)


def _validator(headers: Mapping[str, str], size: int | None, mark: str) -> str | None:
    tag, changed = headers.get("ETag"), headers.get("Last-Modified")
    if tag:
        return weak(f"etag {tag}", mark) if tag.startswith("W/") else f"etag {tag}"
    return weak(f"changed {changed}, {size} bytes", mark) if changed and size is not None else None


def _md5(headers: Mapping[str, str]) -> str | None:
    """The MD5 that a server gives for the content, in hex."""
    text = headers.get("x-ms-blob-content-md5") or headers.get("Content-MD5")
    try:
        data = base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return data.hex() if len(data) == 16 else None


def _strong(validator: str | None) -> str | None:
    """What If-Range takes: a strong tag, or the time of the last change."""
    kind, _, rest = (validator or "").partition(" ")
    if kind == "etag":
        return None if rest.startswith("W/") else rest
    return rest.rpartition(", ")[0] if kind == "changed" else None


def _range_of(headers: Mapping[str, str], start: int) -> int | None:
    """The size of the whole file, if the answer holds its part from `start` on; None if it holds another."""
    kind, _, rest = headers.get("Content-Range", "").partition(" ")
    span, _, whole = rest.partition("/")
    first, _, last = span.partition("-")
    size, end = _number(whole), _number(last)
    if kind.lower() != "bytes" or first != str(start) or size is None or end is None or not start <= end < size:
        return None
    return size


def _distrusted(error: Exception) -> bool:
    """Whether the server's certificate was refused, which it will be again."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    causes = (reason, *getattr(reason, "args", ()))
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)


def _size(text: str) -> int | None:
    """The number in a Content-Length, which may be there twice."""
    each = {part.strip() for part in text.split(",")}
    return _number(each.pop()) if len(each) == 1 else None


def _number(text: str) -> int | None:
    """The number in a header, which may hold anything; what is too long for one counts as the largest."""
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else 10**_DIGITS if text.isdecimal() else None


def _chunks(answer: requests.Response) -> Generator[bytes, None, None]:
    """The bytes as the server sent them. Raises Broken when the connection breaks."""
    # Of an answer in chunks `read` gives up what came of a part that is cut; `read1` hands out whatever has come.
    read = getattr(answer.raw, "read1", answer.raw.read) if getattr(answer.raw, "chunked", False) else answer.raw.read
    try:
        while part := read(_CHUNK_BYTES, decode_content=False):
            yield part
    except (urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
        raise Broken(f"the connection broke: {_said(error)}") from error
    finally:
        answer.close()


def _said(error: Exception) -> str:
    return "it was closed in the middle" if "IncompleteRead" in str(error) else str(error) or type(error).__name__
