"""SQL of our own over the views that users have: in this process, as it needs no guard and writes nothing."""

from typing import Any

from workbench_store.connection import connected
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.user_sql.attach import attach_views


def own_query(layout: WorkspaceLayout, text: str) -> list[tuple[Any, ...]]:
    """The rows. Raises StoreBusy, StoreDamaged, StoreTooNew or WorkspaceError as any reading."""
    lease = lease_of(layout)
    with connected(layout) as connection, lease.sharing():
        attach_views(connection, layout, lease.overlay.rows)
        return connection.execute(text).fetchall()
