"""What a place must be able to do so that data can be fetched from it."""

from collections.abc import Generator
from typing import Protocol

from msgspec import Struct


class Broken(Exception):
    """Fetching broke off for a reason that may pass: it is tried again, from where it was.

    With a remedy it is for a reason that does not pass before somebody does that, so it is not tried again now.
    """

    def __init__(self, reason: str, wait_seconds: float | None = None, *, remedy: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        #: How long the other side asked to be left alone: as it said, which may be any number.
        self.wait_seconds = wait_seconds


class RemoteFile(Struct, frozen=True):
    """A file of a remote place.

    name: its path below the place (posix), or its file name. address: what `Remote.open` takes. size: bytes, None if
    not known. validator: text that changes when the content does, None if there is none; one that others might have by
    chance, such as a time, is of this address alone (`weak`). md5: of the content, in hex.
    """

    name: str
    address: str
    size: int | None = None
    validator: str | None = None
    md5: str | None = None


def weak(validator: str, mark: str) -> str:
    """A validator that tells versions of one address apart, and says nothing of another one: that of another mark."""
    return f"{validator} at {mark}" if mark else validator


class Survey(Struct, frozen=True):
    """What there is: one file, or the files of a folder (which may be none)."""

    folder: bool
    files: tuple[RemoteFile, ...]

    @property
    def bytes(self) -> int | None:
        """The size of it all; None if one of them is not known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def validator(self) -> str | None:
        """Text that changes when anything in it does; None where that cannot be told."""
        parts = [(file.name, file.validator) for file in self.files]
        return None if any(validator is None for _, validator in parts) else repr((self.folder, sorted(parts)))


class Opened(Struct, frozen=True):
    """A file being read from byte `start` on: `file` is what is known of it now."""

    file: RemoteFile
    start: int
    chunks: Generator[bytes, None, None]


class Remote(Protocol):
    """A place by its URL. Both methods raise Broken for what may pass and DataError for what will not."""

    @property
    def shown(self) -> str:
        """The URL as it may be written down."""

    def survey(self, type: str) -> Survey:
        """What is there, for an input of that type."""

    def open(self, file: RemoteFile, start: int) -> Opened:
        """Begin to read, from `start` on if the place can do that and the file is unchanged, else from 0."""
