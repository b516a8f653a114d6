"""SQL that users write, over views that stay the same from version to version: one SELECT, read-only, within a time.

`views.py` says what can be asked for, `statement.py` what may be asked, `keys.py` makes `params.lr` a number where it
is one, `session.py` runs it, `result.py` holds what came out, free of the store's file.
"""

from workbench_store.user_sql.result import QueryResult
from workbench_store.user_sql.session import DEFAULT_SECONDS, matching, query
from workbench_store.user_sql.statement import QueryError
from workbench_store.user_sql.views import VIEWS, View

__all__ = ["DEFAULT_SECONDS", "VIEWS", "QueryError", "QueryResult", "View", "matching", "query"]
