"""Fetching: from a URL into the cache, whole and verified, or not at all."""

import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from workbench_store.errors import DataError

from workbench.data.address import Address, address_of
from workbench.data.cache import DataCache, Known, Tree
from workbench.data.limit import data_limit, size_text
from workbench.data.listing import check_names
from workbench.data.partial import Incoming, Partial
from workbench.data.remote import Broken, Remote, RemoteFile, Survey
from workbench.data.room import make_room
from workbench.data.secret_urls import without_secrets
from workbench.data.urls import folder_url, is_web
from workbench.data.watching import Watcher
from workbench.spec.ports import FOLDER_TYPES

RETRIES_VARIABLE = "WORKBENCH_DATA_RETRIES"
_RETRIES = 5
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
#: What nobody told of is checked against the limit whenever there is so much more of it, or this part of the limit.
_CHECK_BYTES = 64 * 1024**2
_CHECK_PART = 64

T = TypeVar("T")


class Fetched(Struct, frozen=True):
    """What was fetched, and whether it was there already."""

    tree: Tree
    cached: bool


def fetch(cache: DataCache, url: str, type: str, user: Path, watcher: Watcher) -> Fetched:
    """The data at the URL, for an input of that type, in the cache and marked as used by the run in folder `user`.

    An unchanged URL costs one look, also where it is signed anew, if its place tells versions apart by content. One
    that cannot be reached is made up for by what it led to before, with a warning. Raises DataError when it cannot be
    had (what has come so far is kept for the next attempt, unless it is wrong), Stopped when nobody waits any more.
    """
    try:
        address = address_of(url, type, cache.salt)
    except OSError as error:
        raise _cannot_be_kept(without_secrets(url), cache, error) from error
    remote = open_remote(url, type, address.mark)
    known = cache.known(address.key)
    try:
        survey = _patiently(lambda: remote.survey(type), remote.shown, watcher)
    except DataError as error:
        stale = _stale(cache, known, address, user) if isinstance(error.__cause__, Broken) else None
        if stale is None or known is None:
            raise
        when = datetime.fromtimestamp(known.time, UTC).strftime("%Y-%m-%d %H:%M UTC")
        watcher.warn(f"{error.message}; what it had on {when} is used")
        return Fetched(stale, True)
    check_names(survey, remote.shown)
    unchanged = _unchanged(cache, address.key, survey, user)
    if unchanged is not None:
        return Fetched(unchanged, True)
    try:
        return Fetched(_download(cache, remote, address, survey, user, watcher), False)
    except OSError as error:
        raise _cannot_be_kept(remote.shown, cache, error) from error


def _cannot_be_kept(shown: str, cache: DataCache, error: OSError) -> DataError:
    return DataError(f"{shown} cannot be kept in {cache.root}: {error}", remedy="Make room there.")


def open_remote(url: str, type: str, mark: str) -> Remote:
    """What reads the URL; `mark` tells it from others that are filed under the same key. Raises DataError when
    something that it needs is not installed."""
    place = folder_url(url) if type in FOLDER_TYPES else url
    if is_web(place):
        from workbench.data.web import WebFile

        return WebFile(place, mark)
    from workbench.data.drivers import missing_driver

    missing = missing_driver(place)
    if missing:
        raise missing
    from workbench.data.storage import FileSystemPlace

    return FileSystemPlace(place, mark)


def _stale(cache: DataCache, known: Known | None, address: Address, user: Path) -> Tree | None:
    """What the very same URL led to: nobody says now that it is what another one would lead to."""
    return None if known is None or known.mark != address.mark else cache.claim(known.tree, user)


def _unchanged(cache: DataCache, key: str, survey: Survey, user: Path) -> Tree | None:
    known = cache.known(key)
    if known is None or known.validator is None or known.validator != survey.validator:
        return None
    return cache.claim(known.tree, user)


def _download(cache: DataCache, remote: Remote, address: Address, survey: Survey, user: Path, watcher: Watcher) -> Tree:
    with cache.partial(address.key, watcher) as partial:
        # Another process may have fetched it while this one waited for its turn.
        tree = _unchanged(cache, address.key, survey, user)
        if tree is not None:
            partial.discard()
            return tree
        download = _Download(cache, remote, address.key, partial, watcher, survey)
        download.reserve()
        hashes, files = {}, []
        for file in survey.files:
            got, hashes[file.name] = download.file(file)
            files.append(got)
        download.settle()
        survey = replace(survey, files=tuple(files))
        tree = cache.keep(partial, survey, hashes, user)
        cache.remember(address, remote.shown, survey.validator, tree)
        return tree


