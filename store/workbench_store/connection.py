"""The one door through which DuckDB is opened: in memory, small, and writing nowhere but in the workspace."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from workbench_store.interrupts import load_whole
from workbench_store.layout import WorkspaceLayout

if TYPE_CHECKING:
    import duckdb

#: DuckDB's default is most of the machine's memory, for each process.
MEMORY_LIMIT = "320MB"
#: A store must not take the processors from the training that it watches.
MOST_THREADS = 4


def quoted(text: "str | os.PathLike[str]") -> str:
    """A text or a path as SQL writes it."""
    return "'" + os.fspath(text).replace("'", "''") + "'"


def open_connection(layout: WorkspaceLayout) -> "duckdb.DuckDBPyConnection":
    """A connection to an empty database in memory, to which a `Lease` attaches the store's file."""
    load_whole("duckdb")
    import duckdb

    scratch = layout.tmp / "duckdb"
    return duckdb.connect(
        ":memory:",
        config={
            "temp_directory": str(scratch),
            "extension_directory": str(scratch / "extensions"),
            "secret_directory": str(scratch / "secrets"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "memory_limit": MEMORY_LIMIT,
            "threads": str(min(MOST_THREADS, os.cpu_count() or 1)),
        },
    )


@contextmanager
def connected(layout: WorkspaceLayout) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Such a connection for a while."""
    with interruptible(), open_connection(layout) as connection:
        yield connection


@contextmanager
def interruptible() -> Iterator[None]:
    """Have Ctrl-C raise KeyboardInterrupt within DuckDB too, which makes an error of its own of what a signal's handler
    raises, and forgets that."""
    handled = sys.exc_info()[1]
    try:
        yield
    except Exception as error:
        if (isinstance(error, RuntimeError) or _is_duckdbs(error)) and was_interrupted(error, handled):
            raise KeyboardInterrupt from error
        raise


def was_interrupted(error: BaseException | None, handled: BaseException | None) -> bool:
    """Whether it stands in the place of what a signal's handler raised: DuckDB raised it, as it called code that was
    interrupted, or because of such an error before. What was `handled` before is over: perhaps a Ctrl-C after which the
    caller looks what there is."""
    while error is not None and error is not handled:
        if type(error) is RuntimeError and str(error) == "Query interrupted":
            return True
        if isinstance(error, KeyboardInterrupt) or (_is_duckdbs(error) and "KeyboardInterrupt" in str(error)):
            return True
        error = error.__context__
    return False


def _is_duckdbs(error: BaseException) -> bool:
    return "duckdb" in type(error).__module__


@contextmanager
def transaction(connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """What the block writes, all of it or, where it raises, nothing."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(Exception):  # none is left where it was the commit that failed
            connection.execute("ROLLBACK")
        raise
