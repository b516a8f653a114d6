"""Hashes of files seen before, by what `stat` says of them, so that an unchanged tree costs a walk and no reading.

One JSON file for each code folder. A file whose times are not older than the cache itself may change again without
its times showing it, so such an entry is not kept (git calls these racily clean).
"""

import json
import os
import time
import uuid
from pathlib import Path

from xxhash import xxh3_128

from workbench_store.layout import WorkspaceLayout

_VERSION = 1
#: Coarser than any file system's clock.
_RACY_NS = 2_000_000_000

Key = tuple[int, int, int, int]


def key_of(status: os.stat_result) -> Key:
    """What must be the same for a file to count as unchanged: size, times of content and inode, inode number."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class StatCache:
    """The hashes known for one code folder; a damaged cache is an empty one."""

    def __init__(self, layout: WorkspaceLayout, root: Path) -> None:
        name = xxh3_128(os.path.realpath(root).encode("utf-8", "surrogateescape")).hexdigest()
        self._file = layout.stat_cache / f"{name}.json"
        self._known: dict[str, tuple[Key, str]] = {}
        self._seen: dict[str, tuple[Key, str]] = {}
        try:
            data = json.loads(self._file.read_text(encoding="utf-8", errors="surrogateescape"))
            if data["version"] == _VERSION:
                self._known = {path: (tuple(key), digest) for path, (key, digest) in data["files"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._known = {}

    def get(self, path: str, status: os.stat_result) -> str | None:
        """The hash of an unchanged file, or None."""
        known = self._known.get(path)
        if known is None or known[0] != key_of(status):
            return None
        self._seen[path] = known
        return known[1]

    def put(self, path: str, status: os.stat_result, digest: str) -> None:
        """Remember a hash, unless the file is so young that it may change unseen."""
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _RACY_NS:
            self._seen[path] = (key_of(status), digest)

    def save(self) -> None:
        """Write what was seen; a cache that cannot be written is no trouble."""
        if self._seen == self._known:
            return
        text = json.dumps({"version": _VERSION, "files": self._seen}, separators=(",", ":"))
        draft = self._file.with_name(f"{self._file.name}.{uuid.uuid4().hex[:8]}.new")
        try:
            self._file.parent.mkdir(exist_ok=True)
            draft.write_text(text, encoding="utf-8", errors="surrogateescape")
            draft.replace(self._file)
        except OSError:
            draft.unlink(missing_ok=True)
