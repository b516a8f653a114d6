"""Names, sizes and content hashes (xxh3-128) of the files below a folder."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from xxhash import xxh3_128

from workbench.data.copying import NO_DATA, is_inside, raise_error
from workbench.data.elsewhere import files_elsewhere
from workbench.data.walking import files_below
from workbench.spec.files import kind_of

_READ_BYTES = 1024 * 1024


class HashedFile(NamedTuple):
    """A file by its path relative to the folder (posix), its size in bytes and the hash of its content: None for a
    link that leads out of the folder, as what it leads to is somebody else's, and for what may be unreadable."""

    path: str
    size: int
    hash: str | None


def hash_file(path: Path) -> tuple[int, str]:
    """Size and hash of a file's content. Raises OSError, also when the file changed while it was read, and for what
    is no file: reading a pipe or a device might never end."""
    kind = kind_of(path.stat().st_mode)
    if kind != "a file":
        raise OSError(f"{path} is {kind}, not a file")
    digest = xxh3_128()
    size = 0
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        while part := file.read(_READ_BYTES):
            digest.update(part)
            size += len(part)
        after = os.fstat(file.fileno())
    if size != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise OSError(f"{path} changed while it was read")
    return size, digest.hexdigest()


def hash_below(root: Path) -> Iterator[HashedFile]:
    """Every regular file below `root`, or `root` itself (with an empty path) if it is a file, in order of
    name; nothing if there is no such thing.

    A link to a file counts as that file, unhashed if it leads out; links to folders are not followed; what is
    neither file nor folder (a socket, a device) is passed over. Raises OSError for what cannot be read.
    """
    for path in files_below(root, raise_error):
        yield HashedFile(_relative(path, root), *_content(path, root))


def changed_below(root: Path, since: float) -> Iterator[HashedFile]:
    """The same, but only what changed since that time (UTC epoch seconds), of a place that others may write to as well.

    Nothing is raised: what cannot be looked into is passed over, as is a workspace; what cannot be read has no hash.
    """
    for path in files_below(root, lambda error: None, NO_DATA):
        with suppress(OSError):
            found = path.stat()
            if found.st_ctime >= since:
                yield HashedFile(_relative(path, root), found.st_size, _hash_or_none(path, root))


def _hash_or_none(path: Path, root: Path) -> str | None:
    try:
        return _content(path, root)[1]
    except OSError:
        return None


def _relative(path: Path, root: Path) -> str:
    return "" if path == root else path.relative_to(root).as_posix()


def _content(path: Path, root: Path) -> tuple[int, str | None]:
    if path != root and path.is_symlink() and not is_inside(os.path.realpath(path), os.path.realpath(root)):
        return path.stat().st_size, None
    return hash_file(path)


def hashes_below(root: Path) -> dict[str, str | None]:
    """Hash by relative path."""
    return {file.path: file.hash for file in hash_below(root)}


def content_hash(path: Path) -> str:
    """One hash for a file's or a folder's content: names and hashes of the files in it, but for those of a workspace,
    and of those that belong to it as a table. Raises OSError as `hash_below`."""
    if not path.is_dir():
        return hash_file(path)[1]
    digest = xxh3_128()
    for file in files_below(path, raise_error, NO_DATA):
        name, hash = _relative(file, path), _content(file, path)[1]
        digest.update(f"{name}\0{hash}\0".encode("utf-8", "surrogatepass"))
    _add(digest, files_elsewhere(path))
    return digest.hexdigest()


def hash_of_named(files: Iterable[tuple[str, Path]]) -> str:
    """One hash for files by their names, in the order in which they come. Raises OSError."""
    digest = xxh3_128()
    _add(digest, files)
    return digest.hexdigest()


def _add(digest: xxh3_128, files: Iterable[tuple[str, Path]]) -> None:
    for name, file in files:
        digest.update(f"{name}\0{hash_file(file)[1]}\0".encode("utf-8", "surrogatepass"))
