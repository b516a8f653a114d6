"""Metrics: their summaries and their points."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench_store.fold import clean
from workbench_store.records import ArtifactRecord, MetricSummary, Series

if TYPE_CHECKING:
    import duckdb


def summaries(connection: "duckdb.DuckDBPyConnection", name: str, rank: int | None) -> list[MetricSummary]:
    """The summaries of a run's metrics, of one rank or of all, in order of key and rank."""
    rows = connection.execute(
        "SELECT key, rank, count, finite, last, last_step, last_time, first_time, min, min_step, max, max_step, "
        "CASE WHEN finite > 0 THEN total / finite END FROM series WHERE run = ? AND (?::INTEGER IS NULL OR rank = ?) "
        "ORDER BY key, rank",
        [clean(name), rank, rank],
    ).fetchall()
    return [MetricSummary(*row) for row in rows]


def series(connection: "duckdb.DuckDBPyConnection", name: str, key: str, rank: int, most: int | None) -> Series:
    """The points of one metric and rank; at most about `most` of them, two for each stretch. Empty: none."""
    found = connection.execute(
        "SELECT id, count FROM series WHERE run = ? AND key = ? AND rank = ?", [clean(name), clean(key), rank]
    ).fetchall()
    if not found:
        return Series(key, rank, [], [], [], 0)
    id, total = found[0]
    if most is None or total <= most:
        rows = connection.execute(
            "SELECT step, time, value FROM points WHERE series = ? ORDER BY step, time", [id]
        ).fetchall()
    else:
        rows = _thinned(connection, id, total, most)
    steps, times, values = [list(column) for column in zip(*rows, strict=True)] if rows else ([], [], [])
    return Series(key, rank, steps, times, values, total)


def _thinned(connection: "duckdb.DuckDBPyConnection", id: int, total: int, most: int) -> list[tuple[int, float, float]]:
    """The least and the greatest finite point of each of `most / 2` stretches, with the first and the last of all: what
    a chart of that width would show."""
    size = max(1, -(-total // max(1, most // 2 - 1)))
    return connection.execute(
        """
        WITH numbered AS (
            SELECT step, time, value, row_number() OVER (ORDER BY step, time) - 1 AS n FROM points WHERE series = ?
        ), kept AS (
            SELECT unnest([
                coalesce(arg_min(n, value) FILTER (isfinite(value)), min(n)),
                coalesce(arg_max(n, value) FILTER (isfinite(value)), min(n))
            ]) AS n FROM numbered GROUP BY n // ?
            UNION SELECT 0 UNION SELECT ? - 1
        )
        SELECT step, time, value FROM numbered WHERE n IN (SELECT n FROM kept) ORDER BY n
        """,
        [id, size, total],
    ).fetchall()


def series_of_runs(
    connection: "duckdb.DuckDBPyConnection", names: Sequence[str], key: str, rank: int, most: int
) -> dict[str, Series]:
    """One metric of several runs by one question, each thinned as by `series`; runs without it are left out."""
    found = connection.execute(
        "SELECT id, run, count FROM series WHERE key = ? AND rank = ? AND run IN (SELECT unnest(?::VARCHAR[]))",
        [clean(key), rank, [clean(name) for name in names]],
    ).fetchall()
    ids = [id for id, _, _ in found]
    sizes = [max(1, -(-total // max(1, most // 2 - 1))) if total > most else 1 for _, _, total in found]
    rows = connection.execute(
        """
        WITH asked AS (SELECT unnest(?::INTEGER[]) AS id, unnest(?::BIGINT[]) AS size),
        numbered AS (
            SELECT series, step, time, value, size, count(*) OVER (PARTITION BY series) AS total,
                row_number() OVER (PARTITION BY series ORDER BY step, time) - 1 AS n
            FROM points JOIN asked ON id = series WHERE series BETWEEN ? AND ?
        ), kept AS (
            SELECT series, unnest([
                coalesce(arg_min(n, value) FILTER (isfinite(value)), min(n)),
                coalesce(arg_max(n, value) FILTER (isfinite(value)), min(n)),
                CASE WHEN min(n) = 0 THEN 0 END, CASE WHEN max(n) = max(total) - 1 THEN max(n) END
            ]) AS n FROM numbered GROUP BY series, n // size
        )
        SELECT series, step, time, value FROM numbered SEMI JOIN kept USING (series, n) ORDER BY series, n
        """,
        [ids, sizes, min(ids, default=0), max(ids, default=0)],
    ).fetchall()
    columns: dict[int, tuple[list[int], list[float], list[float]]] = {id: ([], [], []) for id in ids}
    for id, step, time, value in rows:
        steps, times, values = columns[id]
        steps.append(step)
        times.append(time)
        values.append(value)
    return {run: Series(key, rank, *columns[id], total) for id, run, total in found}


def artifacts(connection: "duckdb.DuckDBPyConnection", name: str) -> list[ArtifactRecord]:
    """The files of a run, each as it was recorded last, in order of path; not those that were replaced by others."""
    rows = connection.execute(
        "SELECT path, arg_max(kind, time), arg_max(size, time), arg_max(coalesce(hash, ''), time) FROM artifacts "
        "WHERE run = ? GROUP BY path HAVING arg_max(kind, time) <> 'gone' ORDER BY path",
        [clean(name)],
    ).fetchall()
    return [ArtifactRecord(path, kind, size, hash or None) for path, kind, size, hash in rows]
