"""The hashes that azure-ai-ml computes, byte for byte, so that what ran here can be recognised there.

Source: azure-ai-ml 1.35, `_utils/_asset_utils.py`, `get_content_hash` (hash_version 202208) and `get_object_hash`.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_PART_BYTES = 1024 * 1024


def content_hash(files: Iterable[tuple[str, Path]]) -> str:
    """The fingerprint of a code snapshot: `files` are (path below the root in posix form, where it is)."""
    ordered = sorted(files, key=lambda pair: pair[0].lower())
    digest = hashlib.sha256(str(len(ordered)).encode())
    for path, place in ordered:
        digest.update(f"#{path}#{place.stat().st_size}".encode("utf-8", "surrogateescape"))
    for _path, place in ordered:
        _feed(digest, place)
    return digest.hexdigest()


def object_hash(path: Path) -> str:
    """The hash of a build context or model: names and contents, depth first, in order of lower-cased full path."""
    digest = hashlib.sha256(b"Initialize for october 2021 AML CLI version")
    if path.is_file():
        digest.update(path.name.encode())
        _feed(digest, path)
    else:
        _feed_folder(digest, path)
    return digest.hexdigest()


def _feed_folder(digest: "hashlib._Hash", folder: Path) -> None:
    for child in sorted(folder.iterdir(), key=lambda path: str(path).lower()):
        digest.update(child.name.encode("utf-8", "surrogateescape"))
        if child.is_file():
            _feed(digest, child)
        elif child.is_dir() and not child.is_symlink():
            _feed_folder(digest, child)


def _feed(digest: "hashlib._Hash", path: Path) -> None:
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):
            digest.update(part)
