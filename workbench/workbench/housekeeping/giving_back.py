"""Giving space back: the trash, what nothing refers to, what was left over, and the holes in the store's file."""

from msgspec import Struct
from workbench_store.disk_use import bytes_on_disk
from workbench_store.garbage import find_garbage, remove_garbage
from workbench_store.layout import WorkspaceLayout
from workbench_store.purging import begin_purges, finish_purges, refuse_remains, unfinished_purges
from workbench_store.shrink import shrink, unused_bytes
from workbench_store.trash import Removed, in_trash

from workbench.lifecycle import sweep_leftovers
from workbench.lifecycle.collection import abandoned_rebuild

#: Holes in the store's file that are worth writing it anew, in bytes.
_WORTH_SHRINKING = 1024**2


class Offer(Struct, frozen=True):
    """What could be given back: runs in the trash, runs whose removal was cut short (bytes by name), what nothing
    refers to, what a killed rebuild left, and the store's holes, in bytes."""

    trash: tuple[Removed, ...]
    cut_short: dict[str, int]
    garbage: int
    rebuild: int
    store: int

    @property
    def bytes(self) -> int:
        """All of it; the snapshots that only the trash refers to are in `garbage`."""
        removed = sum(one.size for one in self.trash) + sum(self.cut_short.values())
        return removed + self.garbage + self.rebuild + self.store

    @property
    def something(self) -> bool:
        """Whether there is anything to do; what was cut short may have no bytes left, and have to be finished."""
        return bool(self.trash or self.cut_short or self.bytes)


def offer(layout: WorkspaceLayout, now: float, trash_seconds: float) -> Offer:
    """What can be given back, of the trash what has lain there for so long. Nothing is changed. Raises as reading."""
    trash = tuple(one for one in in_trash(layout) if max(0.0, now - one.removed) >= trash_seconds)
    garbage = find_garbage(layout, frozenset(one.name for one in trash))
    holes = unused_bytes(layout)
    rebuild = abandoned_rebuild(layout)
    return Offer(
        trash=trash,
        cut_short=unfinished_purges(layout),
        garbage=garbage.bytes,
        rebuild=0 if rebuild is None else bytes_on_disk(rebuild),
        store=holes if holes >= _WORTH_SHRINKING else 0,
    )


def give_back(layout: WorkspaceLayout, offered: Offer) -> None:
    """Remove what was offered, for good, and what killed processes left. Killed anywhere, doing it again goes on.

    On a full disk, what only removes comes before what has to be written. Raises WorkspaceError where something cannot
    be removed or recorded, or the disk has no room to write the store anew.
    """
    begin_purges(layout, [one.name for one in offered.trash])
    sweep_leftovers(layout)
    remove_garbage(layout)
    remains = finish_purges(layout)
    if unused_bytes(layout) >= _WORTH_SHRINKING:
        shrink(layout)
    refuse_remains(remains)
