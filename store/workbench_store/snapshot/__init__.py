"""Snapshots of code: taken by the ignore rules, stored once, brought back verified.

Names are resolved when first used: who brings a snapshot back does not load what taking one needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench_store.snapshot.manifest import Entry as Entry
    from workbench_store.snapshot.manifest import Snapshot as Snapshot
    from workbench_store.snapshot.manifest import Taken as Taken
    from workbench_store.snapshot.manifest import read_snapshot as read_snapshot
    from workbench_store.snapshot.stage import stage_snapshot as stage_snapshot
    from workbench_store.snapshot.stage import verify_snapshot as verify_snapshot
    from workbench_store.snapshot.stage import zip_snapshot as zip_snapshot
    from workbench_store.snapshot.take import Progress as Progress
    from workbench_store.snapshot.take import take_snapshot as take_snapshot

_HOMES = {
    "Entry": "manifest",
    "Snapshot": "manifest",
    "Taken": "manifest",
    "read_snapshot": "manifest",
    "stage_snapshot": "stage",
    "verify_snapshot": "stage",
    "zip_snapshot": "stage",
    "Progress": "take",
    "take_snapshot": "take",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
