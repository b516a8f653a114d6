"""Fetched data, kept by content in the user's cache folder, so that nothing is fetched or kept twice.

data/door                    held for the instant in which something is put in, taken out or claimed
data/blobs/<sha256>          content, mode 0444
data/trees/<id>/tree.json    what a file or folder consists of
data/trees/<id>/files/       the same as files, which are hard links to blobs
data/trees/<id>/uses/        a file for each run that uses it
data/trees/<id>/used         its time says when it was used last
data/salt                    random bytes, with which what is derived from secrets is hashed
data/index/<key>.json        which tree a URL led to, and by what to tell whether it still does
data/partial/<key>/          what is on its way, and <key>.lock, held by the process that fetches it
"""

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct
from workbench_store.cache_root import cache_root
from workbench_store.errors import DataError
from workbench_store.locks import FileLock

from workbench.client.json_files import read_json
from workbench.data.address import Address
from workbench.data.partial import Partial
from workbench.data.remote import Survey
from workbench.data.watching import Watcher

_POLL_SECONDS = 0.1
_SALT_BYTES = 32
_MODE_FILE, _MODE_FOLDER = 0o444, 0o555
#: How a disk says that it makes no hard link here, or none more.
_NO_LINK = (errno.EXDEV, errno.EMLINK, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP)
#: How it says that no file of that name can be there.
_NO_PLACE = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)


class Tree(Struct, frozen=True):
    """A file or folder in the cache. `path` is the file or folder itself; `fingerprint` is `sha256:<hex>`."""

    id: str
    path: Path
    fingerprint: str
    bytes: int


class Known(Struct, frozen=True):
    """What a URL led to: the tree, the validator then, when that was (UTC epoch seconds), and the URL's mark."""

    tree: str
    validator: str | None
    time: float
    mark: str


