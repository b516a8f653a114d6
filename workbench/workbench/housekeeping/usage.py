"""What takes space: by kind, by run, by experiment, and in the user's cache. Bytes of the disk, not of the files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct
from workbench_store.disk_use import block_bytes, bytes_on_disk
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.records import RunQuery

if TYPE_CHECKING:
    from workbench_store.store import Store

#: What is in a run's folder, by the name of the part; what is none of these is `other`.
_PARTS = {
    "outputs": "outputs",
    "named-outputs": "outputs",
    "logs": "logs",
    "journal": "journals",
    "media": "media",
}


class Usage(Struct, frozen=True):
    """Bytes by kind, by run and by experiment, largest first; `cache` is the user's, shared by all workspaces."""

    kinds: dict[str, int]
    runs: dict[str, int]
    experiments: dict[str, int]
    cache: dict[str, int]

    @property
    def total(self) -> int:
        """What the workspace takes."""
        return sum(self.kinds.values())


def measure(layout: WorkspaceLayout, store: "Store") -> Usage:
    """Look at every file of the workspace and of the cache. Raises StoreBusy, StoreDamaged or StoreTooNew."""
    from workbench.uninstall import cache_parts

    experiments = {row.name: row.experiment for row in store.runs(RunQuery()).rows}
    kinds: dict[str, int] = {}
    runs: dict[str, int] = {}
    of_experiments: dict[str, int] = {}
    for name, part, size in _runs(layout):
        _add(kinds, f"runs: {part}", size)
        _add(runs, name, size)
        if name in experiments:
            _add(of_experiments, experiments[name], size)
    for kind, size in _others(layout):
        _add(kinds, kind, size)
    cache = {part.what: part.size for part in cache_parts() if part.what is not None and part.size}
    return Usage(*(_largest_first(sizes) for sizes in (kinds, runs, of_experiments, cache)))


def _runs(layout: WorkspaceLayout) -> Iterator[tuple[str, str, int]]:
    for folder in sorted(layout.runs.glob("[!.]*")):
        files = RunLayout(folder)
        try:
            parts = [] if folder.is_symlink() else sorted(folder.iterdir())
            own = block_bytes(folder.lstat())
        except OSError:
            continue  # somebody's file, or what may not be looked into
        yield files.name, "other", own
        for part in parts:
            yield files.name, _PARTS.get(part.name, "other"), bytes_on_disk(part)


def _others(layout: WorkspaceLayout) -> Iterator[tuple[str, int]]:
    """Of what else is in the workspace, by kind."""
    kinds = {
        layout.blobs: "snapshots",
        layout.snapshots: "snapshots",
        layout.store: "store",
        layout.trash: "trash",
        layout.staging: "temporary storage",
        layout.tmp: "temporary storage",
        layout.datastores: "datastores",
    }
    yield "other", block_bytes(layout.root.stat())
    for place in layout.root.iterdir():
        size = block_bytes(place.lstat()) if place == layout.runs else bytes_on_disk(place)
        yield kinds.get(place, "other"), size


def _add(sizes: dict[str, int], key: str, size: int) -> None:
    sizes[key] = sizes.get(key, 0) + size


def _largest_first(sizes: dict[str, int]) -> dict[str, int]:
    return dict(sorted(((key, size) for key, size in sizes.items() if size), key=lambda item: -item[1]))
