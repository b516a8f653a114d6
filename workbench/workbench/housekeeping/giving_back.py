"""Giving space back: the trash, what nothing refers to, what was left over, and the holes in the store's file."""

from dataclasses import dataclass

from workbench_store.garbage import find_garbage, remove_garbage
from workbench_store.layout import WorkspaceLayout
from workbench_store.shrink import shrink, unused_bytes
from workbench_store.trash import Removed, in_trash, purge

from workbench.lifecycle import sweep_leftovers

#: Holes in the store's file that are worth writing it anew, in bytes.
_WORTH_SHRINKING = 1024**2


@dataclass(frozen=True)
class Offer:
    """What could be given back: runs in the trash, what nothing refers to, and the store's holes, in bytes."""

    trash: tuple[Removed, ...]
    garbage: int
    store: int

    @property
    def bytes(self) -> int:
        """All of it; the snapshots that only the trash refers to are in `garbage`."""
        return sum(one.size for one in self.trash) + self.garbage + self.store


def offer(layout: WorkspaceLayout, now: float, trash_seconds: float) -> Offer:
    """What can be given back, of the trash what has lain there for so long. Nothing is changed. Raises as reading."""
    trash = tuple(one for one in in_trash(layout) if now - one.removed >= trash_seconds)
    garbage = find_garbage(layout, frozenset(one.name for one in trash))
    holes = unused_bytes(layout)
    return Offer(trash, garbage.bytes, holes if holes >= _WORTH_SHRINKING else 0)


def give_back(layout: WorkspaceLayout, offered: Offer) -> None:
    """Remove what was offered, for good, and what killed processes left. Killed anywhere, doing it again goes on.

    Raises WorkspaceError where something cannot be removed, or the disk has no room to write the store anew.
    """
    purge(layout, [one.name for one in offered.trash])
    sweep_leftovers(layout)
    remove_garbage(layout)
    if unused_bytes(layout) >= _WORTH_SHRINKING:
        shrink(layout)
