"""The manifest: what a snapshot consists of. Its id is the hash of that, so identical code is one snapshot."""

import json
import os
import re
import uuid
from typing import Any, NamedTuple

from msgspec import Struct
from xxhash import xxh3_128

from workbench_store.errors import NotFound, SnapshotError
from workbench_store.faults import fault
from workbench_store.layout import WorkspaceLayout


class Entry(NamedTuple):
    """One file: path below the root (posix), size in bytes, whether it is executable, xxh3-128 of its content."""

    path: str
    size: int
    executable: bool
    hash: str


class Taken(NamedTuple):
    """A snapshot as it was taken: how many files and bytes, what each ignore rule dropped, what to be told of."""

    id: str
    files: int
    bytes: int
    upstream_hash: str
    excluded: dict[str, int]
    warnings: tuple[str, ...]


class Snapshot(Struct, frozen=True):
    """A snapshot as it is kept."""

    id: str
    entries: tuple[Entry, ...]
    upstream_hash: str

    @property
    def files(self) -> int:
        """How many files."""
        return len(self.entries)

    @property
    def bytes(self) -> int:
        """Their sizes together."""
        return sum(entry.size for entry in self.entries)


def snapshot_id(entries: tuple[Entry, ...]) -> str:
    """The identity of these files: paths, executable bits and contents, in order of path."""
    heads = [f"{entry.path}\0{int(entry.executable)}\0{entry.hash}\n" for entry in entries]
    return xxh3_128("".join(heads).encode("utf-8", "surrogateescape")).hexdigest()


def write_manifest(layout: WorkspaceLayout, id: str, entries: tuple[Entry, ...], upstream_hash: str) -> None:
    """Store the manifest of these files, whose id is `id`, if it is not there yet."""
    target = layout.snapshots / f"{id}.json"
    if not target.exists():
        files = [[entry.path, entry.size, int(entry.executable), entry.hash] for entry in entries]
        text = json.dumps({"id": id, "upstream_hash": upstream_hash, "files": files}, ensure_ascii=True)
        draft = layout.snapshots / f"{id}.{uuid.uuid4().hex[:8]}.new"
        layout.snapshots.mkdir(exist_ok=True)
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fault("manifest.drafted")
        draft.replace(target)
        fault("manifest.kept")


def known_upstream_hash(layout: WorkspaceLayout, id: str) -> str | None:
    """Upstream's hash if the same files were snapshotted before: it depends on nothing else.

    It stands at the beginning of the manifest, which may list very many files and is not read whole for it.
    """
    try:
        with (layout.snapshots / f"{id}.json").open(encoding="ascii", errors="replace") as file:
            head = file.read(256)
    except OSError:
        return None
    found = re.match(r'\{"id": "(\w+)", "upstream_hash": "(\w+)",', head)
    return found[2] if found and found[1] == id else None


def read_snapshot(layout: WorkspaceLayout, id: str) -> Snapshot:
    """The snapshot of that id. Raises NotFound, or SnapshotError if its manifest is not what its id says."""
    path = layout.snapshots / f"{id}.json"
    try:
        data = json.loads(path.read_text())
        entries = tuple(Entry(file[0], int(file[1]), bool(file[2]), str(file[3])) for file in data["files"])
    except FileNotFoundError:
        raise NotFound(f"there is no snapshot {id}", remedy=f"Look into {layout.snapshots}.") from None
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise _damaged(path, error) from error
    if data.get("id") != id or snapshot_id(entries) != id:
        raise _damaged(path, "its files are not those of its id")
    for entry in entries:
        check_path(entry.path)
    return Snapshot(id, entries, str(data.get("upstream_hash", "")))


def _damaged(path: Any, why: object) -> SnapshotError:
    return SnapshotError(f"{path} is damaged: {why}", remedy="Restore it from a copy of the workspace.")


def check_path(path: str) -> None:
    """Raises SnapshotError for a path that would leave the folder it is unpacked to."""
    parts = path.split("/")
    if not path or ".." in parts or "." in parts or "" in parts or "\0" in path:
        raise SnapshotError(f"{path!r} would be written outside of the snapshot's folder")