class DataCache:
    """The cache in a folder (None: the user's), which is made when something is put in."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or cache_root() / "data"
        self.blobs, self.trees = self.root / "blobs", self.root / "trees"
        self.index, self.partials = self.root / "index", self.root / "partial"

    def make(self) -> None:
        """Make the folders. Raises OSError."""
        for folder in (self.root, self.blobs, self.trees, self.index, self.partials):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def door(self) -> Iterator[None]:
        """Keep others from changing anything while the block runs."""
        lock = FileLock(self.root / "door")
        lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def salt(self) -> bytes:
        """The cache's own random bytes, made when they are first asked for. Raises OSError."""
        place = self.root / "salt"
        if not place.exists():
            self.make()
            draft = place.with_name(f".salt.{os.urandom(4).hex()}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(os.urandom(_SALT_BYTES))
            with self.door():
                if place.exists():
                    draft.unlink()
                else:
                    draft.rename(place)
        return place.read_bytes()

    # -- what is there

    def known(self, key: str) -> Known | None:
        """What the URL of that key led to when it was last fetched."""
        found = read_json(self.index / f"{key}.json")
        if found is None:
            return None
        validator = found.get("validator")
        told = None if validator is None else str(validator)
        return Known(str(found.get("tree")), told, float(found.get("time", 0)), str(found.get("mark", "")))

    def claim(self, id: str, user: Path) -> Tree | None:
        """The tree, marked as used by the run in that folder; None if it is not there, or not as it was put in."""
        with self.door():
            found = read_json(self.trees / id / "tree.json")
            if found is None:
                return None
            if not _intact(self.trees / id, found):
                remove_tree(self.trees / id)
                return None
            mark_use(self.trees / id, user)
        return self._tree(id, found)

    def _tree(self, id: str, found: Mapping[str, Any]) -> Tree:
        files = self.trees / id / "files"
        path = files if found["folder"] else files / found["files"][0]["path"]
        return Tree(id, path, str(found["fingerprint"]), sum(int(entry["size"]) for entry in found["files"]))

    def remember(self, address: Address, shown: str, validator: str | None, tree: Tree) -> None:
        """Note what a URL led to; a note that cannot be written costs no more than another fetch."""
        with suppress(OSError):
            fields = {"url": shown, "validator": validator, "tree": tree.id, "time": time.time(), "mark": address.mark}
            _write(self.index / f"{address.key}.json", fields)

    # -- what is on its way

    @contextmanager
    def partial(self, key: str, watcher: Watcher) -> Iterator[Partial]:
        """What has come of a download so far; waits while another process has it. Raises Stopped, OSError."""
        self.make()
        lock = FileLock(self.partials / f"{key}.lock")
        while not lock.try_acquire():
            watcher.pause(_POLL_SECONDS)
        try:
            partial = Partial(self.partials / key)
            yield partial
        finally:
            if not (self.partials / key).exists():
                with suppress(OSError):
                    lock.path.unlink()
            lock.release()

    # -- putting in

    def keep(self, partial: Partial, survey: Survey, hashes: Mapping[str, str], user: Path) -> Tree:
        """Take over the files of a download, whose sha256 are given by name, as one tree used by `user`."""
        entries = [
            {"path": file.name, "sha256": hashes[file.name], "size": partial.path(file.name).stat().st_size}
            for file in sorted(survey.files, key=lambda file: file.name)
        ]
        id = _tree_id(survey.folder, entries)
        plain = hashes[survey.files[0].name] if not survey.folder else id
        # Read outside the door, since it may take long: what is there already may have been changed by somebody.
        sound = {sha256 for sha256 in set(hashes.values()) if self._sound(sha256)}
        with self.door():
            for entry in entries:
                sha256 = str(entry["sha256"])
                entry["mtime_ns"] = self._keep_blob(partial.path(str(entry["path"])), sha256, sha256 in sound)
                sound.add(sha256)
            found: dict[str, Any] = {"folder": survey.folder, "fingerprint": f"sha256:{plain}", "files": entries}
            if not (self.trees / id / "tree.json").exists() or not _intact(self.trees / id, found):
                self._build_tree(id, found)
            mark_use(self.trees / id, user)
        partial.discard()
        return self._tree(id, found)

    def _sound(self, sha256: str) -> bool:
        """Whether there is a blob of that hash that has it still."""
        try:
            with (self.blobs / sha256).open("rb") as blob:
                return hashlib.file_digest(blob, "sha256").hexdigest() == sha256
        except OSError:
            return False

    def _keep_blob(self, source: Path, sha256: str, sound: bool) -> int:
        """Put a file under its hash unless what is there is `sound`; returns its time of change in nanoseconds."""
        blob = self.blobs / sha256
        if not (sound and blob.exists()):
            source.chmod(_MODE_FILE)
            source.replace(blob)
        return blob.stat().st_mtime_ns

    def _build_tree(self, id: str, found: dict[str, Any]) -> None:
        """Make the tree under another name, then rename it into place."""
        draft = self.trees / f".{id}.{os.urandom(4).hex()}"
        try:
            self._fill(draft, found)
            if (self.trees / id).exists():
                remove_tree(self.trees / id)
            draft.rename(self.trees / id)
        except BaseException:
            _delete(draft)
            raise

    def _fill(self, draft: Path, found: dict[str, Any]) -> None:
        """Make what a tree consists of in a folder that is not there yet. Raises DataError, naming a file that cannot
        be there, and OSError."""
        (draft / "files").mkdir(parents=True, mode=0o700)
        (draft / "uses").mkdir(mode=0o700)
        for entry in found["files"]:
            place = draft / "files" / entry["path"]
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                found["copied"] = _copied(self.blobs / entry["sha256"], place) or bool(found.get("copied"))
            except OSError as error:
                if error.errno not in _NO_PLACE:
                    raise
                # Also where the disk takes two names for one, as it does when it folds case.
                message = f"{entry['path']!r} cannot be kept beside the other files: {error.strerror}"
                raise DataError(message, remedy="Rename it at its place.") from error
        for folder, _, _ in os.walk(draft / "files", topdown=False):
            os.chmod(folder, _MODE_FOLDER)
        _write(draft / "tree.json", found)


def _tree_id(folder: bool, entries: list[dict[str, Any]]) -> str:
    lines = [f"{entry['path']}\0{entry['sha256']}" for entry in entries]
    return hashlib.sha256("\n".join([str(folder), *lines]).encode("utf-8", "surrogatepass")).hexdigest()


def _intact(tree: Path, found: Mapping[str, Any]) -> bool:
    """Whether every file still has the size and time it was put in with: mode 0444 does not keep everybody out."""
    for entry in found["files"]:
        try:
            status = (tree / "files" / entry["path"]).stat()
        except OSError:
            return False
        if (status.st_size, status.st_mtime_ns) != (entry["size"], entry["mtime_ns"]):
            return False
    return True


def _copied(blob: Path, place: Path) -> bool:
    """Link the blob to its place; whether it had to be copied, for want of hard links or for too many of them."""
    try:
        os.link(blob, place)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        # Never over what is there: it may be a link to another blob.
        with blob.open("rb") as source, place.open("xb") as target:
            shutil.copyfileobj(source, target)
        shutil.copystat(blob, place)
        return True
    return False


def mark_use(tree: Path, user: Path) -> None:
    """Note that the run in the folder `user` uses the tree from now on."""
    name = hashlib.sha256(str(user).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    (tree / "uses").mkdir(exist_ok=True)
    (tree / "uses" / name).write_text(str(user), "utf-8", "surrogatepass")
    (tree / "used").touch()


def remove_tree(tree: Path) -> None:
    """Take a tree out: under another name first, so that a tree is there whole or not at all."""
    doomed = tree.with_name(f".{tree.name}.{os.urandom(4).hex()}")
    tree.rename(doomed)
    _delete(doomed)


def _delete(folder: Path) -> None:
    for below, _, _ in os.walk(folder / "files"):
        os.chmod(below, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    draft.write_text(json.dumps(content), "utf-8")
    draft.replace(path)
