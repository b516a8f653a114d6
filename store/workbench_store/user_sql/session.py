"""Running a user's SELECT: its own DuckDB, the store read-only, nothing outside, within a time.

The order matters: attach, views, no access to anything outside, limits, and then no setting can be changed any more.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from workbench_store.connection import open_connection, quoted
from workbench_store.errors import WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.user_sql.keys import Written, with_keys
from workbench_store.user_sql.result import QueryResult
from workbench_store.user_sql.statement import QueryError, Source, nodes, parse, query_error, told_by
from workbench_store.user_sql.views import VIEWS

if TYPE_CHECKING:
    import duckdb

#: How long a query may take, in seconds, unless told otherwise.
DEFAULT_SECONDS = 10.0
#: What a result may take of the disk while it is looked at.
_MOST_SPILLED = "4GB"
_WHERE = "SELECT name FROM runs WHERE (\n"


class Matching(NamedTuple):
    """The runs that a condition holds for, in order of name, and whether it says which archived ones it means."""

    names: list[str]
    asks_archived: bool


def query(layout: WorkspaceLayout, text: str, *, seconds: float = DEFAULT_SECONDS) -> QueryResult:
    """What the SELECT gives, over the views of `views.py`. The result no longer needs the store.

    Raises QueryError where the SQL is wrong, is refused or takes longer than `seconds`; StoreBusy, StoreDamaged or
    StoreTooNew as any reading.
    """
    connection, _ = _run(layout, Source(text), seconds)
    return QueryResult(connection)


def matching(layout: WorkspaceLayout, condition: str, *, seconds: float = DEFAULT_SECONDS) -> Matching:
    """The runs for which the condition (what may stand behind WHERE, over the view `runs`) holds. Raises as `query`."""
    source = Source(condition, _WHERE, "\n)")
    connection, tree = _run(layout, source, seconds, only_condition=True)
    with connection:
        names = [name for (name,) in connection.execute("SELECT name FROM result ORDER BY name").fetchall()]
    asked = {str(node["column_names"][-1]).lower() for node in nodes(tree) if node.get("column_names")}
    return Matching(names, "archived" in asked)


def _run(
    layout: WorkspaceLayout, source: Source, seconds: float, *, only_condition: bool = False
) -> "tuple[duckdb.DuckDBPyConnection, dict[str, object]]":
    connection = open_connection(layout)
    try:
        connection.execute("SET errors_as_json = true")
        tree = parse(connection, source)
        if only_condition:
            _check_condition(tree, source)
        with lease_of(layout).sharing():
            _attach(connection, layout)
            written = with_keys(connection, tree, source)
            _lock_down(connection)
            _fill(connection, written, source, seconds)
            connection.execute("DETACH store")
    except BaseException:
        connection.close()
        raise
    return connection, tree


def _check_condition(tree: dict[str, object], source: Source) -> None:
    """The condition must not have closed the bracket that it stands in."""
    table = tree.get("from_table")
    plain = tree.get("type") == "SELECT_NODE" and not tree.get("modifiers") and not tree.get("group_expressions")
    if not plain or not isinstance(table, dict) or table.get("table_name") != "runs" or not tree.get("where_clause"):
        raise QueryError(f"{source.text!r} is no condition", remedy="Write what may stand behind WHERE.")


def _attach(connection: "duckdb.DuckDBPyConnection", layout: WorkspaceLayout) -> None:
    import duckdb

    try:
        connection.execute(f"ATTACH {quoted(layout.store)} AS store (READ_ONLY)")
        for view in VIEWS:
            connection.execute(f"CREATE VIEW {view.name} AS {view.select}")
    except duckdb.Error as error:
        raise WorkspaceError(
            f"cannot read {layout.store}: {told_by(error)['exception_message']}",
            remedy="Close the program that holds it, or see what `workbench doctor` says.",
        ) from error


def _lock_down(connection: "duckdb.DuckDBPyConnection") -> None:
    connection.execute("SET enable_external_access = false")
    connection.execute(f"SET max_temp_directory_size = '{_MOST_SPILLED}'")
    connection.execute("SET lock_configuration = true")


def _fill(connection: "duckdb.DuckDBPyConnection", written: Written, source: Source, seconds: float) -> None:
    """Put what the statement gives into a table of this connection, which needs no lock to be read."""
    import duckdb

    making = "CREATE TABLE memory.result AS\n"
    try:
        with _time_limit(connection, seconds):
            connection.execute(making + written.text)
    except duckdb.InterruptException as error:
        raise QueryError(
            f"the query took more than {seconds:g} s and was ended",
            remedy="Ask for less, or give it more time (--timeout, seconds=).",
        ) from error
    except duckdb.Error as error:
        raise query_error(error, source, lambda place: written.original(place - len(making))) from error


@contextmanager
def _time_limit(connection: "duckdb.DuckDBPyConnection", seconds: float) -> Iterator[None]:
    """Interrupt what the connection does after so many seconds, again and again until the block is left."""
    over = threading.Event()

    def watch() -> None:
        deadline = time.monotonic() + seconds
        while not over.wait(max(0.05, deadline - time.monotonic())):
            with suppress(Exception):
                connection.interrupt()

    watcher = threading.Thread(target=watch, name="workbench-time-limit", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
