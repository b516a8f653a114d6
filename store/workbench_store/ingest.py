"""Bringing what the journals hold into the database: rows and the new offsets in one transaction.

Journals are read before the lease is taken; inside it the offsets are read again, and what another process has
ingested meanwhile is left out. So ingesting is idempotent and may be killed anywhere.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from workbench_store.connection import interruptible
from workbench_store.faults import fault
from workbench_store.fold import FoldedRun, StoredEvent, clean, fold_run, media_row, whole
from workbench_store.journal.decoding import Event
from workbench_store.journal.reader import Chunk
from workbench_store.path_text import text_of_name
from workbench_store.summaries import Summary, merge, summarize

if TYPE_CHECKING:
    import duckdb

#: The run of workspace journals, which tell of several runs.
WORKSPACE = ""
RUN_COLUMNS = (
    "id name run_id kind experiment display_name description compute command user_name host created state reason "
    "exit_code signal started ended last_time snapshot environment environment_label lost_points gap_bytes seconds "
    "note archived going_since"
).split()


class JournalKey(Struct, frozen=True):
    """A journal's place: the run (empty for the workspace's own) and the file's name."""

    run: str
    file: str


class Settled(Struct, frozen=True):
    """How a run that is over was left: the time of its journal folder then, in nanoseconds, and whether it is tidy."""

    stamp: int
    tidy: bool = False


class Batch(Struct):
    """What one transaction brings."""

    chunks: dict[JournalKey, Chunk] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """How many points there are."""
        return sum(chunk.count for chunk in self.chunks.values())

    @property
    def events(self) -> int:
        """How many events there are."""
        return sum(len(chunk.events) for chunk in self.chunks.values())


def read_offsets(connection: "duckdb.DuckDBPyConnection") -> dict[JournalKey, int]:
    """How far each journal has been ingested, in bytes."""
    rows = connection.execute("SELECT run, file, ingested FROM journals").fetchall()
    return {JournalKey(run, file): ingested for run, file, ingested in rows}


def read_offsets_of(connection: "duckdb.DuckDBPyConnection", run: str) -> dict[JournalKey, int]:
    """How far each journal of one run has been ingested, in bytes."""
    rows = connection.execute("SELECT file, ingested FROM journals WHERE run = ?", [run]).fetchall()
    return {JournalKey(run, file): ingested for file, ingested in rows}


def read_settled(connection: "duckdb.DuckDBPyConnection") -> dict[str, Settled]:
    """Runs that are over and wholly ingested."""
    return {run: Settled(stamp, tidy) for run, stamp, tidy in connection.execute("FROM settled SELECT *").fetchall()}


def write_settled(connection: "duckdb.DuckDBPyConnection", settled: Mapping[str, Settled]) -> None:
    """Note such runs."""
    _replace(connection, "settled", "run", [(run, one.stamp, one.tidy) for run, one in settled.items()])


def ingest(connection: "duckdb.DuckDBPyConnection", batch: Batch) -> Batch:
    """Write the batch inside the open transaction; returns what of it was still news."""
    known = _known_journals(connection, batch.chunks)
    news = {key: chunk for key, chunk in batch.chunks.items() if chunk.start == (known[key][1] if key in known else 0)}
    ids = _write_journals(connection, news, known)
    fault("ingest.offsets")
    touched = _write_events(connection, news, ids)
    fault("ingest.events")
    touched.update(key.run for key, chunk in news.items() if key.run != WORKSPACE and chunk.gap_bytes)
    touched.update(_without_row(connection, {key.run for key in news if key.run != WORKSPACE}))
    _fold_runs(connection, touched)
    _write_points(connection, news)
    return Batch(news)


def _known_journals(
    connection: "duckdb.DuckDBPyConnection", keys: Iterable[JournalKey]
) -> dict[JournalKey, tuple[int, int, int]]:
    runs = sorted({key.run for key in keys})
    rows = connection.execute(
        "SELECT id, run, file, ingested, gap_bytes FROM journals WHERE run IN (SELECT unnest(?::VARCHAR[]))", [runs]
    ).fetchall()
    return {JournalKey(run, file): (id, ingested, gap) for id, run, file, ingested, gap in rows}


def _write_journals(
    connection: "duckdb.DuckDBPyConnection",
    news: dict[JournalKey, Chunk],
    known: dict[JournalKey, tuple[int, int, int]],
) -> dict[JournalKey, int]:
    """The new offsets; returns the id of each journal."""
    next_id = _next_id(connection, "journals")
    ids = {}
    rows = []
    for key, chunk in news.items():
        id, _, gap = known.get(key, (None, 0, 0))
        if id is None:
            id, next_id = next_id, next_id + 1
        ids[key] = id
        rows.append((id, key.run, key.file, chunk.end, gap + chunk.gap_bytes))
    _replace(connection, "journals", "id", rows)
    return ids


