"""Names of metrics, parameters and tags in a user's SQL: `metrics.accuracy`, `params.model.depth`, `r.tags.team`.

What parameters hold is text or numbers, as each run gave it, and a column has one type. So `params.lr` becomes a number
where every run that has it has a number that says all that was given, and wherever it is compared with one: for `adam`
no comparison with 0.1 holds then, in place of an error or a comparison of letters. Nor does one hold for NaN. What is
asked to be equal to a text stays text: `2.10` is not `2.1`.
"""

import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench_store.connection import quoted
from workbench_store.states import RunState
from workbench_store.user_sql.scopes import Scoped, Tables, scoped
from workbench_store.user_sql.statement import QueryError, Source
from workbench_store.user_sql.views import MAPS, VIEWS

if TYPE_CHECKING:
    import duckdb

_VIEWS = frozenset(view.name for view in VIEWS)
_KEYS_OF = {
    "metrics": "SELECT DISTINCT key FROM store.series WHERE rank = 0",
    "params": "SELECT DISTINCT key FROM store.params",
    "tags": "SELECT DISTINCT key FROM store.tags",
}
#: Whether a parameter's number is what was given, whole: `"2.10"` and `"0012"` say more, and 2**64 + 1 has none here.
_SAYS_ALL = rf"""number IS NOT NULL AND value NOT IN ('true', 'false') AND CASE
    WHEN regexp_full_match(text, '-?(0|[1-9]\d*)') THEN TRY_CAST(text AS BIGINT) BETWEEN {-(2**53)} AND {2**53}
    ELSE value NOT LIKE '"%' OR number::VARCHAR = text END"""
_TYPES_OF_PARAMS = f"""
    SELECT key, bool_and(value IN ('true', 'false')), bool_and(coalesce({_SAYS_ALL}, false)) FROM store.params
    WHERE value <> 'null' AND key IN (SELECT unnest(?::VARCHAR[])) GROUP BY key"""
_COMPARISONS = frozenset(
    "COMPARE_EQUAL COMPARE_NOTEQUAL COMPARE_LESSTHAN COMPARE_GREATERTHAN COMPARE_LESSTHANOREQUALTO "
    "COMPARE_GREATERTHANOREQUALTO COMPARE_BETWEEN COMPARE_NOT_BETWEEN COMPARE_IN COMPARE_NOT_IN "
    "COMPARE_DISTINCT_FROM COMPARE_NOT_DISTINCT_FROM".split()
)
#: Functions that make numbers of numbers.
_ARITHMETIC = frozenset("+ - * / // % ** ^ abs round floor ceil sqrt exp ln log log10 pow power greatest least".split())
_EQUALITIES = frozenset(
    "COMPARE_EQUAL COMPARE_NOTEQUAL COMPARE_IN COMPARE_NOT_IN COMPARE_DISTINCT_FROM COMPARE_NOT_DISTINCT_FROM".split()
)


class _Reference(NamedTuple):
    """One mention: where it stands (bytes), the table before it, which map, which key, and how it is used."""

    start: int
    length: int
    qualifier: str
    map: str
    key: str
    as_number: bool
    as_text: bool
    is_column: bool


class Written(NamedTuple):
    """The statement as it is run, and where its bytes come from."""

    text: str
    #: (where a replacement begins in the new text, where it ends there, where what it replaced begins and ends).
    moved: tuple[tuple[int, int, int, int], ...]

    def original(self, place: int) -> int:
        """The byte of the original at which that byte of the new text stands."""
        shift = 0
        for begin, end, was, was_end in self.moved:
            if place < begin:
                break
            if place < end:
                return was
            shift = was_end - end
        return place + shift


def with_keys(connection: "duckdb.DuckDBPyConnection", tree: dict[str, Any], source: Source) -> Written:
    """The statement with every mention of a key written as what DuckDB takes. Raises QueryError for an unknown key."""
    found = list(scoped(tree))
    _refuse_rounding(found, source)
    _refuse_misspelt_states(found, source)
    references = sorted(_references(found))
    _check(connection, references, source)
    params = [one.key for one in references if one.map == "params"]
    types = {key: (flag, number) for key, flag, number in connection.execute(_TYPES_OF_PARAMS, [params]).fetchall()}
    given, parts, moved = source.statement.encode(), [], []
    done = length = 0
    for one in references:
        piece = _expression(one, *types.get(one.key, (False, False))).encode()
        parts += [given[done : one.start], piece]
        begin = length + one.start - done
        length, done = begin + len(piece), one.start + one.length
        moved.append((begin, length, one.start, done))
    return Written(b"".join([*parts, given[done:]]).decode(), tuple(moved))


