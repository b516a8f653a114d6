"""What a user's SQL may be: exactly one SELECT that reads the views and nothing else. Errors point at the place."""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from workbench_store.errors import UsageError
from workbench_store.user_sql.views import MAPS, VIEWS

if TYPE_CHECKING:
    import duckdb

#: The functions that make rows without reading anything from elsewhere. The others read files or change settings.
_TABLE_FUNCTIONS = frozenset(
    "generate_series histogram histogram_values json_each json_tree range repeat repeat_row summary unnest".split()
)
_VIEWS = tuple(view.name for view in VIEWS)
#: Functions of one value that are no business of a query.
_REFUSED_FUNCTIONS = frozenset(
    "current_setting getenv getvariable json_execute_serialized_sql nextval pg_sleep query query_table setseed setval "
    "sleep_ms write_log".split()
)
#: Parts of a SELECT that are none.
_CHANGES = frozenset(f"{what}_QUERY_NODE" for what in ("DELETE", "INSERT", "UPDATE", "MERGE", "MERGE_INTO", "COPY"))
#: How DuckDB begins to say that it goes no deeper; its remedy is a setting that a query cannot change.
_DEPTH = "Max expression depth"


class QueryError(UsageError):
    """A user's SQL is wrong, is refused or took too long; the message shows the line and the place in it."""


def took_too_much() -> QueryError:
    """What is said of a query that needs more than it may have."""
    remedy = "Ask for less: filter, or aggregate."
    return QueryError("the query needs more memory than a query may have", remedy=remedy)


def took_too_long(seconds: float) -> QueryError:
    """What is said of a query whose time is over."""
    remedy = "Ask for less, or give it more time (--timeout, seconds=)."
    return QueryError(f"the query took more than {seconds:g} s and was ended", remedy=remedy)


_KEYS = "Of runs a metric is written metrics.NAME, a parameter params.NAME, a tag tags.NAME."
_NO_TABLE = re.compile(r'Referenced table "(?P<name>[^"]+)" not found!')


class Source(Struct, frozen=True):
    """What a user wrote, and where it stands in the statement that is run; the user is shown only what they wrote."""

    text: str
    before: str = ""
    after: str = ""

    @property
    def statement(self) -> str:
        """The whole statement."""
        return self.before + self.text + self.after

    def pointed(self, message: str, place: int | None) -> str:
        """The message with line and column of the byte `place` of the statement, and that line with a caret below."""
        at = None if place is None else place - len(self.before.encode())
        said = "\n".join(_visible(line) for line in message.splitlines())
        if at is None or not 0 <= at <= len(self.text.encode()):
            return said
        head = self.text.encode()[:at].decode(errors="ignore")
        line, column = head.count("\n"), len(head) - (head.rfind("\n") + 1)
        shown = _visible(self.text.split("\n")[line])
        return f"line {line + 1}, column {column + 1}: {said}\n    {shown}\n    {' ' * column}^"


