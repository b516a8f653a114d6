"""Runs that are not there (any more), and what is said of them."""

import os
from pathlib import Path

from workbench_store.errors import NotFound
from workbench_store.journal.packed import journals_in
from workbench_store.layout import WorkspaceLayout, may_name_a_run


def no_run(layout: WorkspaceLayout, name: str, remedy: str = "`workbench ls` lists the runs.") -> NotFound:
    """The error for a run that is not there; `remedy` is for one that is not in the trash either."""
    if not may_name_a_run(name):
        return NotFound(f"there is no run {name!r} in {layout.root}", remedy=remedy)
    if os.path.isdir(layout.trashed(name).root):
        return NotFound(f"run {name} is in the trash", remedy=f"Bring it back: workbench restore {name}")
    if os.path.isdir(layout.purged(name)):
        return NotFound(f"run {name} is removed for good", remedy="`workbench gc` finishes that.")
    if is_bare(layout, name):
        return NotFound(
            f"nothing is recorded of run {name} any more: its journals are gone from {layout.run(name).root}",
            remedy=f"Bring them back from a copy, or remove what is left of it: workbench rm {name}",
        )
    if is_on_disk(layout, name):
        return NotFound(
            f"run {name} is on the disk, and the store of {layout.root} has not taken it in",
            remedy="`workbench ls` says what keeps it from that. If it is that there is no room: workbench rm of runs "
            "that nobody needs, this one too, then workbench gc.",
        )
    return NotFound(f"there is no run {name!r} in {layout.root}", remedy=remedy)


def is_put_away(layout: WorkspaceLayout, name: str) -> bool:
    """Whether the run of exactly that name was removed: it is in the trash, or on its way out of it."""
    return may_name_a_run(name) and (os.path.isdir(layout.trashed(name).root) or os.path.isdir(layout.purged(name)))


def is_on_disk(layout: WorkspaceLayout, name: str) -> bool:
    """Whether there is a run of exactly that name, whatever the database has."""
    return may_name_a_run(name) and os.path.isfile(layout.run(name).identity)


def is_bare(layout: WorkspaceLayout, name: str) -> bool:
    """Whether there is the folder of such a run, and not one journal in it."""
    return is_on_disk(layout, name) and has_no_journals(layout.run(name).journals)


def has_no_journals(folder: Path) -> bool:
    """Whether the folder is there with none. One that may not be looked into may have some."""
    try:
        return not journals_in(folder)
    except OSError:
        return False


def check_run(layout: WorkspaceLayout, name: str) -> None:
    """Raise NotFound unless the run of exactly that name is there."""
    if not may_name_a_run(name) or not os.path.isdir(layout.run(name).root):
        raise no_run(
            layout,
            name,
            "`workbench ls` lists the runs. One that it lists all the same has lost its folder: bring that back from a "
            "copy, or give up what only the store has of such runs: workbench doctor --rebuild --losing",
        )


def is_gone(layout: WorkspaceLayout, name: str) -> bool:
    """Whether nothing is left of the run but what the store has: its folder is neither in its place nor in the trash,
    nor on its way out of it. One that cannot be looked for is not gone."""
    places = (layout.run(name).root, layout.trashed(name).root, layout.purged(name))
    return not any(may_be_there(place) for place in places)


def may_be_there(place: "os.PathLike[str]") -> bool:
    """Whether something is at the place, or may be: where it cannot be looked for, nobody knows."""
    try:
        os.stat(place)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