def mentions(connection: "duckdb.DuckDBPyConnection", name: str) -> list[str]:
    """How the metrics, parameters and tags of that name are mentioned: `metrics.accuracy`."""
    found = [(which, key) for which in MAPS for (key,) in connection.execute(_KEYS_OF[which]).fetchall()]
    same = [(which, key) for which, key in found if key.lower() == name.lower()]
    return [f"{which}.{key}" if key.isidentifier() else f'{which}."{key}"' for which, key in same]


def _expression(one: _Reference, is_flag: bool, is_number: bool) -> str:
    value = f"{one.qualifier}{one.map}[{quoted(one.key)}]"
    if one.as_number:
        # To DuckDB NaN is greater than every number, and equal to itself; here it compares with none.
        value = f"nullif(TRY_CAST({value} AS DOUBLE), 'nan'::DOUBLE)"
    elif one.map == "params" and (is_flag or (is_number and not one.as_text)):
        value = f"TRY_CAST({value} AS {'BOOLEAN' if is_flag else 'DOUBLE'})"
    return f'{value} AS "{one.key.replace(chr(34), chr(34) * 2)}"' if one.is_column else value


def _references(found: Sequence[Scoped]) -> Iterator[_Reference]:
    compared = {id(operand) for node, tables in found for operand in _compared_with_numbers(node, tables)}
    equal_to_text = {id(operand) for node, _ in found for operand in _equal_to_texts(node)}
    columns = {id(item) for node, _ in found for item in node.get("select_list") or () if not item.get("alias")}
    for node, tables in found:
        names = node.get("column_names")
        place = _map_in(names, tables) if isinstance(names, list) else None
        if names is None or place is None:
            continue
        before = "".join(f'"{name.replace(chr(34), chr(34) * 2)}".' for name in names[:place])
        yield _Reference(
            int(node["query_location"]),
            int(node["query_location_length"]),
            before,
            names[place].lower(),
            ".".join(names[place + 1 :]),
            id(node) in compared,
            id(node) in equal_to_text,
            id(node) in columns,
        )


def _refuse_rounding(found: Sequence[Scoped], source: Source) -> None:
    """DuckDB would round a text to the digits of the number that it is compared with: `0.14` would be equal to 0.1."""
    for node, tables in found:
        if str(node.get("type")) not in _EQUALITIES or not any(map(_is_number, _operands(node))):
            continue
        for operand in _operands(node):
            what = _text_of_a_key(operand, tables)
            if what is not None:
                raise QueryError(
                    source.pointed(f"{what[0]} is text, which is not compared with a number", node["query_location"]),
                    remedy=f"Write {what[1]}, or put the number in quotes.",
                )


def _refuse_misspelt_states(found: Sequence[Scoped], source: Source) -> None:
    """`state = 'completed'` would be true of no run, and nobody would know why."""
    if any(map(_names_anew, (node for node, _ in found))):
        return
    states = {str(state).lower(): str(state) for state in RunState}
    for node, tables in found:
        if str(node.get("type")) not in _EQUALITIES or not any(_is_state(one, tables) for one in _operands(node)):
            continue
        for operand in _operands(node):
            text = str((operand.get("literal") or {}).get("text"))
            meant = states.get(text.lower(), text)
            if text != meant:
                place = operand.get("query_location", node["query_location"])
                raise QueryError(source.pointed(f"no state is {text!r}", place), remedy=f"Did you mean {meant!r}?")


def _names_anew(node: dict[str, Any]) -> bool:
    """Whether the statement calls something `state` itself, or calls a table of its own like a view."""
    named = (str(entry.get("key")).lower() for entry in (node.get("cte_map") or {}).get("map") or ())
    return str(node.get("alias")).lower() == "state" or not _VIEWS.isdisjoint(named)


def _is_state(node: dict[str, Any], tables: Tables) -> bool:
    """Whether it is the column of the view `runs`, and of nothing else that is there."""
    names = [str(name).lower() for name in node.get("column_names") or ()]
    if names == ["state"]:
        return "runs" in tables.values() and _VIEWS.issuperset(tables.values())
    return len(names) == 2 and names[1] == "state" and tables.get(names[0]) == "runs"


