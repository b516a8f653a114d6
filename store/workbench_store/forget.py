"""Taking runs out of the database, whose journals it no longer has to show. What users wrote about them stays."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of

if TYPE_CHECKING:
    import duckdb

_THESE = "(SELECT unnest(?::VARCHAR[]))"
#: In this order: what refers to a row goes before it.
_STATEMENTS = (
    f"DELETE FROM points WHERE series IN (SELECT id FROM series WHERE run IN {_THESE})",
    f"DELETE FROM series WHERE run IN {_THESE}",
    f"DELETE FROM params WHERE run IN (SELECT id FROM runs WHERE name IN {_THESE})",
    f"DELETE FROM tags WHERE run IN (SELECT id FROM runs WHERE name IN {_THESE})",
    f"DELETE FROM runs WHERE name IN {_THESE}",
    f"DELETE FROM artifacts WHERE run IN {_THESE}",
    f"DELETE FROM media WHERE run IN {_THESE}",
    f"DELETE FROM settled WHERE run IN {_THESE}",
    f"DELETE FROM events WHERE journal IN (SELECT id FROM journals WHERE run IN {_THESE})",
    f"DELETE FROM journals WHERE run IN {_THESE}",
)


def forget_runs(layout: WorkspaceLayout, names: Sequence[str]) -> None:
    """Take these runs out of the database in one transaction. Raises StoreBusy, StoreDamaged or WorkspaceError."""
    if not names:
        return
    with lease_of(layout).writing() as connection:
        for statement in _STATEMENTS:
            connection.execute(statement, [list(names)])
        # Whoever remembers how far the journals were read has to ask again.
        connection.execute("UPDATE meta SET value = uuid()::VARCHAR WHERE key = 'made'")


def being_purged(layout: WorkspaceLayout) -> list[str]:
    """The runs that are out of the trash and whose removal is not finished."""
    prefix = layout.purged("").name
    try:
        return sorted(path.name[len(prefix) :] for path in layout.tmp.iterdir() if path.name.startswith(prefix))
    except OSError:
        return []


def removed_runs(layout: WorkspaceLayout) -> list[str]:
    """The runs that are in the trash or on their way out of it, and not in the workspace."""
    try:
        removed = {path.name for path in layout.trash.iterdir()}
    except OSError:
        removed = set()
    removed.update(being_purged(layout))  # looked at last: they move this way
    return [name for name in sorted(removed) if not layout.run(name).root.exists()]


def removed_but_known(layout: WorkspaceLayout, connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """The runs that the database has though they are removed: whoever did that was killed, or had no room."""
    gone = removed_runs(layout)
    if not gone:
        return []
    found = connection.execute(f"SELECT name FROM runs WHERE name IN {_THESE}", [gone]).fetchall()
    return [name for (name,) in found]
