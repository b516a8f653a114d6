"""The one thread that works with the store, so that the screen never waits for it; duckdb is loaded there."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from workbench_store.layout import WorkspaceLayout

if TYPE_CHECKING:
    from workbench_store.store import Store

Answer = TypeVar("Answer")


class Desk:
    """Takes questions to the store, one after the other, on a thread of its own."""

    def __init__(self, layout: WorkspaceLayout) -> None:
        self.layout = layout
        self._store: Store | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="store")

    def _open(self) -> "Store":
        if self._store is None:
            from workbench_store.store import Store

            self._store = Store(self.layout)
        return self._store

    async def ask(self, question: "Callable[[Store], Answer]") -> Answer:
        """The answer of a function of the store; what it raises is raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: question(self._open()))

    async def do(self, action: "Callable[[], Answer]") -> Answer:
        """Do something slow that is not the store's, in the same order as the questions."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, action)

    def close(self) -> None:
        """Take no more questions."""
        self._pool.shutdown(wait=False, cancel_futures=True)
