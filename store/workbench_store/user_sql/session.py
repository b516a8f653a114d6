"""Asking for a user's SELECT: it runs in a process of its own, which is ended when its time is over."""

import json
import os
import re
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from workbench_store import errors
from workbench_store.cache_root import usable_cache
from workbench_store.connection import connected, interruptible, open_connection, quoted
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.user_sql import boot
from workbench_store.user_sql.result import QueryResult
from workbench_store.user_sql.statement import QueryError, Source, nodes, parse, took_too_long, took_too_much
from workbench_store.user_sql.views import MAPS

#: How long a query may take, in seconds, unless told otherwise.
DEFAULT_SECONDS = 10.0
#: The process ends what takes too long by itself, but for what cannot be interrupted; then it is ended, so much later.
_GRACE_SECONDS = 1.0
#: Its start, and its turn at the store, which others may hold for a while, are no part of its time.
_START_SECONDS = 90.0
_DEEPEST = 200
#: Where there is less, a result is kept elsewhere.
_ROOM_BYTES = 64 * 1024**2
_LEADING_WHERE = re.compile(r"\A\s*where\b", re.IGNORECASE)
_WHERE = "SELECT name FROM runs WHERE (\n"


class Matching(NamedTuple):
    """The runs that a condition holds for, in order of name, and whether it says which archived ones it means."""

    names: list[str]
    asks_archived: bool


def query(layout: WorkspaceLayout, text: str, *, seconds: float = DEFAULT_SECONDS) -> QueryResult:
    """What the SELECT gives, over the views of `views.py`. The result no longer needs the store.

    Raises QueryError where the SQL is wrong, is refused or takes more time than `seconds` or too much memory;
    StoreBusy, StoreDamaged or StoreTooNew as any reading.
    """
    source = Source(text)
    tree = _understood(layout, source)
    with _folder(layout) as folder:
        result = folder.absolute() / "result.duckdb"
        _answer(layout, source, tree, seconds, str(result))
        with interruptible():
            connection = open_connection(layout)
            connection.execute(f"ATTACH {quoted(result)} AS kept (READ_ONLY)")
            connection.execute("USE kept")
            return QueryResult(connection)  # the file is open: it may lose its name


def matching(layout: WorkspaceLayout, condition: str, *, seconds: float = DEFAULT_SECONDS) -> Matching:
    """The runs for which the condition (what may stand behind WHERE, over the view `runs`) holds. Raises as `query`."""
    # With WHERE itself in front it is as clear; blanks in its place let errors point at what was written.
    condition = _LEADING_WHERE.sub(lambda word: re.sub(r"\S", " ", word[0]), condition)
    source = Source(condition, _WHERE, "\n)")
    tree = _understood(layout, source)
    _check_condition(tree, source)
    columns = ([name.lower() for name in node["column_names"]] for node in nodes(tree) if node.get("column_names"))
    asks = any(column[-1] == "archived" and not set(MAPS).intersection(column[:-1]) for column in columns)
    return Matching(_answer(layout, source, tree, seconds, None)["names"], asks)


@contextmanager
def _folder(layout: WorkspaceLayout) -> Iterator[Path]:
    """A folder for a result, in the workspace or, where that cannot be written or has no room, in the cache."""
    folder = Path(tempfile.mkdtemp(prefix=layout.QUERIES, dir=_roomy(layout)))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _roomy(layout: WorkspaceLayout) -> Path:
    with suppress(OSError):
        layout.tmp.mkdir(mode=0o700, exist_ok=True)
        if os.access(layout.tmp, os.W_OK) and shutil.disk_usage(layout.tmp).free > _ROOM_BYTES:
            return layout.tmp
    return usable_cache()


def _understood(layout: WorkspaceLayout, source: Source) -> dict[str, Any]:
    """The syntax tree of what may be asked: what cannot be needs no process. Raises QueryError."""
    with connected(layout) as connection:
        connection.execute("SET errors_as_json = true")
        # Python's JSON goes no deeper than some 500; each level of an expression takes about two.
        connection.execute(f"SET max_expression_depth = {_DEEPEST}")
        return parse(connection, source)


def _check_condition(tree: dict[str, object], source: Source) -> None:
    """The condition must not have closed the bracket that it stands in."""
    table = tree.get("from_table")
    plain = tree.get("type") == "SELECT_NODE" and not tree.get("modifiers") and not tree.get("group_expressions")
    if not plain or not isinstance(table, dict) or table.get("table_name") != "runs" or not tree.get("where_clause"):
        raise QueryError(f"{source.text!r} is no condition", remedy="Write what may stand behind WHERE.")


def _answer(
    layout: WorkspaceLayout, source: Source, tree: dict[str, Any], seconds: float, result: str | None
) -> dict[str, Any]:
    """What the process tells. Raises what it says that it raised, and QueryError for one that did not live to tell."""
    request = {
        "path": [os.path.dirname(os.path.dirname(errors.__file__)), *filter(os.path.isabs, sys.path)],
        "workspace": os.path.abspath(layout.root),
        "source": [source.text, source.before, source.after],
        "tree": tree,
        "seconds": seconds,
        "result": result,
        "unrecorded": lease_of(layout).overlay.rows,
    }
    with subprocess.Popen(
        [sys.executable, "-I", boot.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        start_new_session=True,  # Ctrl-C and Ctrl-Z are for who asked: one that is stopped would keep the store
    ) as process:
        try:
            said = _heard(process, json.dumps(request).encode() + b"\n", seconds)
            if not said.startswith(b"{"):
                raise _death(process)
        finally:
            process.kill()
    told: dict[str, Any] = json.loads(said)
    if "error" in told:
        kind = QueryError if told["error"] == QueryError.__name__ else getattr(errors, told["error"])
        raise kind(told["message"], remedy=told["remedy"])
    return told


def _death(process: "subprocess.Popen[bytes]") -> errors.WorkbenchError:
    """Why there is no answer. What has no memory left dies in one of several ways."""
    _, said = process.communicate()
    last = said.decode(errors="replace").strip().rpartition("\n")[2]
    if process.returncode < 0 or last.startswith("MemoryError"):
        return took_too_much()
    return errors.WorkspaceError(f"the query's process ended without an answer: {last or process.returncode}")


def _heard(process: "subprocess.Popen[bytes]", request: bytes, seconds: float) -> bytes:
    """The last line that the process says. Raises QueryError when its time is over."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(request)
    process.stdin.flush()
    lines, deadline = [b""], time.monotonic() + _START_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise took_too_long(seconds)
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                return lines[-1]
            lines = [*(lines[-1] + part).splitlines(keepends=True)]
            if lines == [b"begun\n"]:
                deadline = time.monotonic() + seconds + _GRACE_SECONDS
