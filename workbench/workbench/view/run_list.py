"""The list of runs: which columns there are, and the rows of the window that is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench_store.errors import UsageError
from workbench_store.queries.conditions import COLUMNS
from workbench_store.records import RunQuery, RunRow, RunTable, SortKey

from workbench.view.filter import parse_filter

if TYPE_CHECKING:
    from workbench_store.store import Store

_DEFAULT_METRICS = 4
_DEFAULT_PARAMS = 3
_SYSTEM = "system/"
_ALIASES = {"exp": "experiment", "age": "created", "status": "state", "env": "environment"}
_ASCENDING = frozenset({"name", "state", "experiment", "compute", "kind", "user", "host", "note"})


@dataclass(frozen=True)
class ListColumns:
    """The metrics and parameters that have columns, and all there are."""

    metrics: tuple[str, ...]
    params: tuple[str, ...]
    all_metrics: tuple[str, ...]
    all_params: tuple[str, ...]


@dataclass(frozen=True)
class RunList:
    """A window on the list: `rows` begin at `offset` of the `total` that pass the filter."""

    columns: ListColumns
    total: int
    offset: int
    rows: tuple[RunRow, ...]
    sort: SortKey
    filter: str


def list_columns(
    store: "Store", metrics: Sequence[str] | None = None, params: Sequence[str] | None = None
) -> ListColumns:
    """The columns asked for; by default those that most runs have, a few of each."""
    all_metrics, all_params = store.keys()
    common = [key for key in all_metrics if not key.startswith(_SYSTEM)]
    return ListColumns(
        metrics=tuple(common[:_DEFAULT_METRICS] if metrics is None else metrics),
        params=tuple(all_params[:_DEFAULT_PARAMS] if params is None else params),
        all_metrics=tuple(all_metrics),
        all_params=tuple(all_params),
    )


def run_list(
    store: "Store",
    columns: ListColumns,
    *,
    filter: str = "",
    sort: SortKey | None = None,
    offset: int = 0,
    limit: int | None = None,
) -> RunList:
    """The rows of the window. Raises UsageError for a filter that cannot be understood."""
    key = sort or SortKey()
    table = store.runs(query(columns, filter, key, offset, limit))
    return RunList(columns, table.total, offset, table.rows, key, filter)


def query(columns: ListColumns, filter: str, sort: SortKey, offset: int, limit: int | None) -> RunQuery:
    """The store's query of a list."""
    wanted = parse_filter(filter)
    return RunQuery(wanted.alternatives, sort, columns.metrics, columns.params, offset, limit, archived=wanted.archived)


def matching_names(store: "Store", filter: str, *, limit: int | None = None) -> list[str]:
    """The names of the runs that pass the filter, newest first. Raises UsageError."""
    wanted = parse_filter(filter)
    table: RunTable = store.runs(RunQuery(wanted.alternatives, limit=limit, archived=wanted.archived))
    return table.names


def parse_sort(text: str, columns: ListColumns, *, descending: bool | None = None) -> SortKey:
    """The order that a column's name asks for; without `descending` numbers fall and texts rise.

    Raises UsageError when there is no such column, metric or parameter.
    """
    kind, _, rest = text.partition(".")
    name = _ALIASES.get(text.lower(), text.lower())
    if kind in ("metric", "metrics") and rest:
        return SortKey("metric", rest, True if descending is None else descending)
    if kind in ("param", "params") and rest:
        return SortKey("param", rest, False if descending is None else descending)
    if name in COLUMNS:
        return SortKey("column", name, name not in _ASCENDING if descending is None else descending)
    if text in columns.all_metrics:
        return SortKey("metric", text, True if descending is None else descending)
    if text in columns.all_params:
        return SortKey("param", text, False if descending is None else descending)
    known = ", ".join([*COLUMNS, *columns.all_metrics, *columns.all_params][:30])
    raise UsageError(f"there is no column {text!r} to sort by", remedy=f"Columns: {known}.")
