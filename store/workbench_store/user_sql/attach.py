"""The store under a connection, to be read, with the views."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench_store.connection import quoted
from workbench_store.errors import WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.overlay import lay_over
from workbench_store.user_sql.statement import told_by
from workbench_store.user_sql.views import VIEWS

if TYPE_CHECKING:
    import duckdb


def attach_views(
    connection: "duckdb.DuckDBPyConnection", layout: WorkspaceLayout, unrecorded: Sequence[tuple[Any, ...]]
) -> None:
    """Attach the store, to be read, and make the views. The rows of `unrecorded` stand in place of those of their runs.
    Raises WorkspaceError where it cannot be read."""
    import duckdb

    try:
        connection.execute(f"ATTACH {quoted(layout.store)} AS store (READ_ONLY)")
        if unrecorded:
            lay_over(connection, unrecorded, "runs_now")
        for view in VIEWS:
            select = view.select.replace("store.runs", "temp.runs_now") if unrecorded else view.select
            connection.execute(f"CREATE {'TEMP ' if unrecorded else ''}VIEW {view.name} AS {select}")
    except duckdb.Error as error:
        raise WorkspaceError(
            f"cannot read {layout.store}: {told_by(error)['exception_message']}",
            remedy="Close the program that holds it, or see what `workbench doctor` says.",
        ) from error
