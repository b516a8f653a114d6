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

from workbench_store.faults import fault
from workbench_store.layout import WorkspaceLayout

_VERSION = 2
#: Coarser than any file system's clock.
_RACY_NS = 2_000_000_000

#: What must be the same for a file to count as unchanged, and its hash: size, times of content and inode, inode, hash.
Known = list[int | str]


class StatCache:
    """The hashes known for one code folder; a damaged cache is an empty one."""

    def __init__(self, layout: WorkspaceLayout, root: Path) -> None:
        name = xxh3_128(os.path.realpath(root).encode("utf-8", "surrogateescape")).hexdigest()
        self._file = layout.stat_cache / f"{name}.json"
        self._known: dict[str, Known] = {}
        self._seen: dict[str, Known] = {}
        self._changed = False
        try:
            data = json.loads(self._file.read_text(encoding="utf-8", errors="surrogateescape"))
            if data["version"] == _VERSION and isinstance(data["files"], dict):
                self._known = data["files"]
        except (OSError, ValueError, KeyError, TypeError):
            self._known = {}

    def get(self, path: str, status: os.stat_result) -> str | None:
        """The hash of an unchanged file, or None."""
        known = self._known.get(path)
        if not isinstance(known, list) or known[:4] != _key_of(status) or not isinstance(known[-1], str):
            return None
        self._seen[path] = known
        return known[-1]

    def put(self, path: str, status: os.stat_result, digest: str) -> None:
        """Remember a hash, unless the file is so young that it may change unseen."""
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _RACY_NS:
            self._seen[path] = [*_key_of(status), digest]
            self._changed = True

    def save(self) -> None:
        """Write what was seen; a cache that cannot be written is no trouble."""
        if not self._changed and len(self._seen) == len(self._known):
            return
        text = json.dumps({"version": _VERSION, "files": self._seen}, separators=(",", ":"))
        draft = self._file.with_name(f"{self._file.name}.{uuid.uuid4().hex[:8]}.new")
        try:
            self._file.parent.mkdir(exist_ok=True)
            draft.write_text(text, encoding="utf-8", errors="surrogateescape")
            fault("stat-cache.drafted")
            draft.replace(self._file)
        except OSError:
            draft.unlink(missing_ok=True)


def _key_of(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
