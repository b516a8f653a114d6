"""A store in this process's memory, for a workspace in which no file can be made: its disk is full, or it may not be
written. It holds what the journals have, so that runs can be looked at, and removed to make room.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench_store.connection import interruptible, open_connection, transaction
from workbench_store.errors import WorkspaceError
from workbench_store.interrupts import load_whole
from workbench_store.layout import WorkspaceLayout
from workbench_store.migrations import migrate
from workbench_store.overlay import Overlay

if TYPE_CHECKING:
    import duckdb


#: So often it is tried to have a file after all, in seconds.
TRY_SECONDS = 2.0


class MemoryLease:
    """Stands in for a `Lease`; `why` says what keeps the file from being made. Safe to use from several threads."""

    def __init__(self, layout: WorkspaceLayout, why: WorkspaceError) -> None:
        self.why = why
        #: When it is looked again whether there can be a file, by the monotonic clock.
        self.next_try = time.monotonic() + TRY_SECONDS
        self.refreshing = threading.RLock()
        self._layout = layout
        self._turn = threading.RLock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.made = ""
        self.overlay = Overlay()

    @contextmanager
    def reading(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """The store, to be read. Raises WorkspaceError when memory does not hold what there is."""
        load_whole("duckdb")
        import duckdb

        with self._turn, interruptible():
            try:
                connection = self._ours()
                self.overlay.lay_on(connection)
                yield connection
            except duckdb.OutOfMemoryException as error:
                self.rest()
                raise WorkspaceError(
                    f"{self.why.message}, and there is more than memory holds", remedy=self.why.remedy
                ) from error

    @contextmanager
    def writing(self, patience: float = 0.0) -> Iterator["duckdb.DuckDBPyConnection"]:
        """The store inside a transaction; nobody else has it, so there is nothing to be patient about."""
        with self.reading() as connection:
            self.overlay.take_off(connection)
            with transaction(connection):
                yield connection

    @property
    def can_be_read(self) -> bool:
        """It always can."""
        return True

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """There is no file that another connection could read: raises what kept it from being made."""
        raise self.why
        yield

    @contextmanager
    def without_file(self) -> Iterator[None]:
        """There is none."""
        with self._turn:
            yield

    def rest(self) -> None:
        """Forget what was read; the next use begins with an empty store."""
        with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _ours(self) -> "duckdb.DuckDBPyConnection":
        if self._connection is None:
            connection = open_connection(self._layout)
            connection.execute("ATTACH ':memory:' AS store")
            connection.execute("USE store")
            _, self.made = migrate(connection)
            self._connection = connection
        return self._connection
