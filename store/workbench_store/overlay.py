"""How runs are though the database cannot be told: on a disk that is full or read-only they end all the same.

What is known of them is laid over the table of runs while this process reads. Nothing of it is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench_store.fold import StoredEvent, fold_run, whole
from workbench_store.ingest import RUN_COLUMNS, events_of

if TYPE_CHECKING:
    import duckdb

#: By run: all the changes of its state that are known.
States = Mapping[str, Sequence[StoredEvent]]


class Overlay:
    """What one process lays over the runs that it reads; `states` are those of the runs in question."""

    def __init__(self) -> None:
        self.states: States = {}
        self.rows: list[tuple[Any, ...]] = []
        self._laid_on: duckdb.DuckDBPyConnection | None = None

    def change(self, connection: "duckdb.DuckDBPyConnection", states: States) -> bool:
        """From now on it is of these runs; whether that makes a difference. The store is attached, to be read."""
        rows = _rows(connection, states) if states else []
        if rows == self.rows:
            return False
        self.take_off(connection)
        self.states, self.rows = states, rows
        return True

    def lay_on(self, connection: "duckdb.DuckDBPyConnection") -> None:
        """Let `runs` mean the table as it would be."""
        if self.rows and self._laid_on is not connection:
            lay_over(connection, self.rows, "runs")
            self._laid_on = connection

    def take_off(self, connection: "duckdb.DuckDBPyConnection") -> None:
        """Let `runs` mean the table, which may be written then."""
        if self._laid_on is connection:
            connection.execute("DROP VIEW temp.runs")
            connection.execute("DROP TABLE temp.laid_over")
            self._laid_on = None


def with_states(events: Iterable[StoredEvent], states: Sequence[StoredEvent]) -> list[StoredEvent]:
    """A run's events with these changes of its state in place of its own."""
    return [*(event for event in events if event.name != "state"), *states]


def lay_over(connection: "duckdb.DuckDBPyConnection", rows: Sequence[tuple[Any, ...]], view: str) -> None:
    """Make the temporary view of the attached store's runs in which these rows stand in place of their own."""
    columns = ", ".join(RUN_COLUMNS)
    connection.execute(f"CREATE TEMP TABLE laid_over AS SELECT {columns} FROM store.runs LIMIT 0")
    connection.executemany(f"INSERT INTO temp.laid_over VALUES ({', '.join('?' for _ in RUN_COLUMNS)})", rows)
    connection.execute(
        f"CREATE TEMP VIEW {view} AS SELECT {columns} FROM store.runs WHERE id NOT IN (SELECT id FROM temp.laid_over) "
        f"UNION ALL SELECT {columns} FROM temp.laid_over"
    )


def _rows(connection: "duckdb.DuckDBPyConnection", states: States) -> list[tuple[Any, ...]]:
    events = events_of(connection, list(states))
    known = connection.execute(
        "SELECT name, id, gap_bytes FROM store.runs WHERE name IN (SELECT unnest(?::VARCHAR[])) ORDER BY id",
        [list(states)],
    ).fetchall()
    rows = []
    for name, id, gap_bytes in known:
        row = fold_run(name, with_states(events.get(name, []), states[name])).row
        torn = whole(states[name][-1].fields.get("torn"))  # of a judgement: a full disk cut them short, no damage
        row.update(id=id, gap_bytes=max(0, gap_bytes - torn))
        rows.append(tuple(row[column] for column in RUN_COLUMNS))
    return rows