class _Download:
    """The files of one place, one after the other; progress is counted over all of them."""

    def __init__(
        self, cache: DataCache, remote: Remote, key: str, partial: Partial, watcher: Watcher, survey: Survey
    ) -> None:
        self._cache, self._remote, self._key = cache, remote, key
        self._partial, self._watcher = partial, watcher
        self._sizes = {file.name: file.size for file in survey.files}
        self._before = 0
        self._reserved = 0
        self._opened: RemoteFile | None = None
        self._begun_again = False

    @property
    def _total(self) -> int | None:
        """The size of it all, as far as is known by now; None if that of a file is not."""
        return None if None in self._sizes.values() else self._known

    @property
    def _known(self) -> int:
        return sum(size or 0 for size in self._sizes.values())

    def reserve(self) -> None:
        """See that there is room for all that is known to come. Raises DataError."""
        self._room(self._known)

    def settle(self) -> None:
        """See that there is room for what has come, whatever was said of it. Raises DataError."""
        if self._before > self._reserved:
            self._room(self._before)

    def _room(self, size: int) -> None:
        """See that there is room for so many bytes in all; what does not fit is given up. Raises DataError."""
        try:
            make_room(self._cache, size, self._key, self._remote.shown)
        except DataError:
            self._partial.discard()
            raise
        self._reserved = size
        self._partial.expect(size)

    def file(self, file: RemoteFile) -> tuple[RemoteFile, str]:
        """Fetch one file; what it turned out to be, and its sha256. Raises DataError, Stopped, OSError."""
        known = self._partial.done(file)
        if known is not None:
            self._count(file, self._partial.path(file.name).stat().st_size)
            return file, known
        got, incoming = self._fetched(file)
        self._partial.finish(got, incoming.sha256.hexdigest())
        self._count(file, incoming.size)
        return got, incoming.sha256.hexdigest()

    def _count(self, file: RemoteFile, size: int) -> None:
        self._sizes[file.name] = size
        self._before += size
        self._watcher.progress(self._before, self._total)

    def _fetched(self, file: RemoteFile) -> tuple[RemoteFile, Incoming]:
        """The file whole and verified; a wrong one is fetched once more from the beginning if an earlier attempt had a
        part in it."""
        incoming = self._partial.resume(file)
        resumed = incoming.size > 0
        got = self._bytes(file, incoming)
        if got.md5 is not None and incoming.md5.hexdigest() != got.md5:
            if resumed:
                incoming = self._partial.resume(replace(file, validator=None))
                got = self._bytes(file, incoming)
            if got.md5 is not None and incoming.md5.hexdigest() != got.md5:
                self._partial.discard()
                raise DataError(
                    f"{self._remote.shown}: {file.name} did not come as it was sent: its MD5 is "
                    f"{incoming.md5.hexdigest()}, and {got.md5} is said",
                    remedy="Try again; if it stays so, the file at its place is damaged. Nothing of it was kept.",
                )
        return got, incoming

    def _bytes(self, file: RemoteFile, incoming: Incoming) -> RemoteFile:
        """Fetch until it is whole, going on where a connection broke; gives up when nothing more comes."""
        failures, furthest = 0, incoming.size
        try:
            while True:
                try:
                    return self._attempt(file, incoming)
                except Broken as error:
                    file, self._opened = self._opened or file, None
                    failures = 1 if incoming.size > furthest else failures + 1
                    furthest = max(furthest, incoming.size)
                    if error.remedy is not None or failures > retries():
                        raise self._gave_up(file, incoming, error) from error
                    _wait(self._watcher, error, failures)
        finally:
            incoming.close()

    def _attempt(self, file: RemoteFile, incoming: Incoming) -> RemoteFile:
        if file.size is not None and incoming.size == file.size > 0:
            return file
        opened = self._remote.open(file, incoming.size)
        self._opened = opened.file
        with closing(opened.chunks):
            self._resize(opened.file)
            if opened.start != incoming.size:
                incoming.restart()
                self._begun_again = True
            self._partial.begin(opened.file)
            for part in opened.chunks:
                self._watcher.check()
                incoming.write(part)
                self._grown(incoming)
        size = opened.file.size
        if size is not None and incoming.size != size:
            whole = incoming.size
            if whole > size:
                incoming.restart()
            raise Broken(f"it ended after {whole} of {size} bytes")
        return opened.file

    def _resize(self, file: RemoteFile) -> None:
        """Make room for a file that is not of the size that was said before."""
        if file.size is not None and file.size != self._sizes[file.name]:
            self._sizes[file.name] = file.size
            if self._known > self._reserved:
                self._room(self._known)

    def _grown(self, incoming: Incoming) -> None:
        done = self._before + incoming.size
        self._watcher.progress(done, self._total)
        if done - self._reserved > _unchecked_bytes():
            self._room(done)

    def _gave_up(self, file: RemoteFile, incoming: Incoming, error: Broken) -> DataError:
        size = "" if file.size is None else f" of {size_text(file.size)}"
        had = f"{size_text(incoming.size)}{size} of {file.name} have come"
        kept = "what has come is kept, and is gone on from there."
        if file.validator is None or self._begun_again:
            kept = "it begins again then, as its server tells no version of it or sends no part of it alone."
        return DataError(
            f"{self._remote.shown} cannot be fetched: {error.reason}; {had}",
            remedy=error.remedy or f"Try again when it can be reached: {kept}",
        )


def retries() -> int:
    """How often in a row something that failed is tried again: WORKBENCH_DATA_RETRIES, else 5."""
    text = os.environ.get(RETRIES_VARIABLE, "")
    return int(text) if text.isdecimal() else _RETRIES


def _unchecked_bytes() -> int:
    return min(_CHECK_BYTES, data_limit() // _CHECK_PART)


def _wait(watcher: Watcher, error: Broken, failures: int) -> None:
    """Wait before the next attempt: longer each time, or as long as the server asks, and never longer than 30 s."""
    own = _FIRST_WAIT_SECONDS * 2 ** min(failures - 1, 30)
    seconds = min(_LONGEST_WAIT_SECONDS, error.wait_seconds or own)
    watcher.waiting(seconds, error.reason)
    watcher.pause(seconds)


def _patiently(ask: Callable[[], T], shown: str, watcher: Watcher) -> T:
    """The answer, asking again for a while when none comes. Raises DataError, caused by Broken, when none ever does."""
    failures = 0
    while True:
        watcher.check()
        try:
            return ask()
        except Broken as error:
            failures += 1
            if error.remedy is not None or failures > retries():
                remedy = error.remedy or "Check the address and the network, and try again."
                raise DataError(f"{shown} cannot be reached: {error.reason}", remedy=remedy) from error
            _wait(watcher, error, failures)
