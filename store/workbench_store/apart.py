"""A run that the database has not taken in, as it could not be written: read from its journals into memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from workbench_store.absence import is_on_disk, no_run
from workbench_store.errors import WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.memory_lease import MemoryLease
from workbench_store.records import RunQuery, RunRecord, RunRow
from workbench_store.store import Store
from workbench_store.words import listed


@contextmanager
def store_that_has(store: Store, name: str) -> Iterator[Store]:
    """The store, or one in memory with the run of exactly that name alone, where only its journals have it. Raises
    NotFound."""
    if store.has(name):
        yield store
        return
    if not is_on_disk(store.layout, name):
        raise no_run(store.layout, name)
    with _apart(store.layout, [name]) as apart:
        yield apart


@contextmanager
def _apart(layout: WorkspaceLayout, names: Sequence[str]) -> Iterator[Store]:
    lease = MemoryLease(layout, WorkspaceError(f"these runs are looked at apart from {layout.store}: {listed(names)}"))
    try:
        apart = Store(layout, lease)
        for name in names:
            apart.refresh(only=name)
        yield apart
    finally:
        lease.rest()


def runs_in_trash(layout: WorkspaceLayout, names: Sequence[str]) -> dict[str, RunRow]:
    """Removed runs as their journals have them, those of exactly these names that have any."""
    removed = WorkspaceLayout(layout.root)
    removed.runs = layout.trash
    with _apart(removed, names) as store:
        return {row.name: row for row in store.runs(RunQuery(names=tuple(names))).rows}


def run_on_disk(layout: WorkspaceLayout, name: str) -> RunRecord:
    """The run of exactly that name, as the database has it, or as its journals have. Raises NotFound."""
    with store_that_has(Store(layout), name) as store:
        return store.run(name)
