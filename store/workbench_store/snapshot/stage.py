"""Bringing a snapshot back: unpacked into a folder, verified, or as a deterministic zip."""

import os
import zipfile
from pathlib import Path

from workbench_store.blobs import BlobStore
from workbench_store.errors import SnapshotError
from workbench_store.faults import fault
from workbench_store.layout import WorkspaceLayout
from workbench_store.snapshot.manifest import read_snapshot

#: The earliest time that a zip can carry, so that the same snapshot is the same archive.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def stage_snapshot(layout: WorkspaceLayout, id: str, target: Path) -> None:
    """Unpack into `target`, verifying every file; files belong to the job, so it may change them.

    Raises NotFound or SnapshotError (a damaged manifest or blob, a path that leads out, a file in the way).
    """
    blobs = BlobStore(layout)
    target.mkdir(parents=True, exist_ok=True)
    folders = {str(target)}
    for entry in read_snapshot(layout, id).entries:
        place = f"{target}/{entry.path}"
        folder = os.path.dirname(place)
        if folder not in folders:
            os.makedirs(folder, exist_ok=True)
            folders.add(folder)
        try:
            blobs.stage(entry.hash, place, 0o755 if entry.executable else 0o644)
        except FileExistsError as error:
            raise SnapshotError(f"{place} is in the way", remedy="Unpack into an empty folder.") from error
        fault("snapshot.staged-file")


def verify_snapshot(layout: WorkspaceLayout, id: str) -> list[str]:
    """What is wrong with a stored snapshot: each missing or damaged file, named; empty if nothing is."""
    blobs = BlobStore(layout)
    return [
        f"{entry.path}: blob {entry.hash} is missing or damaged"
        for entry in read_snapshot(layout, id).entries
        if not blobs.verify(entry.hash)
    ]


def zip_snapshot(layout: WorkspaceLayout, id: str, target: Path) -> None:
    """Write the snapshot as a zip whose bytes depend on its content alone. Raises FileExistsError."""
    blobs = BlobStore(layout)
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for entry in read_snapshot(layout, id).entries:
            info = zipfile.ZipInfo(entry.path, _ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = (0o100755 if entry.executable else 0o100644) << 16
            with blobs.open(entry.hash) as source:
                archive.writestr(info, source.read())
