"""What a code folder was like when it was snapshotted last, so that an unchanged one costs a walk and no reading.

One file for each code folder: paths, what `stat` said of each, the hashes, and the snapshot that they made. A file
whose times are not older than the cache itself may change again without its times showing it, so such an entry is not
kept (git calls these racily clean). A damaged cache is an empty one.
"""

import json
import os
import time
import uuid
from array import array
from collections.abc import Sequence
from itertools import compress
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from xxhash import xxh3_128

from workbench_store.faults import fault
from workbench_store.layout import WorkspaceLayout

_VERSION = 4
#: Coarser than any file system's clock.
_RACY_NS = 2_000_000_000
_HASH_BYTES = 16
_NUMBER_BYTES = 8
#: What `stat` says of a file by which a change is known; eight bytes are kept of each.
_NUMBERS = tuple(map(attrgetter, ("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")))
_ALL_BITS = 2**64 - 1


class Tree(NamedTuple):
    """The files of a walk, in order of path, and the numbers that tell whether they changed: a column for each."""

    paths: tuple[str, ...]
    numbers: bytes

    def numbers_of(self, place: int) -> bytes:
        """The numbers of one file."""
        column = _NUMBER_BYTES * len(self.paths)
        first = _NUMBER_BYTES * place
        return b"".join(self.numbers[at : at + _NUMBER_BYTES] for at in range(first, len(self.numbers), column))


def tree_of(paths: Sequence[str], statuses: Sequence[os.stat_result]) -> Tree:
    """The tree of a walk's files."""
    return Tree(tuple(paths), b"".join(_column(list(map(number, statuses))) for number in _NUMBERS))


def _column(numbers: list[int]) -> bytes:
    try:
        return array("q", numbers).tobytes()
    except OverflowError:  # times after the year 2262, inodes of some network file systems
        return array("Q", [number & _ALL_BITS for number in numbers]).tobytes()


class StatCache:
    """What is known of one code folder, under one set of ignore rules (`rules` stands for them)."""

    def __init__(self, layout: WorkspaceLayout, root: Path, rules: str) -> None:
        name = xxh3_128(os.path.realpath(root).encode("utf-8", "surrogateescape")).hexdigest()
        self._file = layout.stat_cache / f"{name}.tree"
        self._rules = rules
        self._tree = Tree((), b"")
        self._hashes = b""
        self._made: dict[str, Any] | None = None
        #: The files that the rules are known to keep.
        self.kept: frozenset[str] = frozenset()
        self._places: dict[str, int] | None = None
        self._read()

    def _read(self) -> None:
        try:
            head, _, body = self._file.read_bytes().partition(b"\n")
            told = json.loads(head)
            if told["version"] != _VERSION or told["check"] != xxh3_128(body).hexdigest():
                return
            length, count = int(told["paths"]), int(told["files"])
            paths = body[:length].decode("utf-8", "surrogateescape").split("\0") if count else []
            numbers = body[length : length + _NUMBER_BYTES * len(_NUMBERS) * count]
            hashes = body[length + len(numbers) :]
            if len(paths) != count or len(hashes) != _HASH_BYTES * count:
                return
        except (OSError, ValueError, KeyError, TypeError):
            return
        self._tree, self._hashes = Tree(tuple(paths), numbers), hashes
        if told["rules"] == self._rules:
            self.kept, self._made = frozenset(paths), told["made"]

    def made_of(self, tree: Tree) -> dict[str, Any] | None:
        """What was said of the snapshot that was made of exactly these files, under these rules; None if none was."""
        return self._made if tree == self._tree else None

    def get(self, path: str, status: os.stat_result) -> str | None:
        """The hash of an unchanged file, or None."""
        if self._places is None:
            self._places = {path: place for place, path in enumerate(self._tree.paths)}
        place = self._places.get(path)
        if place is None:
            return None
        if self._tree.numbers_of(place) != tree_of([path], [status]).numbers:
            return None
        return self._hashes[_HASH_BYTES * place : _HASH_BYTES * (place + 1)].hex()

    def save(self, paths: Sequence[str], statuses: Sequence[os.stat_result], hashes: Sequence[str], made: Any) -> None:
        """Keep the hashes of these files and what is said of their snapshot; a cache that cannot be written is no
        trouble. `made` is kept only if every file is old enough to be told from a later one."""
        now = time.time_ns()
        old = [now - max(status.st_mtime_ns, status.st_ctime_ns) > _RACY_NS for status in statuses]
        tree = tree_of(list(compress(paths, old)), list(compress(statuses, old)))
        digests = b"".join(map(bytes.fromhex, compress(hashes, old)))
        names = "\0".join(tree.paths).encode("utf-8", "surrogateescape")
        body = names + tree.numbers + digests
        told = {
            "version": _VERSION,
            "check": xxh3_128(body).hexdigest(),
            "paths": len(names),
            "files": len(tree.paths),
            "rules": self._rules,
            "made": made if all(old) else None,
        }
        draft = self._file.with_name(f"{self._file.name}.{uuid.uuid4().hex[:8]}.new")
        try:
            self._file.parent.mkdir(exist_ok=True)
            draft.write_bytes(json.dumps(told).encode() + b"\n" + body)
            fault("stat-cache.drafted")
            draft.replace(self._file)
        except OSError:
            draft.unlink(missing_ok=True)