def _text_of_a_key(node: dict[str, Any], tables: Tables) -> tuple[str, str] | None:
    """How the text of a parameter or tag is mentioned, and how its number is; None for anything else."""
    if node.get("type") == "ARRAY_EXTRACT":
        column, key = [*_operands(node), {}, {}][:2]
        names = column.get("column_names") or [""]
        which, text = str(names[-1]).lower(), str((key.get("literal") or {}).get("text"))
        return (f"{which}['{text}']", f"{which}.{text}") if which in ("params", "tags") else None
    names = node.get("column_names") or [""]
    if str(names[-1]).lower() != "value":
        return None
    views = {tables.get(str(names[0]).lower(), "")} if len(names) > 1 else set(tables.values())
    if "params" in views:
        return "value of params", "number"
    return ("value of tags", "TRY_CAST(value AS DOUBLE)") if "tags" in views and "points" not in views else None


def _map_in(names: list[str], tables: Tables) -> int | None:
    """Which name is one of the maps with a key behind it. `metrics.key` is a column where metrics is a table."""
    for place, name in enumerate(names[:-1][:2]):
        if name.lower() in MAPS and (place == 1 or name.lower() not in tables):
            return place if place == 0 or names[0].lower() in tables else None
    return None


def _compared_with_numbers(node: dict[str, Any], tables: Tables) -> list[Any]:
    """What of a comparison is to be numbers, where it is one of numbers: its operands, and what these are worked out
    of."""
    if str(node.get("type")) not in _COMPARISONS:  # of a value it is the description of a type
        return []
    parts = [part for operand in _operands(node) for part in _terms(operand)]
    return parts if any(_is_number(part) or _is_metric(part, tables) for part in parts) else []


def _terms(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    if node.get("class") == "FUNCTION" and node.get("function_name") in _ARITHMETIC:
        for argument in _arguments(node):
            yield from _terms(argument)


def _arguments(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["expression"] for one in node.get("arguments") or () if isinstance(one.get("expression"), dict)]


def _is_metric(node: dict[str, Any], tables: Tables) -> bool:
    names = node.get("column_names")
    place = _map_in(names, tables) if isinstance(names, list) else None
    return names is not None and place is not None and names[place].lower() == "metrics"


def _equal_to_texts(node: dict[str, Any]) -> list[Any]:
    operands = _operands(node) if str(node.get("type")) in _EQUALITIES else []
    return operands if any(_is_no_number(one) for one in operands) else []


def _is_no_number(node: dict[str, Any]) -> bool:
    """Whether it is a text that a number would not be written as, though it may read as one."""
    literal = node.get("literal") or {}
    text = str(literal.get("text"))
    try:
        return literal.get("kind") == "STRING" and text not in (repr(float(text)), str(int(float(text))))
    except (ValueError, OverflowError):
        return literal.get("kind") == "STRING"


def _operands(node: dict[str, Any]) -> list[dict[str, Any]]:
    given = [node.get(name) for name in ("left", "right", "input", "lower", "upper")] + list(node.get("children") or ())
    return [one for one in given if isinstance(one, dict)]


def _is_number(node: dict[str, Any]) -> bool:
    if node.get("class") == "CAST":
        return _is_number(node.get("child") or {})
    if node.get("class") == "FUNCTION" and node.get("function_name") in ("-", "+"):
        return any(map(_is_number, _arguments(node)))
    return (node.get("literal") or {}).get("kind") in ("INTEGER", "NUMERIC", "FLOAT", "DECIMAL")


def _check(connection: "duckdb.DuckDBPyConnection", references: list[_Reference], source: Source) -> None:
    for which in MAPS:
        asked = [one for one in references if one.map == which]
        if not asked:
            continue
        known = [key for (key,) in connection.execute(_KEYS_OF[which]).fetchall()]
        missing = next((one for one in asked if one.key not in known), None)
        if missing is not None:
            near = difflib.get_close_matches(missing.key, known, 3, 0.5)
            kind = {"metrics": "metric", "params": "parameter", "tags": "tag"}[which]
            raise QueryError(
                source.pointed(f"no run has a {kind} {missing.key!r}", missing.start),
                remedy=f"Did you mean {' or '.join(near)}?" if near else None,
            )
