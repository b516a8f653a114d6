"""A run that the database has not taken in, as it could not be written: read from its journals into memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from workbench_store.absence import is_on_disk
from workbench_store.errors import NotFound, WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.memory_lease import MemoryLease
from workbench_store.records import RunRecord
from workbench_store.store import Store


@contextmanager
def store_that_has(store: Store, name: str) -> Iterator[Store]:
    """The store, or one in memory with the run of exactly that name alone, where only its journals have it. Raises
    NotFound."""
    try:
        store.run(name)
    except NotFound:
        if not is_on_disk(store.layout, name):
            raise
    else:
        yield store
        return
    with _alone(store.layout, name) as apart:
        yield apart


@contextmanager
def _alone(layout: WorkspaceLayout, name: str) -> Iterator[Store]:
    lease = MemoryLease(layout, WorkspaceError(f"run {name} is looked at apart from {layout.store}"))
    try:
        apart = Store(layout, lease)
        apart.refresh(only=name)
        yield apart
    finally:
        lease.rest()


def run_in_trash(layout: WorkspaceLayout, name: str) -> RunRecord:
    """The removed run of exactly that name, as its journals have it. Raises NotFound."""
    removed = WorkspaceLayout(layout.root)
    removed.runs = layout.trash
    with _alone(removed, name) as store:
        return store.run(name)


def run_on_disk(layout: WorkspaceLayout, name: str) -> RunRecord:
    """The run of exactly that name, as the database has it, or as its journals have. Raises NotFound."""
    with store_that_has(Store(layout), name) as store:
        return store.run(name)
