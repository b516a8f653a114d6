"""What nothing refers to any more: snapshots of no run, blobs of no snapshot, and what killed processes left behind.

Whoever adds content (a submission, from its snapshot until its run is shown) holds the content lock with others; who
removes holds it alone. So nothing goes that a run is about to refer to.
"""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from workbench_store.blobs import blob_files
from workbench_store.content_lock import removing_content
from workbench_store.disk_use import bytes_on_disk
from workbench_store.drafts import content_drafts
from workbench_store.errors import NotFound, SnapshotError, StoreDamaged
from workbench_store.forget import being_purged, removed_runs
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.snapshot.manifest import read_snapshot
from workbench_store.snapshot.named import named_snapshots

#: What is half made and older than this, in seconds, is nobody's work any more.
_OLD_SECONDS = 24 * 3600.0


class Garbage(Struct, frozen=True):
    """What may go, each with the bytes that it takes."""

    snapshots: dict[Path, int]
    blobs: dict[Path, int]
    leftovers: dict[Path, int]

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(sum(part.values()) for part in (self.snapshots, self.blobs, self.leftovers))

    @property
    def paths(self) -> list[Path]:
        """In the order in which they go: a blob outlives the snapshots that refer to it."""
        return [*self.snapshots, *self.blobs, *self.leftovers]


def find_garbage(layout: WorkspaceLayout, without: frozenset[str] = frozenset()) -> Garbage:
    """What nothing refers to; `without` are runs in the trash that are about to go too.

    Raises StoreBusy while the store cannot be asked, and StoreDamaged when a snapshot of a run is missing or cannot be
    read: what it refers to is not known then.
    """
    used = _used_snapshots(layout, without)
    manifests = {path.name.removesuffix(".json"): path for path in layout.snapshots.glob("*.json")}
    kept = {hash for id, run in used.items() for hash in _hashes(layout, id, run)}
    blobs = {path: bytes_on_disk(path) for path in blob_files(layout) if path.parent.name + path.name not in kept}
    snapshots = {path: bytes_on_disk(path) for id, path in manifests.items() if id not in used}
    return Garbage(snapshots, blobs, {path: bytes_on_disk(path) for path in _leftovers(layout)})


def remove_garbage(layout: WorkspaceLayout, without: frozenset[str] = frozenset()) -> int:
    """Remove what nothing refers to; the bytes that it took. Raises as `find_garbage`."""
    with removing_content(layout):
        found = find_garbage(layout, without)
        for path in found.paths:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    return found.bytes


def _used_snapshots(layout: WorkspaceLayout, without: frozenset[str]) -> dict[str, str]:
    """Those that the plan or the record of a run names, also of runs in the trash, each with a run that does."""
    # Of removed runs the database may tell still, where the disk had no room to take them out of it.
    told = """
        SELECT DISTINCT fields->>'$.snapshot', journals.run FROM events JOIN journals ON events.journal = journals.id
        WHERE name = 'snapshot' AND NOT list_contains(?::VARCHAR[], journals.run)
    """
    with lease_of(layout).reading() as connection:
        used = {id: run for id, run in connection.execute(told, [removed_runs(layout)]).fetchall() if id}
    folders = [*layout.runs.glob("[!.]*")]
    folders += [path for path in layout.trash.glob("*") if path.name not in without]
    return {**used, **named_snapshots(layout, folders)}


def _hashes(layout: WorkspaceLayout, id: str, run: str) -> set[str]:
    try:
        return {entry.hash for entry in read_snapshot(layout, id).entries}
    except (SnapshotError, NotFound) as error:
        raise StoreDamaged(
            f"it is not known which files run {run} needs, as its snapshot cannot be read: {error.message}",
            remedy=f"Bring {id}.json back into {layout.snapshots} from a copy, or remove the runs that need it, and "
            "empty the trash. Nothing was removed.",
        ) from error


def _leftovers(layout: WorkspaceLayout) -> Iterator[Path]:
    """Half-made things that nobody has touched for a day."""
    before = time.time() - _OLD_SECONDS
    rebuild = layout.rebuilding().store.parent  # which has a lock of its own
    others = {layout.rebuild_lock, rebuild, layout.tmp / "duckdb", *map(layout.purged, being_purged(layout))}
    for path in (*layout.tmp.glob("*"), *content_drafts(layout)):
        if path not in others and _touched(path) < before:
            yield path


def _touched(path: Path) -> float:
    """When the file, or anything in the folder, was last changed; now, where that cannot be told."""
    try:
        latest = path.lstat().st_mtime
        for place, _, _ in os.walk(path):
            latest = max(latest, os.lstat(place).st_mtime)
        return latest
    except OSError:
        return time.time()
