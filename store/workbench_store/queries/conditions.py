"""Conditions on runs as SQL. Names and values only ever travel as parameters, as text that the database takes."""

from collections.abc import Sequence

from workbench_store.fold import clean
from workbench_store.records import Condition, SortKey

#: The columns of `runs` that a condition or an order may name; `archived` may a condition alone.
COLUMNS = {
    "name": "name",
    "state": "state",
    "experiment": "experiment",
    "display_name": "display_name",
    "description": "description",
    "compute": "compute",
    "kind": "kind",
    "user": "user_name",
    "host": "host",
    "created": "created",
    "started": "started",
    "ended": "ended",
    "duration": "coalesce(seconds, ended - started, epoch(now()) - coalesce(going_since, started))",
    "environment": "environment_label",
    "snapshot": "snapshot",
    "exit_code": "exit_code",
    "note": "note",
}
_TESTED = {**COLUMNS, "archived": "coalesce(archived, FALSE)"}
_METRIC = "(SELECT any_value(s.last) FROM series s WHERE s.run = r.name AND s.rank = 0 AND s.key = ?)"
_PARAM = "(SELECT any_value(p.number) FROM params p WHERE p.run = r.id AND p.key = ?)"
_PARAM_TEXT = "(SELECT any_value(p.text) FROM params p WHERE p.run = r.id AND p.key = ?)"
_PARAM_IS_TEXT = "(SELECT any_value(p.value) FROM params p WHERE p.run = r.id AND p.key = ?) LIKE '\"%'"
_TAG = "(SELECT any_value(t.value) FROM tags t WHERE t.run = r.id AND t.key = ?)"
_COMPARE = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ORDERS = frozenset({"<", "<=", ">", ">="})

Parameters = list[object]


def where(alternatives: Sequence[Sequence[Condition]]) -> tuple[str, Parameters]:
    """The condition of a WHERE clause and its parameters; TRUE when there is nothing to ask."""
    parameters: Parameters = []
    parts = []
    for conditions in alternatives:
        tests = []
        for condition in conditions:
            test, values = _test(condition)
            tests.append(f"{'NOT ' if condition.negated else ''}coalesce({test}, FALSE)")
            parameters += [clean(value) if isinstance(value, str) else value for value in values]
        parts.append(" AND ".join(tests) or "TRUE")
    return " OR ".join(f"({part})" for part in parts) or "TRUE", parameters


def order_by(sort: SortKey) -> tuple[str, Parameters]:
    """The ORDER BY clause and its parameters; runs without the value come last, ties in order of name."""
    direction = "DESC" if sort.descending else "ASC"
    key = clean(sort.name)
    if sort.kind == "metric":
        # To DuckDB NaN is greater than every number: a run that diverged would be the best of all.
        return f"nullif({_METRIC}, 'nan'::DOUBLE) {direction} NULLS LAST, name", [key]
    if sort.kind == "param":
        return f"{_PARAM} {direction} NULLS LAST, {_PARAM_TEXT} {direction} NULLS LAST, name", [key, key]
    return f"{COLUMNS[sort.name]} {direction} NULLS LAST, id {direction}", []


def _test(condition: Condition) -> tuple[str, Parameters]:
    if condition.kind == "text":
        return _text_test(condition)
    if condition.kind == "column":
        return _compared(_TESTED[condition.name], condition, [])
    if condition.kind == "tag":
        return _compared(_TAG, condition, [condition.name])
    if condition.kind == "metric":
        return _compared(_METRIC, condition, [condition.name])
    if condition.kind == "param":
        return _param_test(condition)
    metric, first = _compared(_METRIC, condition, [condition.name])
    param, second = _param_test(condition)
    return f"(coalesce({metric}, FALSE) OR coalesce({param}, FALSE))", first + second


def _param_test(condition: Condition) -> tuple[str, Parameters]:
    name = condition.name
    if isinstance(condition.value, str):
        return _compared(_PARAM_TEXT, condition, [name])
    test, values = _compared(_PARAM, condition, [name])
    if condition.operator not in ("=", "!=") or condition.written is None:
        return test, values
    # What a run gave as text is equal to the same text alone: the version "2.10" is not 2.1.
    text = f"lower({_PARAM_TEXT}) {_COMPARE[condition.operator]} lower(?)"
    return f"CASE WHEN {_PARAM_IS_TEXT} THEN {text} ELSE {test} END", [name, name, condition.written, *values]


def _compared(expression: str, condition: Condition, names: Parameters) -> tuple[str, Parameters]:
    if condition.operator == "~":
        return f"contains(lower(({expression})::VARCHAR), lower(?))", [*names, str(condition.value)]
    operator = _COMPARE[condition.operator]
    if isinstance(condition.value, str):
        return f"lower(({expression})::VARCHAR) {operator} lower(?)", [*names, condition.value]
    number = f"TRY_CAST({expression} AS DOUBLE)"
    # To DuckDB NaN is greater than every number.
    number = f"nullif({number}, 'nan'::DOUBLE)" if condition.operator in _ORDERS else number
    return f"{number} {operator} ?", [*names, condition.value]


def _text_test(condition: Condition) -> tuple[str, Parameters]:
    text = str(condition.value)
    test = (
        "(contains(lower(name), lower(?)) OR contains(lower(experiment), lower(?)) "
        "OR contains(lower(coalesce(display_name, '')), lower(?)) OR contains(lower(coalesce(note, '')), lower(?)) "
        "OR EXISTS (SELECT 1 FROM tags t WHERE t.run = r.id "
        "AND (contains(lower(t.key), lower(?)) OR contains(lower(t.value), lower(?)))))"
    )
    return test, [text] * 6
