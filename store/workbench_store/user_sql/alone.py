"""A user's SELECT in a process of its own: its own DuckDB, the store read-only, nothing outside, within its limits.

The order matters: what holds for the process, attach, views, no access to anything outside, limits, and then no setting
can be changed any more. What DuckDB does inside of one value it neither counts nor interrupts (`repeat('x', 10**9)`):
the system holds the process to its memory, and who asked ends it when its time is over.
"""

import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench_store.connection import open_connection, quoted
from workbench_store.errors import WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.user_sql.attach import attach_views
from workbench_store.user_sql.keys import Written, mentions, with_keys
from workbench_store.user_sql.statement import (
    Source,
    query_error,
    told_by,
    took_too_long,
    took_too_much,
)

if TYPE_CHECKING:
    import duckdb

#: What a query may take of the disk while it is looked at, and its result too.
_MOST_SPILLED = "4GB"
_MOST_WRITTEN = 4 * 1024**3
#: What the process may take beyond what it has when it begins: what DuckDB may have, and what it does not count.
_MOST_MEMORY = 512 * 1024**2


class Asked(NamedTuple):
    """What is to be run: where, the user's text, its syntax tree, for how many seconds, and rows that the table of runs
    would have if it could be written."""

    layout: WorkspaceLayout
    source: Source
    tree: dict[str, Any]
    seconds: float
    unrecorded: list[tuple[Any, ...]]


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run what was asked for, whose syntax tree comes along. The rows of a whole statement go to the file that the
    request names; of a condition the names of the runs for which it holds are told.

    Raises QueryError, StoreBusy, StoreDamaged, StoreTooNew or WorkspaceError.
    """
    asked = Asked(
        WorkspaceLayout(Path(request["workspace"])),
        Source(*request["source"]),
        request["tree"],
        request["seconds"],
        [tuple(row) for row in request["unrecorded"]],
    )
    with open_connection(asked.layout) as connection:
        connection.execute("SET errors_as_json = true")
        if request["result"] is None:
            _run(connection, asked, "memory")
            rows = connection.execute("SELECT name FROM memory.result ORDER BY name").fetchall()
            return {"names": [name for (name,) in rows]}
        _attach_result(connection, request["result"])
        _run(connection, asked, "kept")
        connection.execute("DETACH kept")
        return {}


def _attach_result(connection: "duckdb.DuckDBPyConnection", path: str) -> None:
    import duckdb

    try:
        connection.execute(f"ATTACH {quoted(path)} AS kept")
    except duckdb.Error as error:
        raise WorkspaceError(
            f"the result of the query cannot be written to {path}: {told_by(error)['exception_message']}",
            remedy="Make room on that disk.",
        ) from error


def _run(connection: "duckdb.DuckDBPyConnection", asked: Asked, into: str) -> None:
    """Make the table `result` of the database `into`."""
    with lease_of(asked.layout).sharing():
        _limit_process()
        print("begun", flush=True)  # from now on its time counts
        attach_views(connection, asked.layout, asked.unrecorded)
        written = with_keys(connection, asked.tree, asked.source)
        _lock_down(connection)
        _fill(connection, written, asked, into)
        connection.execute("DETACH store")


def _limit_process() -> None:
    """Hold the process to its memory and files, and be the first that the system ends where memory is short."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_WRITTEN, _MOST_WRITTEN))
    if sys.platform != "linux":
        return
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        now = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
        resource.setrlimit(resource.RLIMIT_DATA, (now + _MOST_MEMORY, now + _MOST_MEMORY))
        Path("/proc/self/oom_score_adj").write_text("1000")


def _lock_down(connection: "duckdb.DuckDBPyConnection") -> None:
    connection.execute("SET enable_external_access = false")
    connection.execute(f"SET max_temp_directory_size = '{_MOST_SPILLED}'")
    connection.execute("SET lock_configuration = true")


def _fill(connection: "duckdb.DuckDBPyConnection", written: Written, asked: Asked, into: str) -> None:
    """Put what the statement gives into a table, which needs no lock to be read."""
    import duckdb

    making = f"CREATE TABLE {into}.result AS\n"
    try:
        with _time_limit(connection, asked.seconds):
            connection.execute(making + written.text)
    except duckdb.InterruptException as error:
        raise took_too_long(asked.seconds) from error
    except MemoryError as error:
        raise took_too_much() from error
    except duckdb.Error as error:
        raise query_error(
            error, asked.source, lambda place: written.original(place - len(making)), partial(mentions, connection)
        ) from error


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