def _visible(line: str) -> str:
    """The line with every character that could steer a terminal as a mark of the same width."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


def parse(connection: "duckdb.DuckDBPyConnection", source: Source) -> dict[str, Any]:
    """The syntax tree of the one SELECT that the source is. Raises QueryError for anything else."""
    import duckdb

    if source.after and source.text.strip():
        # What stands in brackets has to be whole by itself: it must not close them, and errors must not speak of them.
        _statements(connection, Source(source.text, "SELECT\n"))
    statements = _statements(connection, source)
    if not source.text.strip() or len(statements) != 1:
        what = f"these are {len(statements)} statements" if source.text.strip() and statements else "there is none"
        raise QueryError(f"one SELECT is wanted, and {what}", remedy="Write for example: SELECT * FROM runs")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise _no_select(statements[0], source)
    [[text]] = connection.execute("SELECT json_serialize_sql(?)", [source.statement]).fetchall()
    try:
        tree = json.loads(text)
    except RecursionError as error:
        raise _too_deep() from error
    if tree["error"]:
        if str(tree["error_message"]).startswith(_DEPTH):
            raise _too_deep()
        raise QueryError(source.pointed(str(tree["error_message"]), _place(tree)))
    root: dict[str, Any] = tree["statements"][0]["node"]
    _refuse(root, source)
    return root


def _no_select(statement: "duckdb.Statement", source: Source) -> QueryError:
    import duckdb

    beginning = len(source.before.encode())
    if statement.type == duckdb.StatementType.MULTI:  # a PIVOT that asks first which values there are
        why = "only one SELECT may be asked, and a PIVOT is more unless it says which values become columns"
        remedy = "For example: PIVOT points ON key IN ('loss', 'acc') USING max(value)"
        return QueryError(source.pointed(why, beginning), remedy=remedy)
    kind = str(statement.type).rpartition(".")[2]
    return QueryError(
        source.pointed(f"only SELECT may be asked, and this is {kind}", beginning),
        remedy="The store is changed by Workbench's commands alone.",
    )


def _statements(connection: "duckdb.DuckDBPyConnection", source: Source) -> "list[duckdb.Statement]":
    import duckdb

    try:
        return connection.extract_statements(source.statement)
    except duckdb.Error as error:
        raise query_error(error, source) from error


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every node of a tree, parents first."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += reversed(list(one.values()))
        elif isinstance(one, list):
            waiting += reversed(one)


def _refuse(root: dict[str, Any], source: Source) -> None:
    for node in nodes(root):
        kind, name = node.get("type"), _function(node)
        if kind == "TABLE_FUNCTION" and name not in _TABLE_FUNCTIONS:
            why = f"{name}() is refused: a query reads the views alone, no files or settings"
        elif node.get("class") == "FUNCTION" and name in _REFUSED_FUNCTIONS:
            why = f"{name}() is refused in a query"
        elif isinstance(kind, str) and kind in _CHANGES:
            why = "a query changes nothing"
        else:
            continue
        raise QueryError(source.pointed(why, _where(node)))
    for node in _tables(root, frozenset()):
        name = str(node["table_name"]).lower()
        if name not in _VIEWS or node.get("schema_name") or node.get("catalog_name"):
            raise _no_view(node, source)


def _tables(tree: Any, known: frozenset[str]) -> Iterator[dict[str, Any]]:
    """The tables that are read below, but for those that the statement itself names in a WITH around them."""
    waiting = [(tree, known)]
    while waiting:
        one, known = waiting.pop()
        if isinstance(one, list):
            waiting += [(item, known) for item in reversed(one)]
        elif isinstance(one, dict):
            if isinstance(one.get("cte_map"), dict):
                known = known.union(str(entry["key"]).lower() for entry in one["cte_map"]["map"])
            is_own = str(one.get("table_name")).lower() in known and not one.get("schema_name")
            if one.get("show_type") == "SHOW_SPECIAL" or (one.get("type") == "BASE_TABLE" and not is_own):
                yield one
            waiting += [(item, known) for item in reversed(list(one.values()))]


def _no_view(node: dict[str, Any], source: Source) -> QueryError:
    if node.get("show_type") == "SHOW_SPECIAL":
        remedy = f"There are {', '.join(_VIEWS)}; DESCRIBE runs says what is in one."
        return QueryError("a query reads the views alone, not what DuckDB has", remedy=remedy)
    parts = (node.get("catalog_name"), node.get("schema_name"), node["table_name"])
    name = ".".join(str(part) for part in parts if part)
    near = difflib.get_close_matches(str(node["table_name"]).lower(), _VIEWS, 3, 0.5)
    remedy = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(_VIEWS)}."
    why = f"{name!r} is none of the views, and a query reads nothing else"
    return QueryError(source.pointed(why, _where(node)), remedy=remedy)


def _where(node: dict[str, Any]) -> int | None:
    place = node.get("query_location")
    return place if isinstance(place, int) else None


def _function(node: dict[str, Any]) -> str:
    inner = node.get("function") if node.get("type") == "TABLE_FUNCTION" else node
    return str(inner.get("function_name", "")).lower() if isinstance(inner, dict) else ""


def query_error(
    error: Exception,
    source: Source,
    place_of: Callable[[int], int] = int,
    mentions: Callable[[str], Sequence[str]] = lambda name: (),
) -> QueryError:
    """DuckDB's error (which the connection gives as JSON) as one that points at the place.

    `place_of` says at which byte of the source's statement a byte of the statement that was run stands, `mentions` how
    the metrics, parameters and tags of a name are written.
    """
    told = told_by(error)
    message = told["exception_message"].split("\nCandidate bindings:")[0].split("\n\tCandidate")[0]
    remedy = None
    if message.startswith(_DEPTH):
        return _too_deep()
    if told.get("error_subtype") == "COLUMN_NOT_FOUND":
        name, columns = str(told.get("name")), str(told.get("candidates", "")).split(",")
        near = mentions(name) or difflib.get_close_matches(name, columns, 3, 0.5)
        message = f"there is no column {told.get('name')!r} here"
        nearest = f"Did you mean {' or '.join(near)}? " if near else ""
        remedy = nearest + _KEYS
    unknown = _NO_TABLE.match(message)
    if unknown:
        near = difflib.get_close_matches(unknown["name"].lower(), (*_VIEWS, *MAPS), 1, 0.5)
        message = f"there is no table {unknown['name']!r} here"
        remedy = (f"Did you mean {near[0]}? " if near else "") + _KEYS
    if str(error).startswith("Out of Memory Error"):
        enough = took_too_much()
        message, remedy = enough.message, enough.remedy
    place = _place(told)
    return QueryError(source.pointed(message, None if place is None else place_of(place)), remedy=remedy)


def _too_deep() -> QueryError:
    return QueryError("the query is nested too deep", remedy="Write it with fewer brackets and operators.")


def told_by(error: Exception) -> dict[str, Any]:
    """The fields of DuckDB's error, `exception_message` among them; that is the first line of one that is no JSON."""
    try:
        told = json.loads(str(error).partition(": ")[2])
    except ValueError:
        told = None
    return {"exception_message": str(error).partition("\n")[0], **(told if isinstance(told, dict) else {})}


def _place(told: dict[str, Any]) -> int | None:
    try:
        return int(told["position"])
    except (KeyError, TypeError, ValueError):
        return None
