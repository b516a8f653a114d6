"""What a query gave: a table in memory (on disk where it is large), free of the store, read in whichever form."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from workbench_store.connection import interruptible
from workbench_store.errors import UsageError

if TYPE_CHECKING:
    import duckdb

_BATCH = 2048
#: By type, which values Python has a value for.
_RANGES = {
    **dict.fromkeys(("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"), "isfinite({0})"),
    **dict.fromkeys(("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "isfinite({0}::TIMESTAMP)"),
    "INTERVAL": "abs(epoch({0})) < 86399999999999",
}


class QueryResult:
    """The rows of a query, in order. Close it, or use it in a `with`, to give back the room it takes."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        self._connection = connection
        described = connection.execute("SELECT * FROM result LIMIT 0").description or []
        self.columns: tuple[str, ...] = tuple(str(column[0]) for column in described)
        #: DuckDB's names of the columns' types.
        self.types: tuple[str, ...] = tuple(str(column[1]) for column in described)

    @interruptible()
    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM result").fetchall()[0][0])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The rows as tuples of Python's values, a few thousand at a time; a time or a span of time that Python has no
        value for is a text."""
        read = [_column(name, kind) for name, kind in zip(self.columns, self.types, strict=True)]
        nested = [place for place, (_, as_json) in enumerate(read) if as_json]
        cursor = self._connection.cursor()
        with interruptible():
            cursor.execute(f"SELECT {', '.join(column for column, _ in read)} FROM kept.result")
        while rows := _batch(cursor):
            yield from (_loaded(row, nested) for row in rows) if nested else rows

    def __enter__(self) -> "QueryResult":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows at once."""
        return list(self)

    @interruptible()
    def arrow(self) -> Any:
        """A pyarrow.Table. Raises UsageError where pyarrow is not installed."""
        _need("pyarrow")
        return self._connection.sql("SELECT * FROM result").to_arrow_table()

    @interruptible()
    def pandas(self) -> Any:
        """A pandas.DataFrame. Raises UsageError where pandas is not installed."""
        _need("pandas")
        return self._connection.sql("SELECT * FROM result").df()

    def polars(self) -> Any:
        """A polars.DataFrame. Raises UsageError where polars or pyarrow is not installed, and for intervals, for which
        polars has no type."""
        _need("polars")
        import polars

        spans = [name for name, kind in zip(self.columns, self.types) if "INTERVAL" in kind]
        if spans:
            raise UsageError(
                f"polars has no type for the intervals in {', '.join(spans)}",
                remedy="Ask for seconds, epoch(ended - started), or take .arrow() or .pandas().",
            )

        return polars.from_arrow(self.arrow())

    def close(self) -> None:
        """Give back the room that the rows take."""
        self._connection.close()


@interruptible()
def _batch(cursor: "duckdb.DuckDBPyConnection") -> list[tuple[Any, ...]]:
    return cursor.fetchmany(_BATCH)


def _column(name: str, kind: str) -> tuple[str, bool]:
    """How a column is read so that Python takes each of its values, and whether that gives JSON."""
    column = '"' + name.replace('"', '""') + '"'
    if kind in _RANGES:
        one_of = f"UNION(value {kind}, text VARCHAR)"
        # Of what DuckDB calls infinite Python would get its first or last day, and of a long span an error.
        known = f"CASE WHEN {_RANGES[kind].format(column)} THEN {column}::{one_of} "
        return f"{known}ELSE {column}::VARCHAR::{one_of} END", False
    return (f"to_json({column})", True) if "INTERVAL" in kind or "VARIANT" in kind else (column, False)


def _loaded(row: tuple[Any, ...], nested: list[int]) -> tuple[Any, ...]:
    values = list(row)
    for place in nested:
        values[place] = None if row[place] is None else json.loads(row[place])
    return tuple(values)


def _need(package: str) -> None:
    import importlib.util

    if importlib.util.find_spec(package) is None:
        raise UsageError(
            f"{package} is not installed here", remedy=f"Install it (pip install {package}), or use rows()."
        )
