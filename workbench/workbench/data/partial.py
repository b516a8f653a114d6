"""Files on their way into the cache: what has come is kept when the way is cut, and taken up again from there.

<key>/files/<hash of the name>   the bytes so far
<key>/log.jsonl                  a line whenever something becomes known of a file; the last one counts
<key>/expected                   how many bytes it will be, so that others leave room
"""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from workbench_store.errors import DataError
from workbench_store.no_room import NO_ROOM

from workbench.data.remote import RemoteFile

_READ_BYTES = 1024 * 1024


class Partial:
    """The folder of one download, in the hands of its only process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = folder / "files"
        self._files.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._log = folder / "log.jsonl"
        self._known = self._read_log()

    def _read_log(self) -> dict[str, dict[str, Any]]:
        known: dict[str, dict[str, Any]] = {}
        try:
            lines = self._log.read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return known
        for line in lines:
            try:
                entry = json.loads(line)
                known[str(entry["name"])] = entry
            except (ValueError, KeyError, TypeError):
                continue  # the last line of a process that was killed
        return known

    def _note(self, **entry: Any) -> None:
        self._known[str(entry["name"])] = entry
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def expect(self, size: int) -> None:
        """Tell others how many bytes this will be."""
        (self.folder / "expected").write_text(str(size))

    def path(self, name: str) -> Path:
        """Where the bytes of a file are."""
        return self._files / hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:40]

    def done(self, file: RemoteFile) -> str | None:
        """The sha256 of a file that has come whole in an earlier attempt and is unchanged at its place."""
        entry = self._known.get(file.name, {})
        whole = entry.get("sha256") is not None and entry.get("validator") == file.validator is not None
        return str(entry["sha256"]) if whole and self.path(file.name).is_file() else None

    def finish(self, file: RemoteFile, sha256: str) -> None:
        """Note that the file has come whole."""
        self._note(name=file.name, validator=file.validator, sha256=sha256)

    def resume(self, file: RemoteFile) -> "Incoming":
        """The file to append to: with what has come of it, if that is of the same content."""
        entry = self._known.get(file.name, {})
        incoming = Incoming(self.path(file.name), self)
        if file.validator is None or entry.get("validator") != file.validator:
            incoming.restart()
        return incoming

    def begin(self, file: RemoteFile) -> None:
        """Note which content the bytes that come now are of."""
        self._note(name=file.name, validator=file.validator, sha256=None)

    def discard(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Incoming:
    """A file that grows, with the digests of what is in it. `size` is in bytes."""

    def __init__(self, path: Path, partial: Partial) -> None:
        self._path = path
        self._partial = partial
        self._file: BinaryIO = path.open("ab")
        self.size = 0
        self.sha256, self.md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        with path.open("rb") as before:
            while part := before.read(_READ_BYTES):
                self._count(part)

    def _count(self, part: bytes) -> None:
        self.sha256.update(part)
        self.md5.update(part)
        self.size += len(part)

    def write(self, part: bytes) -> None:
        """Append. Raises DataError when there is no room, after giving up the room it took itself."""
        try:
            self._file.write(part)
        except OSError as error:
            self._give_up(error)
        self._count(part)

    def _give_up(self, error: OSError) -> None:
        if error.errno in NO_ROOM:
            folder = self._partial.folder
            self._drop()
            self._partial.discard()
            raise DataError(
                f"there is no room in {folder.parent} for what is fetched: {error.strerror}",
                remedy="Make room, or put the cache elsewhere with WORKBENCH_CACHE; nothing of it was kept.",
            ) from error
        raise error

    def _drop(self) -> None:
        """Close without minding what could not be written."""
        with suppress(OSError):
            self._file.close()

    def restart(self) -> None:
        """Begin again from nothing."""
        self._file.truncate(0)
        self.size = 0
        self.sha256, self.md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)

    def close(self) -> None:
        """Bring it to the disk. Raises as `write`; nothing happens to one that was given up."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            self._give_up(error)
