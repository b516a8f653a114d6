"""The store under a connection, to be read, with the views."""

from typing import TYPE_CHECKING

from workbench_store.connection import quoted
from workbench_store.errors import WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.user_sql.statement import told_by
from workbench_store.user_sql.views import VIEWS

if TYPE_CHECKING:
    import duckdb


def attach_views(connection: "duckdb.DuckDBPyConnection", layout: WorkspaceLayout) -> None:
    """Attach the store, to be read, and make the views. Raises WorkspaceError where it cannot be read."""
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
