"""Taking a snapshot of a code folder or file: walk, store what is new, write the manifest."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from workbench_store.blobs import BlobStore
from workbench_store.errors import SnapshotError
from workbench_store.layout import WorkspaceLayout
from workbench_store.secrets import secret_in_name
from workbench_store.snapshot.ignore import IgnoreRules, read_rules
from workbench_store.snapshot.manifest import Entry, Taken, known_upstream_hash, snapshot_id, write_manifest
from workbench_store.snapshot.walk import Walked, WalkedFile, walk
from workbench_store.stat_cache import StatCache, tree_of


class Progress(Struct):
    """How far a snapshot is: files and bytes that are stored, of how many files (None: not all are found yet). Whoever
    is interested reads it meanwhile, in another thread."""

    files: int = 0
    bytes: int = 0
    total: int | None = None


def take_snapshot(
    layout: WorkspaceLayout,
    code: Path,
    *,
    component: bool = False,
    follow_links: bool = False,
    progress: Progress | None = None,
) -> Taken:
    """Store the code as it is now; identical code is stored once and has the same id. `progress` is kept up to date.

    Raises SnapshotError: nothing there, nothing left after the ignore rules, an unreadable file, links that lead out.
    """
    root, rules = (code, read_rules(code, component=component)) if code.is_dir() else (code.parent, no_rules())
    cache = StatCache(layout, code, _mark(rules, follow_links))
    found = walk(code, rules, follow_links=follow_links, kept=cache.kept) if root == code else single_file(code)
    if not found.paths:
        raise SnapshotError(
            f"nothing of {code} goes into the snapshot", remedy="Is it the right folder? Check its ignore file."
        )
    made = cache.made_of(tree_of(found.paths, found.statuses))
    stored = _as_before(layout, made) or _store(layout, found, cache, progress or Progress())
    return Taken(*stored[:4], dict(found.excluded), (*found.skipped, *stored[4]))


#: Of a snapshot: id, files, bytes, upstream's hash, and which files may be secrets.
_Stored = tuple[str, int, int, str, tuple[str, ...]]


def _store(layout: WorkspaceLayout, found: Walked, cache: StatCache, progress: Progress) -> _Stored:
    """Store what is new of the files, and the manifest."""
    blobs = BlobStore(layout)
    progress.total = len(found.paths)
    entries = tuple(_entry(file, blobs, cache, progress) for file in found.files)
    id = snapshot_id(entries)
    upstream = known_upstream_hash(layout, id)
    if upstream is None:
        from workbench_store.snapshot.upstream_hash import content_hash  # loads OpenSSL

        upstream = content_hash((entry.path, blobs.path(entry.hash)) for entry in entries)
        write_manifest(layout, id, entries, upstream)
    stored = (id, len(entries), sum(entry.size for entry in entries), upstream, tuple(_secrets(entries)))
    cache.save(found.paths, found.statuses, [entry.hash for entry in entries], [*stored, blobs.stamp()])
    return stored


def _as_before(layout: WorkspaceLayout, made: Any) -> _Stored | None:
    """The snapshot that was made of the same files, if all that it consists of is still there."""
    try:
        id, files, size, upstream, secrets, stamp = made
        if stamp != BlobStore(layout).stamp() or known_upstream_hash(layout, id) != upstream:
            return None
        return id, int(files), int(size), upstream, tuple(secrets)
    except (TypeError, ValueError):
        return None


def _mark(rules: IgnoreRules, follow_links: bool) -> str:
    """Stands for the rules under which a walk keeps a file."""
    return repr(([(rule.text, rule.excludes) for rule in rules.rules], follow_links, _reader_of(rules)))


def _reader_of(rules: IgnoreRules) -> str:
    """What decides what a pattern means; nothing, and nothing is loaded, where there is none."""
    if not rules.rules:
        return ""
    from pathspec import __version__

    return __version__


def single_file(code: Path) -> Walked:
    """A walk of one file. Raises SnapshotError if it is not a file."""
    if not code.is_file():
        raise SnapshotError(f"there is no file or folder {code}", remedy="Check the job's `code`.")
    found = Walked(str(code.parent))
    found.take(WalkedFile(code.name, str(code.resolve()), code.stat()))
    return found


def no_rules() -> IgnoreRules:
    """Rules that keep everything."""
    return IgnoreRules(None, ())


def _entry(file: WalkedFile, blobs: BlobStore, cache: StatCache, progress: Progress) -> Entry:
    entry = _stored(file, blobs, cache)
    progress.files, progress.bytes = progress.files + 1, progress.bytes + entry.size
    return entry


def _stored(file: WalkedFile, blobs: BlobStore, cache: StatCache) -> Entry:
    known = cache.get(file.path, file.status)
    executable = bool(file.status.st_mode & 0o100)
    if known is not None and blobs.has(known):
        return Entry(file.path, file.status.st_size, executable, known)
    blob = blobs.add_file(Path(file.place))
    return Entry(file.path, blob.size, executable, blob.hash)


def _secrets(entries: tuple[Entry, ...]) -> list[str]:
    reasons = ((entry.path, secret_in_name(entry.path.rpartition("/")[2])) for entry in entries)
    return [f"{path} may be a secret: {reason}" for path, reason in reasons if reason]
