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


def removed_but_known(layout: WorkspaceLayout, connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """The runs that the database has though they lie in the trash: whoever put them there was killed on the way."""
    try:
        removed = {path.name for path in layout.trash.iterdir()}
    except OSError:
        return []
    gone = [name for name in sorted(removed) if not layout.run(name).root.exists()]
    if not gone:
        return []
    found = connection.execute(f"SELECT name FROM runs WHERE name IN {_THESE}", [gone]).fetchall()
    return [name for (name,) in found]
