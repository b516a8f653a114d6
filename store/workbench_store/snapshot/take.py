"""Taking a snapshot of a code folder or file: walk, store what is new, write the manifest."""

from pathlib import Path

from workbench_store.blobs import BlobStore
from workbench_store.errors import SnapshotError
from workbench_store.layout import WorkspaceLayout
from workbench_store.secrets import secret_in_name
from workbench_store.snapshot.ignore import IgnoreRules, read_rules
from workbench_store.snapshot.manifest import Entry, Snapshot, known_upstream_hash, snapshot_id, write_manifest
from workbench_store.snapshot.upstream_hash import content_hash
from workbench_store.snapshot.walk import Walked, WalkedFile, walk
from workbench_store.stat_cache import StatCache


def take_snapshot(
    layout: WorkspaceLayout, code: Path, *, component: bool = False, follow_links: bool = False
) -> Snapshot:
    """Store the code as it is now; identical code is stored once and has the same id.

    Raises SnapshotError: nothing there, nothing left after the ignore rules, an unreadable file, links that lead out.
    """
    root, found = walk_code(code, component=component, follow_links=follow_links)
    if not found.files:
        raise SnapshotError(
            f"nothing of {code} goes into the snapshot", remedy="Is it the right folder? Check its ignore file."
        )
    cache = StatCache(layout, root)
    blobs = BlobStore(layout)
    entries = tuple(_entry(file, blobs, cache) for file in found.files)
    cache.save()
    id = snapshot_id(entries)
    upstream = known_upstream_hash(layout, id)
    if upstream is None:
        upstream = content_hash((entry.path, blobs.path(entry.hash)) for entry in entries)
        write_manifest(layout, id, entries, upstream)
    return Snapshot(id, entries, upstream, dict(found.excluded), (*found.skipped, *_secrets(entries)))


def walk_code(code: Path, *, component: bool = False, follow_links: bool = False) -> tuple[Path, Walked]:
    """The folder that paths are relative to, and the files; a single file is a snapshot of that file alone."""
    if code.is_dir():
        return code, walk(code, read_rules(code, component=component), follow_links=follow_links)
    return code.parent, single_file(code)


def single_file(code: Path) -> Walked:
    """A walk of one file. Raises SnapshotError if it is not a file."""
    if not code.is_file():
        raise SnapshotError(f"there is no file or folder {code}", remedy="Check the job's `code`.")
    return Walked(files=[WalkedFile(code.name, str(code.resolve()), code.stat())])


def no_rules() -> IgnoreRules:
    """Rules that keep everything."""
    return IgnoreRules(None, ())


def _entry(file: WalkedFile, blobs: BlobStore, cache: StatCache) -> Entry:
    known = cache.get(file.path, file.status)
    executable = bool(file.status.st_mode & 0o100)
    if known is not None and blobs.has(known):
        return Entry(file.path, file.status.st_size, executable, known)
    blob = blobs.add_file(Path(file.place))
    cache.put(file.path, file.status, blob.hash)
    return Entry(file.path, blob.size, executable, blob.hash)


def _secrets(entries: tuple[Entry, ...]) -> list[str]:
    reasons = ((entry.path, secret_in_name(entry.path.rpartition("/")[2])) for entry in entries)
    return [f"{path} may be a secret: {reason}" for path, reason in reasons if reason]