def _next_id(connection: "duckdb.DuckDBPyConnection", table: str) -> int:
    # Whole results are fetched everywhere: an unfinished one would keep the connection busy.
    return int(connection.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchall()[0][0])


def _insert(connection: "duckdb.DuckDBPyConnection", table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows by one statement: parameters one by one cost a hundred times as much."""
    if not rows:
        return
    if len(rows) <= 4:
        marks = "(" + ", ".join("?" * len(rows[0])) + ")"
        connection.execute(f"INSERT INTO {table} VALUES {', '.join([marks] * len(rows))}", [v for r in rows for v in r])
        return
    columns = [list(column) for column in zip(*rows, strict=True)]
    types = [row[1] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    unnested = ", ".join(f"unnest(?::{type}[])" for type in types)
    connection.execute(f"INSERT INTO {table} SELECT {unnested}", columns)


def _replace(connection: "duckdb.DuckDBPyConnection", table: str, key: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put rows, whose first column is `key`, in the place of those with the same key."""
    if rows:
        keys = [row[0] for row in rows]
        connection.execute(f"DELETE FROM {table} WHERE {key} IN (SELECT unnest(?))", [keys])
        _insert(connection, table, rows)


def _write_events(
    connection: "duckdb.DuckDBPyConnection", news: dict[JournalKey, Chunk], ids: dict[JournalKey, int]
) -> set[str]:
    """Events, artifacts and media; returns the runs that events tell of."""
    rows, artifacts, media, touched = [], [], [], set()
    for key, chunk in news.items():
        for position, event in chunk.events:
            run = _told_of(key, event)
            if event.name == "artifact":
                artifacts.append(_artifact(run, event))
                continue
            if event.name == "media":
                media.append(media_row(run, event.time, event.fields))
                continue
            fields = json.dumps(event.fields)
            rows.append((run, ids[key], position, event.time, clean(event.name), fields))
            if run != WORKSPACE:
                touched.add(run)
    _insert(connection, "events", rows)
    _insert(connection, "artifacts", artifacts)
    _insert(connection, "media", media)
    return touched


def _told_of(key: JournalKey, event: Event) -> str:
    return key.run if key.run != WORKSPACE else clean(event.fields.get("run") or WORKSPACE)


def _artifact(run: str, event: Event) -> tuple[Any, ...]:
    fields = event.fields
    size, hash = fields.get("size"), fields.get("hash")
    return (
        run,
        _path(fields.get("path", "")),
        clean(fields.get("kind", "logged")),
        whole(size),
        None if hash is None else clean(hash),
        event.time,
    )


def _path(value: object) -> str:
    try:
        return clean(text_of_name(str(value)))
    except UnicodeEncodeError:
        return clean(value)


def _without_row(connection: "duckdb.DuckDBPyConnection", names: set[str]) -> set[str]:
    """Those of the runs that have no row yet (their first records hold points alone)."""
    rows = connection.execute(
        "SELECT name FROM runs WHERE name IN (SELECT unnest(?::VARCHAR[]))", [sorted(names)]
    ).fetchall()
    return names - {name for (name,) in rows}


def _fold_runs(connection: "duckdb.DuckDBPyConnection", names: set[str]) -> None:
    """Work out the rows of these runs again from all their events."""
    if not names:
        return
    wanted = sorted(names)
    events = events_of(connection, wanted)
    gaps = dict(
        connection.execute(
            "SELECT run, sum(gap_bytes)::BIGINT FROM journals WHERE run IN (SELECT unnest(?::VARCHAR[])) GROUP BY run",
            [wanted],
        ).fetchall()
    )
    ids: dict[str, int] = dict(
        connection.execute("SELECT name, id FROM runs WHERE name IN (SELECT unnest(?::VARCHAR[]))", [wanted]).fetchall()
    )
    next_id = _next_id(connection, "runs")
    folded: dict[int, FoldedRun] = {}
    for name in wanted:
        if name not in gaps:
            continue  # a user's edit of a run whose own journals are not here
        if name not in ids:
            ids[name], next_id = next_id, next_id + 1
        run = fold_run(name, events.get(name, []))
        run.row.update(id=ids[name], gap_bytes=max(0, int(gaps[name] or 0) - run.torn_bytes))
        folded[ids[name]] = run
    _write_runs(connection, folded)


def _write_runs(connection: "duckdb.DuckDBPyConnection", folded: dict[int, FoldedRun]) -> None:
    ids = list(folded)
    if not ids:
        return
    for table in ("params", "tags"):
        connection.execute(f"DELETE FROM {table} WHERE run IN (SELECT unnest(?))", [ids])
    _replace(connection, "runs", "id", [tuple(run.row[column] for column in RUN_COLUMNS) for run in folded.values()])
    _insert(
        connection,
        "params",
        [
            (id, key, json.dumps(value), _as_text(value), _as_number(value))
            for id, run in folded.items()
            for key, value in run.params.items()
        ],
    )
    _insert(connection, "tags", [(id, key, value) for id, run in folded.items() for key, value in run.tags.items()])


def _as_text(value: object) -> str:
    """What a parameter is compared as: its text, or its JSON."""
    return clean(value) if isinstance(value, str) else json.dumps(value)


def _as_number(value: object) -> float | None:
    """A parameter's number where it has one; text that reads as a number counts, as command lines give it so."""
    if isinstance(value, bool):
        return float(value)
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def events_of(connection: "duckdb.DuckDBPyConnection", names: Sequence[str]) -> dict[str, list[StoredEvent]]:
    """The stored events of runs."""
    rows = connection.execute(
        "SELECT run, time, journal, position, name, fields FROM events WHERE run IN (SELECT unnest(?::VARCHAR[]))",
        [[clean(name) for name in names]],
    ).fetchall()
    found: dict[str, list[StoredEvent]] = {}
    for run, time, journal, position, name, fields in rows:
        found.setdefault(run, []).append(StoredEvent(time, journal, position, name, json.loads(fields)))
    return found


def _write_points(connection: "duckdb.DuckDBPyConnection", news: dict[JournalKey, Chunk]) -> None:
    """Points in the order of their series, and the summaries of those series."""
    import numpy as np

    columns: dict[tuple[str, str, int], list[Any]] = {}
    for journal, chunk in news.items():
        for (key, rank), pieces in chunk.points.items():
            columns.setdefault((journal.run, clean(key), rank), []).extend(pieces)
    if not columns:
        return
    known = _known_series(connection, sorted({run for run, _, _ in columns}))
    next_id = _next_id(connection, "series")
    summaries: dict[int, tuple[tuple[str, str, int], Summary]] = {}
    lengths = []
    for place, pieces in columns.items():
        new = summarize(pieces)
        if place in known:
            id, before = known[place]
            new = merge(before, new)
        else:
            id, next_id = next_id, next_id + 1
        summaries[id] = (place, new)
        lengths.append(sum(len(piece.steps) for piece in pieces))
    every = [piece for pieces in columns.values() for piece in pieces]
    connection.register(
        "new_points",
        {
            "series": np.repeat(np.array(list(summaries), np.int32), lengths),
            "step": np.concatenate([piece.steps for piece in every]),
            "time": np.concatenate([piece.times for piece in every]),
            "value": np.concatenate([piece.values for piece in every]),
        },
    )
    try:
        # DuckDB takes not-a-number in these arrays for NULL; nothing else in them can be NULL.
        connection.execute(
            "INSERT INTO points SELECT series, step, time, coalesce(value, 'nan'::DOUBLE) FROM new_points"
        )
    finally:
        with suppress(Exception), interruptible():  # it would hide why that failed
            connection.unregister("new_points")
    fault("ingest.points")
    _replace(connection, "series", "id", [_series_row(id, *pair) for id, pair in summaries.items()])


def _known_series(
    connection: "duckdb.DuckDBPyConnection", runs: Sequence[str]
) -> dict[tuple[str, str, int], tuple[int, Summary]]:
    rows = connection.execute(
        "SELECT id, run, key, rank, count, finite, total, min, min_step, max, max_step, last_step, last_time, last, "
        "first_time FROM series WHERE run IN (SELECT unnest(?::VARCHAR[]))",
        [list(runs)],
    ).fetchall()
    return {(row[1], row[2], row[3]): (row[0], _summary(row[4:])) for row in rows}


def _summary(row: tuple[Any, ...]) -> Summary:
    count, finite, total, low, low_step, high, high_step, last_step, last_time, last, first_time = row
    return Summary(
        count,
        finite,
        total,
        None if low is None else (low, low_step),
        None if high is None else (high, high_step),
        (last_step, last_time, last),
        first_time,
    )


def _series_row(id: int, place: tuple[str, str, int], summary: Summary) -> tuple[Any, ...]:
    low, high = summary.min or (None, None), summary.max or (None, None)
    step, time, last = summary.last
    return (
        *(id, *place, summary.count, summary.finite, summary.total),
        *(*low, *high, last, step, time, summary.first_time),
    )
