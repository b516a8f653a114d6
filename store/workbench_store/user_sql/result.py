"""What a query gave: a table in memory (on disk where it is large), free of the store, read in whichever form."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from workbench_store.errors import UsageError

if TYPE_CHECKING:
    import duckdb

_BATCH = 2048


class QueryResult:
    """The rows of a query, in order. Close it, or use it in a `with`, to give back the room it takes."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        self._connection = connection
        described = connection.execute("SELECT * FROM result LIMIT 0").description or []
        self.columns: tuple[str, ...] = tuple(str(column[0]) for column in described)
        #: DuckDB's names of the columns' types.
        self.types: tuple[str, ...] = tuple(str(column[1]) for column in described)

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM result").fetchall()[0][0])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The rows as tuples of Python's values, a few thousand at a time."""
        cursor = self._connection.cursor()
        cursor.execute("SELECT * FROM kept.result")
        while rows := cursor.fetchmany(_BATCH):
            yield from rows

    def __enter__(self) -> "QueryResult":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows at once."""
        return list(self)

    def arrow(self) -> Any:
        """A pyarrow.Table. Raises UsageError where pyarrow is not installed."""
        _need("pyarrow")
        return self._connection.sql("SELECT * FROM result").to_arrow_table()

    def pandas(self) -> Any:
        """A pandas.DataFrame. Raises UsageError where pandas is not installed."""
        _need("pandas")
        return self._connection.sql("SELECT * FROM result").df()

    def polars(self) -> Any:
        """A polars.DataFrame. Raises UsageError where polars or pyarrow is not installed."""
        _need("polars")
        import polars

        return polars.from_arrow(self.arrow())

    def close(self) -> None:
        """Give back the room that the rows take."""
        self._connection.close()


def _need(package: str) -> None:
    import importlib.util

    if importlib.util.find_spec(package) is None:
        raise UsageError(
            f"{package} is not installed here", remedy=f"Install it (pip install {package}), or use rows()."
        )
