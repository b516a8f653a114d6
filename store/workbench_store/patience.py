"""Interrupting a read that lasts while a writer waits: nobody holds the store for longer than that."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench_store.errors import WorkbenchError

if TYPE_CHECKING:
    import duckdb

#: A read may last this long, in seconds, once a writer waits for it.
READ_SECONDS = 2.0
_IDLE_SECONDS = 30.0


class Patience:
    """Watches one connection's reads from a thread that is there only while there are reads."""

    def __init__(self, somebody_waits: Callable[[], bool]) -> None:
        self._somebody_waits = somebody_waits
        self._change = threading.Condition()
        self._reading: tuple[float, duckdb.DuckDBPyConnection] | None = None
        self._watching = False

    @contextmanager
    def watch(self, connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
        """While the block runs, it is interrupted (duckdb.InterruptException) after READ_SECONDS if a writer waits."""
        with self._change:
            self._reading = (time.monotonic() + READ_SECONDS, connection)
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="workbench-patience", daemon=True).start()
            self._change.notify()
        try:
            yield
        finally:
            with self._change:
                self._reading = None

    def _watch(self) -> None:
        with self._change:
            while True:
                if self._reading is None:
                    if not self._change.wait(_IDLE_SECONDS) and self._reading is None:
                        self._watching = False
                        return
                    continue
                due, connection = self._reading
                remaining = due - time.monotonic()
                if remaining > 0:
                    self._change.wait(remaining)
                else:
                    if self._asked():
                        connection.interrupt()
                    # Again, too, if it was interrupted: that may have come between two queries of one read.
                    self._reading = (time.monotonic() + READ_SECONDS / 4, connection)

    def _asked(self) -> bool:
        try:
            return self._somebody_waits()
        except WorkbenchError:
            return False
