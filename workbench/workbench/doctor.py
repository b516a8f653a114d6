"""What is wrong with this workspace or machine, and how to mend it. Looks only: nothing is written, but that the cache
folder is made if it is not there."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench_store.errors import WorkbenchError
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState
from workbench_store.words import counted

if TYPE_CHECKING:
    from workbench_store.store import Store

_ENOUGH_BYTES = 1024**3
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "sshfs", "fuse.sshfs", "9p", "drvfs", "afs", "ceph"})
_SYNCHRONISED = ("OneDrive", "Dropbox", "Google Drive", "GoogleDrive", "iCloud", "Mobile Documents", "Nextcloud")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `level` is ok, note or problem; `remedy` says what to do about it."""

    level: str
    what: str
    remedy: str = ""


def examine(layout: WorkspaceLayout) -> Iterator[Finding]:
    """Everything that can be said, machine first, then the workspace, its store, its runs."""
    yield from _machine()
    yield from _folder(layout)
    yield from _store(layout)


def _machine() -> Iterator[Finding]:
    yield Finding("ok", f"Python {sys.version.split()[0]} at {sys.executable}")
    try:
        import uv

        yield Finding("ok", f"uv at {uv.find_uv_bin()}")
    except (ImportError, FileNotFoundError):
        yield Finding("problem", "uv is not installed, so no environment can be made", "pip install uv")
    yield _cache()


def _cache() -> Finding:
    from workbench_store.cache_root import usable_cache

    try:
        return Finding("ok", f"cache folder {usable_cache()}")
    except WorkbenchError as error:
        return Finding("problem", error.message, error.remedy or "")


def _folder(layout: WorkspaceLayout) -> Iterator[Finding]:
    yield Finding("ok", f"workspace {layout.root}")
    if not os.access(layout.root, os.W_OK):
        yield Finding("problem", f"{layout.root} cannot be written", "Give yourself the permission, or use another.")
    mode = layout.root.stat().st_mode & 0o777
    if mode & 0o077:
        yield Finding("problem", f"others may look into {layout.root} (mode {mode:03o})", f"chmod 700 {layout.root}")
    kind = filesystem_of(layout.root)
    if kind in _NETWORK:
        yield Finding(
            "problem",
            f"{layout.root} is on a {kind} file system, whose locks cannot be trusted",
            "Keep the workspace on a local disk: --workspace or WORKBENCH_WORKSPACE.",
        )
    service = next((name for name in _SYNCHRONISED if name in str(layout.root)), None)
    if service:
        yield Finding("problem", f"{layout.root} is synchronised by {service}", "Keep the workspace outside of it.")
    free = shutil.disk_usage(layout.root).free
    level = "ok" if free > _ENOUGH_BYTES else "problem"
    yield Finding(level, f"{free / 1024**3:.1f} GiB free", "" if level == "ok" else "Make room: runs need disk space.")


def filesystem_of(path: Path) -> str:
    """The type of the file system that holds `path`; empty where the system does not say."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    best, kind = "", ""
    for line in mounts.read_text(errors="replace").splitlines():
        _device, place, name, *_ = line.split(" ")
        place = place.replace("\\040", " ")
        inside = path == Path(place) or Path(place) in path.parents
        if inside and len(place) >= len(best):
            best, kind = place, name
    return kind


def _store(layout: WorkspaceLayout) -> Iterator[Finding]:
    from workbench_store.store import Store

    store = Store(layout)
    try:
        from workbench.view.fresh import refresh

        refresh(layout, store)
        yield Finding("ok", f"store {layout.store.name}: {layout.store.stat().st_size / 1024**2:.1f} MiB")
        yield from _runs(layout, store)
    except WorkbenchError as error:
        yield Finding("problem", error.message, error.remedy or "")


def _runs(layout: WorkspaceLayout, store: "Store") -> Iterator[Finding]:
    from workbench_store.journal.packed import journals_in
    from workbench_store.records import RunQuery

    names = store.runs(RunQuery()).names
    yield Finding("ok", counted(len(names), "run"))
    for name in names:
        record = store.run(name)
        if not any(journals_in(layout.run(name).journals)):
            yield Finding(
                "problem",
                f"the journals of run {name} are gone from {layout.run(name).root}; only the store still knows it",
                "Bring the folder back from a copy. Rebuilding the store now would forget the run.",
            )
        if record.state is RunState.NOT_RESPONDING:
            yield Finding(
                "problem", f"run {name} is not responding", f"workbench adopt {name}, or workbench close {name}"
            )
        if record.gap_bytes:
            yield Finding(
                "note", f"run {name} has {counted(record.gap_bytes, 'damaged byte')} in its journals; the rest was kept"
            )
        if record.lost_points:
            yield Finding("note", f"run {name} lost {counted(record.lost_points, 'point')} when its disk was full")
        if record.state.final and layout.staged(name).exists():
            yield Finding("problem", f"run {name} still has temporary storage", f"workbench outputs --collect {name}")
