"""Content-addressed files: each content once, named by its xxh3-128, read-only, shared by all snapshots."""

import contextlib
import errno
import os
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from xxhash import xxh3_128

from workbench_store.errors import SnapshotError, WorkspaceError
from workbench_store.faults import fault
from workbench_store.layout import WorkspaceLayout
from workbench_store.no_room import NO_ROOM
from workbench_store.unreadable import unreadable

_PART_BYTES = 1024 * 1024
_LEAST_BYTES = 4096
#: What goes wrong where a blob is written, not where its file is read.
_OF_THE_DISK = (*NO_ROOM, errno.EROFS)
#: ioctl_ficlone(2) of Linux: share the extents of a file on file systems that can (Btrfs, XFS, bcachefs).
_FICLONE = 0x40049409


#: A blob's name in its folder: its hash but for the first two digits.
_NAME = re.compile(r"[0-9a-f]{30}")


def blob_files(layout: WorkspaceLayout) -> Iterator[Path]:
    """The files that have a blob's name. What else lies among them is somebody's, and a link may lead anywhere."""
    for folder in layout.blobs.glob("[0-9a-f][0-9a-f]"):
        if not folder.is_symlink():
            yield from (path for path in folder.glob("*") if _NAME.fullmatch(path.name) and path.is_file())


class Blob(NamedTuple):
    """A stored content: its xxh3-128 in hex and its size in bytes."""

    hash: str
    size: int


class BlobStore:
    """The blobs of one workspace. Writing the same content twice stores it once, from any number of processes."""

    def __init__(self, layout: WorkspaceLayout) -> None:
        self._root = layout.blobs
        self._text = str(layout.blobs)

    def path(self, hash: str) -> Path:
        """Where the blob of that hash is or would be."""
        return self._root / hash[:2] / hash[2:]

    def has(self, hash: str) -> bool:
        """Whether that content is stored."""
        # Asked for every file of a snapshot: text, since making a Path costs more than the question.
        return os.path.exists(f"{self._text}/{hash[:2]}/{hash[2:]}")

    def stamp(self) -> str:
        """Stands for which blobs there are: it changes with each that comes or goes."""
        marks = []
        for number in range(256):
            try:
                marks.append(str(os.stat(f"{self._text}/{number:02x}").st_mtime_ns))
            except OSError:
                marks.append("")
        return xxh3_128(",".join(marks).encode()).hexdigest()

    def open(self, hash: str) -> BinaryIO:
        """The content for reading. Raises SnapshotError if it is not there."""
        return os.fdopen(self._descriptor(hash), "rb")

    def _descriptor(self, hash: str) -> int:
        try:
            return os.open(f"{self._text}/{hash[:2]}/{hash[2:]}", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise SnapshotError(f"blob {hash} is missing from {self._root}", remedy="Restore it from a copy.") from None

    def add_file(self, source: Path) -> Blob:
        """Store a file's content as it is now; a file that changes while it is read is read again.

        Raises SnapshotError, naming the file, if it cannot be read or does not hold still.
        """
        draft = self._draft()
        try:
            blob = _copy_hashed(source, draft)
            if self.has(blob.hash):
                draft.unlink()
            else:
                self._keep(draft, blob.hash)
            return blob
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise

    def stage(self, hash: str, target: str, mode: int = 0o644) -> None:
        """Put a copy of the content at `target`: shared extents where the file system can, never a link.

        Raises SnapshotError if the blob is missing or damaged.
        """
        # Descriptors and text, for a snapshot has many small files: a file object and a Path cost more than a copy.
        source = self._descriptor(hash)
        try:
            copy = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            try:
                found = _pour(source, None if cloned(source, copy) else copy).hash
                os.fchmod(copy, mode)
            finally:
                os.close(copy)
        finally:
            os.close(source)
        if found != hash:
            os.unlink(target)
            raise SnapshotError(
                f"blob {self.path(hash)} is damaged: it is not what its name says",
                remedy="Bring it back from a copy, or remove it: the next run of the same file stores it anew.",
            )

    def verify(self, hash: str) -> bool:
        """Whether the stored content is there and is what its name says."""
        try:
            return hash_of(self.path(hash)) == hash
        except OSError:
            return False

    def _draft(self) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        return self._root / f"{uuid.uuid4().hex}.new"

    def _keep(self, draft: Path, hash: str) -> None:
        """Make a complete draft a blob: on disk before it has its name."""
        fault("blob.drafted")
        target = self.path(hash)
        target.parent.mkdir(exist_ok=True)
        descriptor = os.open(draft, os.O_RDONLY)
        try:
            os.fchmod(descriptor, 0o444)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fault("blob.synced")
        draft.replace(target)
        fault("blob.kept")


def hash_of(path: Path) -> str:
    """The xxh3-128 of a file's content in hex. Raises OSError."""
    with path.open("rb") as file:
        return _pour(file.fileno(), None).hash


def _copy_hashed(source: Path, draft: Path) -> Blob:
    for _attempt in range(5):
        try:
            with source.open("rb") as file, draft.open("wb") as copy:
                before = os.fstat(file.fileno())
                blob = _pour(file.fileno(), copy.fileno())
                after = os.fstat(file.fileno())
        except OSError as error:
            if error.errno in _OF_THE_DISK:
                raise WorkspaceError(
                    f"{source} cannot be kept in {draft.parent}: {error.strerror}",
                    remedy="Make room there, or use a workspace elsewhere: --workspace. Nothing was started.",
                ) from error
            raise unreadable("snapshot", source, error) from error
        if before.st_mtime_ns == after.st_mtime_ns and blob.size == after.st_size:
            return blob
    raise SnapshotError(
        f"{source} changes while it is read",
        remedy="Leave it out with a rule in .amlignore, or else .gitignore; or stop what writes it.",
    )


def _pour(source: int, target: int | None) -> Blob:
    """What is read from one descriptor, and written to the other if there is one."""
    digest, size = xxh3_128(), 0
    # A small file needs no large buffer; one that says that it is empty may still hold something, as in /proc.
    part_bytes = max(_LEAST_BYTES, min(os.fstat(source).st_size + 1, _PART_BYTES))
    while part := os.read(source, part_bytes):
        digest.update(part)
        size += len(part)
        while target is not None and part:
            part = part[os.write(target, part) :]
    return Blob(digest.hexdigest(), size)


def cloned(source: int, target: int) -> bool:
    """Make the open file `target` share the content of `source`, where the file system can; whether it could."""
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True
