"""Lists of runs, with metrics and parameters beside them."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from workbench_store.errors import UsageError
from workbench_store.fold import clean
from workbench_store.queries.conditions import Parameters, order_by, where
from workbench_store.records import Recorded, RunQuery, RunRecord, RunRow, RunTable
from workbench_store.states import RunState

if TYPE_CHECKING:
    import duckdb

_ROW = "name, state, kind, experiment, display_name, compute, created, started, ended, reason, seconds, going_since"
_FIXED = len(_ROW.split(", "))
_RECORD = (
    "name, run_id, kind, experiment, display_name, description, compute, command, user_name, host, created, state, "
    "reason, exit_code, signal, started, ended, last_time, snapshot, environment, environment_label, lost_points, "
    "gap_bytes, seconds, going_since, note, archived"
).split(", ")


def list_runs(connection: "duckdb.DuckDBPyConnection", query: RunQuery) -> RunTable:
    """The runs that the query asks for."""
    if query.limit is not None and query.limit < 0:
        raise UsageError(f"a list of {query.limit} runs was asked for", remedy="The limit is 0 or more.")
    condition, parameters = _condition(query)
    order, order_parameters = order_by(query.sort)
    total = int(connection.execute(f"SELECT count(*) FROM runs r WHERE {condition}", parameters).fetchall()[0][0])
    window = "" if query.limit is None else f"LIMIT {int(query.limit)}"
    chosen = f"SELECT id, {_ROW}, row_number() OVER (ORDER BY {order}) AS place FROM runs r WHERE {condition}"
    metrics, metric_parameters = _pivot("series", "run", query.metrics, "last", "rank = 0 AND ")
    params, param_parameters = _pivot("params", "run", query.params, "value", "")
    columns = [f"m.c{i}" for i in range(len(query.metrics))] + [f"p.c{i}" for i in range(len(query.params))]
    rows = connection.execute(
        f"WITH chosen AS ({chosen} ORDER BY place {window} OFFSET {int(query.offset)}) "
        f"SELECT {', '.join([f'c.{name}' for name in _ROW.split(', ')] + columns)} FROM chosen c"
        + (f" LEFT JOIN ({metrics}) m ON m.run = c.name" if query.metrics else "")
        + (f" LEFT JOIN ({params}) p ON p.run = c.id" if query.params else "")
        + " ORDER BY c.place",
        [*order_parameters, *parameters, *metric_parameters, *param_parameters],
    ).fetchall()
    return RunTable(query, total, tuple(_run_rows(rows, len(query.metrics))))


def _condition(query: RunQuery) -> tuple[str, Parameters]:
    """What holds for the runs that the query asks for, where `r` is the table of runs."""
    condition, parameters = where(query.alternatives)
    if query.archived is not None:
        condition = f"({condition}) AND {'' if query.archived else 'NOT '}coalesce(archived, false)"
    if query.names is not None:
        condition, parameters = f"({condition}) AND name IN (SELECT unnest(?::VARCHAR[]))", [*parameters, query.names]
    return condition, parameters


def _pivot(table: str, run: str, keys: tuple[str, ...], value: str, extra: str) -> tuple[str, Parameters]:
    """One row for each run, with a column c0, c1 ... for each key."""
    columns = ", ".join(f"any_value({value}) FILTER (key = ?) AS c{index}" for index in range(len(keys)))
    text = f"SELECT {run}, {columns} FROM {table} WHERE {extra}key IN (SELECT unnest(?::VARCHAR[])) GROUP BY {run}"
    taken = [clean(key) for key in keys]
    return text, ([*taken, taken] if keys else [])


def _run_rows(rows: list[tuple[Any, ...]], metrics: int) -> Iterator[RunRow]:
    # Few texts stand for many rows, so each is parsed once.
    parsed: dict[str | None, Any] = {None: None}
    states = {str(state): state for state in RunState}
    for row in rows:
        params = row[_FIXED + metrics :]
        for text in params:
            if text not in parsed:
                parsed[text] = json.loads(text)
        state = states.get(row[1], RunState.UNKNOWN)
        values = tuple(parsed[text] for text in params)
        yield RunRow._make((row[0], state, *row[2:_FIXED], row[_FIXED : _FIXED + metrics], values))


def recorded(connection: "duckdb.DuckDBPyConnection", names: list[str]) -> dict[str, Recorded]:
    """The last values of rank 0 and the parameters of these runs. There may be thousands of keys, so they are rows."""
    found: dict[str, Recorded] = {name: Recorded({}, {}) for name in names}
    chosen = "(SELECT unnest(?::VARCHAR[]))"
    last = f"SELECT run, key, last FROM series WHERE rank = 0 AND run IN {chosen} ORDER BY run, key"
    for name, key, value in connection.execute(last, [names]).fetchall():
        found[name].metrics[key] = value
    given = (
        f"SELECT r.name, p.key, p.value FROM params p JOIN runs r ON r.id = p.run WHERE r.name IN {chosen} ORDER BY ALL"
    )
    for name, key, value in connection.execute(given, [names]).fetchall():
        found[name].params[key] = json.loads(value)
    return found


def environment_keys(connection: "duckdb.DuckDBPyConnection") -> dict[str, str]:
    """The environment's key of each run that had one, newest run first."""
    found = connection.execute(
        "SELECT name, environment FROM runs WHERE environment <> '' ORDER BY created DESC, name"
    ).fetchall()
    return {str(name): str(key) for name, key in found}


