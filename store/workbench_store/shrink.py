"""Writing the database anew, so that the room of what was deleted comes back: DuckDB's file never gets smaller."""

import os
import shutil

from workbench_store.connection import interruptible, open_connection, quoted
from workbench_store.errors import WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of, log_of

#: What must be free on the disk beside the new file, in bytes: at least, as a part of that file, and at most. Jobs go
#: on meanwhile, and DuckDB writes a log.
_LEAST_SPARE, _SPARE_PART, _MOST_SPARE = 4 * 1024**2, 0.25, 64 * 1024**2
#: What is written is held on top of what DuckDB counts against its limit.
_MEMORY_LIMIT = "200MB"


def unused_bytes(layout: WorkspaceLayout) -> int:
    """The bytes in the file that hold nothing. Raises StoreBusy, StoreDamaged or StoreTooNew."""
    with lease_of(layout).reading() as connection:
        rows = connection.execute(
            "SELECT block_size * free_blocks FROM pragma_database_size() WHERE database_name = 'store'"
        ).fetchall()
    return int(rows[0][0]) if rows else 0


def shrink(layout: WorkspaceLayout) -> int:
    """Write the database anew, alone with it; by how many bytes its file is smaller now.

    Killed anywhere, the old file or the new one is there, whole. Raises WorkspaceError where the disk has no room for
    both, and as any writing.
    """
    lease = lease_of(layout)
    with lease.writing():
        pass  # of this version, and made if it was not there
    holes = unused_bytes(layout)
    draft = layout.tmp / "shrink" / layout.store.name
    with lease.without_file():
        before = layout.store.stat().st_size
        room, needed = shutil.disk_usage(layout.root).free, _needed(before - holes)
        if room < needed:
            raise WorkspaceError(
                f"to write the store anew, and smaller, takes {needed:,} bytes for a while, and {room:,} are free",
                remedy="Make room first. The store's file is as it was.",
            )
        try:
            with interruptible():
                _copy(layout, draft)
            os.replace(draft, layout.store)
        finally:
            shutil.rmtree(draft.parent, ignore_errors=True)
        return before - layout.store.stat().st_size


def _needed(content: int) -> int:
    return content + int(min(max(_SPARE_PART * content, _LEAST_SPARE), _MOST_SPARE))


def _copy(layout: WorkspaceLayout, draft: "os.PathLike[str]") -> None:
    import duckdb

    place = layout.tmp / "shrink"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700, parents=True)
    connection = open_connection(layout)
    connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
    try:
        # Not read-only: a log that a killed process left is taken in first, and so is no part of the new file.
        connection.execute(f"ATTACH {quoted(layout.store)} AS store")
        connection.execute(f"ATTACH {quoted(draft)} AS fresh")
        connection.execute("COPY FROM DATABASE store TO fresh")
        connection.execute("CHECKPOINT fresh")
        connection.execute("CHECKPOINT store")
        connection.execute("DETACH fresh")
        connection.execute("DETACH store")
    except duckdb.Error as error:
        raise WorkspaceError(
            f"{layout.store} cannot be written anew: {str(error).splitlines()[0]}",
            remedy="Its file is as it was. See what `workbench doctor` says.",
        ) from error
    finally:
        connection.close()
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    log_of(layout.store).unlink(missing_ok=True)
