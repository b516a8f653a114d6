"""Places that fsspec reads: storage accounts, buckets, file servers."""

import base64
from collections.abc import Generator, Mapping
from functools import cached_property
from typing import Any

import fsspec
from workbench_store.errors import DataError

from workbench.data.drivers import missing_driver
from workbench.data.listing import relative_name
from workbench.data.remote import Broken, Opened, RemoteFile, Survey, weak
from workbench.data.secret_urls import without_secrets
from workbench.data.urls import fsspec_url, last_name

_CHUNK_BYTES = 4 * 1024 * 1024
#: Under which names file systems tell when a file changed, or which version it is.
_STRONG = "ETag etag e_tag md5Hash content_md5".split()
_WEAK = "mtime LastModified last_modified updated modified created".split()


class FileSystemPlace:
    """The file or folder at a URL that fsspec knows; `mark` tells it from others that are filed under the same key."""

    def __init__(self, url: str, mark: str) -> None:
        self._url, self._mark = url, mark
        self.shown = without_secrets(url)

    @cached_property
    def _place(self) -> tuple[Any, str]:
        """The file system and the path in it. Some connect when they are made, so it is not asked for before."""
        try:
            system, path = fsspec.url_to_fs(fsspec_url(self._url))
        except (ImportError, ValueError) as error:
            raise missing_driver(self._url) or DataError(f"{self.shown} cannot be reached: {error}") from error
        except Exception as error:
            raise self._trouble(error) from error
        return system, str(path)

    def survey(self, type: str) -> Survey:
        """The file or folder that is there; for a type that is both, whichever it is."""
        system, its_path = self._place
        info = self._asking(system.info, its_path)
        if info.get("type") != "directory":
            if type in ("uri_folder", "mltable"):
                raise DataError(f"{self.shown} is a file, and the input is a {type}", remedy="Say `type: uri_file`.")
            return Survey(False, (_described(last_name(its_path), its_path, info, self._mark),))
        if type == "uri_file":
            raise DataError(f"{self.shown} is a folder, and the input is a file", remedy="Say `type: uri_folder`.")
        root = its_path.rstrip("/")
        found: Mapping[str, Any] = self._asking(system.find, its_path, detail=True)
        files = [
            _described(relative_name(root, path), path, info, self._mark)
            for path, info in found.items()
            if info.get("size") or not path.endswith("/")  # the empty mark of a folder
        ]
        if not files:
            raise DataError(f"{self.shown} holds no files", remedy="Check the URL.")
        return Survey(True, tuple(files))

    def open(self, file: RemoteFile, start: int) -> Opened:
        """Read from `start` on."""
        system, _ = self._place
        handle = self._asking(system.open, file.address, "rb")
        if start:
            self._asking(handle.seek, start)
        return Opened(file, start, self._chunks(handle))

    def _chunks(self, handle: Any) -> Generator[bytes, None, None]:
        try:
            while part := self._asking(handle.read, _CHUNK_BYTES):
                yield part
        finally:
            handle.close()

    def _asking(self, method: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return method(*arguments, **options)
        except Exception as error:
            raise self._trouble(error) from error

    def _trouble(self, error: Exception) -> Exception:
        """File systems raise whatever their libraries do: what is certain is final, the rest may pass."""
        if isinstance(error, FileNotFoundError):
            return DataError(f"{self.shown} is not there", remedy="Check the URL.")
        if isinstance(error, ImportError):
            return missing_driver(self.shown) or DataError(f"{self.shown} cannot be reached: {error}")
        told = f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:300]}"
        if isinstance(error, PermissionError) or any(word in told for word in ("redential", "uthenticat", "Forbidden")):
            return DataError(
                f"{self.shown} may not be read: {told}",
                remedy="Give the credentials by the environment, as its fsspec file system takes them: docs/data.md.",
            )
        if isinstance(error, TypeError | ValueError | LookupError | AttributeError | NotImplementedError):
            return DataError(f"{self.shown} cannot be read: {told}")
        return Broken(told)


def _described(name: str, path: str, info: Mapping[str, Any], mark: str) -> RemoteFile:
    size = info.get("size")
    key = next((key for key in (*_STRONG, *_WEAK) if info.get(key) is not None), None)
    validator = None if key is None else f"{key} {info[key]}, {size} bytes"
    if validator is not None and key in _WEAK:
        validator = weak(validator, mark)
    return RemoteFile(name, path, size if isinstance(size, int) else None, validator, _md5(info))


def _md5(info: Mapping[str, Any]) -> str | None:
    """The MD5 that Azure's and Google's stores keep with a file, in hex."""
    settings = info.get("content_settings")
    given = settings.get("content_md5") if isinstance(settings, Mapping) else info.get("md5Hash")
    try:
        data = base64.b64decode(given) if isinstance(given, str) else bytes(given or b"")
    except (ValueError, TypeError):
        return None
    return data.hex() if len(data) == 16 else None