def is_known(connection: "duckdb.DuckDBPyConnection", name: str) -> bool:
    """Whether there is a run of exactly that name."""
    return bool(connection.execute("SELECT 1 FROM runs WHERE name = ?", [clean(name)]).fetchall())


def run_record(connection: "duckdb.DuckDBPyConnection", name: str) -> RunRecord | None:
    """The run of exactly that name."""
    found = connection.execute(f"SELECT {', '.join(_RECORD)} FROM runs WHERE name = ?", [clean(name)]).fetchall()
    if not found:
        return None
    columns = dict(zip(_RECORD, found[0], strict=True))
    tags = connection.execute(
        "SELECT key, value FROM tags WHERE run = (SELECT any_value(id) FROM runs WHERE name = ?) ORDER BY key",
        [clean(name)],
    ).fetchall()
    columns["archived"] = bool(columns["archived"])
    columns.update(state=RunState.parse(columns["state"]), id=columns.pop("run_id"), user=columns.pop("user_name"))
    return RunRecord(tags=dict(tags), **columns)


def names_beginning(connection: "duckdb.DuckDBPyConnection", prefix: str) -> list[str]:
    """Names that begin so, in order."""
    rows = connection.execute(
        "SELECT name FROM runs WHERE starts_with(name, ?) ORDER BY name", [clean(prefix)]
    ).fetchall()
    return [name for (name,) in rows]


def all_names(connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """Every run's name, newest first."""
    return [name for (name,) in connection.execute("SELECT name FROM runs ORDER BY created DESC").fetchall()]


def unfinished(connection: "duckdb.DuckDBPyConnection", name: str | None = None) -> list[str]:
    """Runs whose state is not final, as the database has it; all, or that of one name."""
    asked, names = ("", []) if name is None else (" AND name = ?", [name])
    rows = connection.execute(f"SELECT name FROM store.runs WHERE ended IS NULL{asked}", names).fetchall()
    return [name for (name,) in rows]


def state_counts(connection: "duckdb.DuckDBPyConnection") -> dict[str, int]:
    """How many runs are in each state; those that are archived do not count."""
    rows = connection.execute("SELECT state, count(*) FROM runs WHERE NOT coalesce(archived, false) GROUP BY state")
    return dict(rows.fetchall())


def ends(connection: "duckdb.DuckDBPyConnection") -> dict[str, float]:
    """When each final run ended, as the database has it."""
    return dict(connection.execute("SELECT name, ended FROM store.runs WHERE ended IS NOT NULL").fetchall())


def metric_keys(connection: "duckdb.DuckDBPyConnection", among: RunQuery | None = None) -> list[str]:
    """The keys of metrics, those of most runs first; the machine's own (`system/...`) last. `among`: of these runs."""
    chosen, parameters = _among(among, "name")
    rows = connection.execute(
        f"SELECT key FROM series WHERE rank = 0{chosen} GROUP BY key "
        "ORDER BY starts_with(key, 'system/'), count(DISTINCT run) DESC, key",
        parameters,
    ).fetchall()
    return [key for (key,) in rows]


def param_keys(connection: "duckdb.DuckDBPyConnection", among: RunQuery | None = None) -> list[str]:
    """The names of parameters, those of most runs first. `among`: of these runs."""
    chosen, parameters = _among(among, "id")
    rows = connection.execute(
        f"SELECT key FROM params WHERE true{chosen} GROUP BY key ORDER BY count(*) DESC, key", parameters
    ).fetchall()
    return [key for (key,) in rows]


def _among(query: RunQuery | None, column: str) -> tuple[str, Parameters]:
    if query is None:
        return "", []
    condition, parameters = _condition(query)
    return f" AND run IN (SELECT {column} FROM runs r WHERE {condition})", parameters


def params_of(connection: "duckdb.DuckDBPyConnection", name: str) -> dict[str, Any]:
    """The parameters of a run, in order of name."""
    rows = connection.execute(
        "SELECT key, value FROM params WHERE run = (SELECT any_value(id) FROM runs WHERE name = ?) ORDER BY key",
        [clean(name)],
    ).fetchall()
    return {key: json.loads(value) for key, value in rows}
