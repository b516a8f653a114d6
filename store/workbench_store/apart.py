"""A run that the database has not taken in, as it could not be written: read from its journals into memory."""

from workbench_store.absence import is_on_disk
from workbench_store.errors import NotFound, WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.memory_lease import MemoryLease
from workbench_store.records import RunRecord
from workbench_store.store import Store


def run_on_disk(layout: WorkspaceLayout, name: str) -> RunRecord:
    """The run of exactly that name, as the database has it, or as its journals have. Raises NotFound."""
    try:
        return Store(layout).run(name)
    except NotFound:
        if not is_on_disk(layout, name):
            raise
    lease = MemoryLease(layout, WorkspaceError(f"run {name} is looked at apart from {layout.store}"))
    try:
        apart = Store(layout, lease)
        apart.refresh(only=name)
        return apart.run(name)
    finally:
        lease.rest()
