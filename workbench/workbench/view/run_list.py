"""The list of runs: which columns there are, and the rows of the window that is looked at."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from workbench_store.errors import UsageError
from workbench_store.queries.conditions import COLUMNS
from workbench_store.records import SYSTEM, RunQuery, RunRow, RunTable, SortKey

from workbench.view.filter import parse_filter
from workbench.view.unknown_names import named_conditions, told, unknown_conditions

if TYPE_CHECKING:
    from workbench_store.store import Store
    from workbench_store.user_sql.session import Matching

#: `state:failed` and the like; SQL has a colon in quotation marks, or two for a cast.
_FILTER_WORD = re.compile(r"""^[^'"]*\b\w+:[^:\s]""")
_DEFAULT_METRICS = 4
_DEFAULT_PARAMS = 3
_ALIASES = {"exp": "experiment", "age": "created", "status": "state", "env": "environment"}
_ASCENDING = frozenset({"name", "state", "experiment", "compute", "kind", "user", "host", "note"})


class ListColumns(Struct, frozen=True):
    """The metrics and parameters that have columns, and all there are."""

    metrics: tuple[str, ...]
    params: tuple[str, ...]
    all_metrics: tuple[str, ...]
    all_params: tuple[str, ...]

    def titles(self) -> tuple[str, ...]:
        """Those of the metrics, then those of the parameters; what has the name of another says what it is."""
        same = {*self.metrics} & {*self.params}
        said = [("metric", key) for key in self.metrics] + [("param", name) for name in self.params]
        return tuple(f"{kind}.{name}" if name in same else name for kind, name in said)


class RunList(Struct, frozen=True):
    """A window on the list: `rows` begin at `offset` of the `total` that pass the filter. `unknown` tells of metrics
    and parameters in the filter that no run has; it is empty without any."""

    columns: ListColumns
    total: int
    offset: int
    rows: tuple[RunRow, ...]
    sort: SortKey
    filter: str
    unknown: str


def list_columns(
    store: "Store",
    metrics: Sequence[str] | None = None,
    params: Sequence[str] | None = None,
    *,
    among: RunQuery | None = None,
    sort: SortKey | None = None,
) -> ListColumns:
    """The columns asked for; by default a few of each: what the list is sorted and filtered by, then what most of the
    runs have that are listed (`among`; all of them without it)."""
    all_metrics, all_params = store.keys()
    listed_metrics, listed_params = store.keys(among) if _leaves_out(store, among) else (all_metrics, all_params)
    common = [key for key in listed_metrics if not key.startswith(SYSTEM)]
    named = _named(among, sort)
    if metrics is None:
        asked = [name for kind, name in named if kind != "param" and name in all_metrics]
        metrics = list(dict.fromkeys([*asked, *common]))[:_DEFAULT_METRICS]
    if params is None:
        asked = [name for kind, name in named if kind != "metric" and name in all_params]
        params = list(dict.fromkeys([*asked, *listed_params]))[:_DEFAULT_PARAMS]
    return ListColumns(tuple(metrics), tuple(params), tuple(all_metrics), tuple(all_params))


def _leaves_out(store: "Store", among: RunQuery | None) -> bool:
    """Whether there may be runs that are not asked for."""
    if among is None:
        return False
    if among.alternatives or among.names is not None:
        return True
    return among.archived is not None and store.runs(RunQuery(archived=not among.archived, limit=1)).total > 0


def _named(among: RunQuery | None, sort: SortKey | None) -> list[tuple[str, str]]:
    """The metrics and parameters that order and filter speak of, with their kind (`any`: either)."""
    found: list[tuple[str, str]] = [(one.kind, one.name) for one in named_conditions(among)] if among else []
    return [(sort.kind, sort.name), *found] if sort is not None and sort.kind != "column" else found


def run_list(
    store: "Store",
    columns: ListColumns,
    *,
    filter: str = "",
    asked: RunQuery | None = None,
    sort: SortKey | None = None,
    offset: int = 0,
    limit: int | None = None,
) -> RunList:
    """The rows of the window: of the runs that pass the filter, or that are `asked` for (the filter is then told only).

    Raises UsageError for a filter that cannot be understood.
    """
    key = sort or SortKey()
    found = asked_for(store, filter) if asked is None else asked
    window = replace(found, sort=key, metrics=columns.metrics, params=columns.params, offset=offset, limit=limit)
    table = store.runs(window)
    known = columns.all_metrics, columns.all_params
    unknown = told(unknown_conditions(found, *known), *known)
    return RunList(columns, table.total, offset, table.rows, key, filter, unknown)


def first_of(store: "Store", asked: RunQuery, sort: SortKey | None, limit: int | None) -> RunQuery:
    """The same question, for those of its runs alone that a list of at most so many shows."""
    if limit is None:
        return asked
    table = store.runs(replace(asked, sort=sort or SortKey(), limit=limit))
    return asked if table.total <= limit else replace(asked, names=tuple(table.names))


def matching_names(store: "Store", filter: str = "", *, where: str = "", limit: int | None = None) -> list[str]:
    """The names of the runs that pass the filter and for which the SQL condition holds, newest first. Raises as
    `asked_for`."""
    table: RunTable = store.runs(replace(asked_for(store, filter, where), limit=limit))
    return table.names


def asked_for(store: "Store", filter: str = "", where: str = "") -> RunQuery:
    """The runs that pass the filter and for which the SQL condition holds. Archived runs are left out, unless one of
    the two speaks of them.

    Raises UsageError for a filter that cannot be understood, and QueryError for such a condition.
    """
    wanted = parse_filter(filter)
    asked = RunQuery(wanted.alternatives, archived=wanted.archived)
    if not where:
        return asked
    found = _matching(store, where)
    archived = None if found.asks_archived and wanted.archived is False else wanted.archived
    return replace(asked, names=tuple(found.names), archived=archived)


def _matching(store: "Store", where: str) -> "Matching":
    """The runs for which the condition holds. Words of a filter, which is no SQL, are told from other slips."""
    from workbench_store.user_sql.statement import QueryError

    try:
        return store.matching(where)
    except QueryError as error:
        if error.remedy or not _FILTER_WORD.search(where):
            raise
        remedy = "A condition is SQL, such as state = 'Failed'; words such as state:failed are for the filter."
        raise QueryError(error.message, remedy=remedy) from error


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
