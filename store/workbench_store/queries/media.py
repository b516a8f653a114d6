"""Images, tables, histograms, texts and figures of a run."""

import json
from typing import TYPE_CHECKING, Any

from workbench_store.fold import clean
from workbench_store.records import MediaKey, MediaQuery, MediaRecord

if TYPE_CHECKING:
    import duckdb


def media_keys(connection: "duckdb.DuckDBPyConnection", name: str) -> list[MediaKey]:
    """What was logged under each key, kind and rank."""
    rows = connection.execute(
        "SELECT kind, key, rank, count(*), min(step), max(step) FROM media WHERE run = ? "
        "GROUP BY kind, key, rank ORDER BY key, kind, rank",
        [clean(name)],
    ).fetchall()
    return [MediaKey(*row) for row in rows]


def media(connection: "duckdb.DuckDBPyConnection", name: str, query: MediaQuery) -> list[MediaRecord]:
    """What the query asks for. Every column takes part in the order, so that any order of ingest gives the same."""
    content = "content" if query.contents else "'null'"
    rows = connection.execute(
        f"SELECT kind, key, step, rank, time, path, size, format, caption, {content}, detail FROM media WHERE run = ? "
        "AND (?::VARCHAR IS NULL OR key = ?) AND (?::VARCHAR IS NULL OR kind = ?) "
        "AND (?::BIGINT IS NULL OR step = ?) AND (?::INTEGER IS NULL OR rank = ?) "
        "ORDER BY key, kind, step, time, rank, path, size, format, caption, content, detail",
        [clean(name), *_twice(query.key), *_twice(query.kind), *_twice(query.step), *_twice(query.rank)],
    ).fetchall()
    return [_record(row) for row in rows]


def _record(row: tuple[Any, ...]) -> MediaRecord:
    columns = [*row[:9], json.loads(row[9]), json.loads(row[10])]
    return MediaRecord(*columns)


def _twice(value: str | int | None) -> tuple[Any, Any]:
    taken = clean(value) if isinstance(value, str) else value
    return taken, taken
