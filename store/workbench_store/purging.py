"""Removing runs of the trash for good. Their files go first: on a full disk there is no room to record anything before.

A run leaves the trash under another name, which keeps its own name taken until all is done: that it was removed is
recorded (what users said of it is no part of a later run of that name), and the database has forgotten it. Killed
anywhere, or without room, the next `finish_purges` goes on.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from workbench_store.content_lock import removing_content
from workbench_store.disk_use import bytes_on_disk
from workbench_store.edits import append_edits
from workbench_store.errors import StoreBusy, StoreDamaged, WorkspaceError
from workbench_store.faults import fault
from workbench_store.forget import being_purged, forget_runs, removed_but_known
from workbench_store.holding import is_held
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.lease import lease_of, try_file
from workbench_store.removing import remove_whole
from workbench_store.run_ids import id_of
from workbench_store.words import listed


def begin_purges(layout: WorkspaceLayout, names: Sequence[str]) -> None:
    """Remove the files of these runs, which are in the trash. Raises WorkspaceError for one that cannot be moved or
    that a process still holds."""
    layout.tmp.mkdir(mode=0o700, exist_ok=True)
    for name in names:
        if is_held(layout.trashed(name)):
            raise WorkspaceError(
                f"run {name} is in the trash, and a process still writes to it",
                remedy=f"Bring it back (workbench restore {name}), or wait for the end of the process.",
            )
        remove_whole(layout.purged(name))  # what an earlier removal of that name left
        try:
            os.rename(layout.trashed(name).root, layout.purged(name))
        except FileNotFoundError:
            continue  # another process was there first
        except OSError as error:
            raise WorkspaceError(
                f"run {name} cannot be removed from {layout.trash}: {error.strerror or error}",
                remedy="Check that the workspace can be written.",
            ) from error
        fault("purge.begun")
        _empty(layout.purged(name))
        fault("purge.emptied")


def unfinished_purges(layout: WorkspaceLayout) -> dict[str, int]:
    """The runs that are out of the trash and whose removal is not finished, with the bytes that are left of each."""
    return {name: bytes_on_disk(layout.purged(name)) for name in being_purged(layout)}


def finish_purges(layout: WorkspaceLayout) -> dict[str, OSError]:
    """Remove what is left of runs that were taken out of the trash, record that they are gone, and free their names.
    The runs of which something cannot be removed, with why; their names stay taken.

    Raises StoreBusy, and WorkspaceError where that cannot be recorded: then the names of all stay taken.
    """
    for name in being_purged(layout):
        _empty(layout.purged(name))  # what takes long, while nobody has to wait
    if not being_purged(layout):
        return {}
    with removing_content(layout):  # alone: when a name is free again, nothing may be said of its past
        found = {name: _empty(layout.purged(name)) for name in being_purged(layout)}
        names = [name for name, trouble in found.items() if trouble is None]
        try:
            _record(layout, names)
        except StoreBusy:
            raise
        except WorkspaceError as error:
            raise WorkspaceError(
                f"the files of {listed(names)} are removed, but that cannot be recorded: {error.message}",
                remedy="Make room, then run `workbench gc` again: it goes on there. Until then the name stays taken.",
            ) from error
        for name in names:
            remove_whole(layout.purged(name))
    return {name: trouble for name, trouble in found.items() if trouble is not None}


def refuse_remains(remains: Mapping[str, OSError]) -> None:
    """Raises WorkspaceError if something of a run could not be removed, and names it."""
    if not remains:
        return
    name, *others = remains
    trouble = remains[name]
    more = f" (nor can {listed(others)})" if others else ""
    raise WorkspaceError(
        f"run {name} cannot be removed as a whole: {trouble.filename}: {trouble.strerror}{more}",
        remedy="Remove that as whoever it belongs to (ls -l tells), then run `workbench gc` again. "
        "Until then the name stays taken.",
    )


def _record(layout: WorkspaceLayout, names: Sequence[str]) -> None:
    gone = [name for name in names if not os.path.lexists(layout.run(name).root)]
    append_edits(layout, "purged", ({"run": name, "id": id_of(layout.purged(name)) or None} for name in gone))
    fault("purge.recorded")
    if layout.store.exists():
        why = try_file(layout)
        if why is not None:
            raise why  # it may have these runs, and is not read just now
        with suppress(StoreDamaged):  # it is made again from the journals, which no longer have these runs
            with lease_of(layout).reading() as connection:
                known = removed_but_known(layout, connection)
            forget_runs(layout, known)
    fault("purge.forgotten")


def _empty(folder: Path) -> OSError | None:
    """Remove what is in the folder; why the first of what stays does, if something does. Of a link only itself is
    removed: what it leads to is not ours."""
    try:
        if folder.is_symlink():
            folder.unlink(missing_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)  # which stands for the name, as long as it is taken
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            folder.chmod(0o700)
        # Which run it was is recorded last.
        paths = [path for path in folder.iterdir() if path.name != RunLayout(folder).identity.name]
    except OSError as error:
        return None if isinstance(error, FileNotFoundError) else error
    troubles = [remove_whole(path) for path in paths]  # each of them, though one stays
    return next((trouble for trouble in troubles if trouble is not None), None)
