"""Ask the store one SELECT, over views of runs, metrics, points, params, tags, artifacts, media, snapshots, images.

It reads and nothing else: no files, no settings, no change. docs/sql.md has the columns; --views prints them.

examples:
  workbench sql "SELECT name, state, metrics.accuracy, params.lr FROM runs ORDER BY metrics.accuracy DESC LIMIT 10"
  workbench sql "SELECT experiment, count(*), avg(duration) FROM runs GROUP BY ALL"
  workbench sql "SELECT step, value FROM points WHERE run = 'brave_otter_ab12cd' AND key = 'loss'" --csv > loss.csv
  workbench sql - < query.sql
  workbench sql --views
"""

import argparse
import sys
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench_store.user_sql.result import QueryResult

_MOST_ROWS = 1000


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench sql`."""
    parser.add_argument("query", nargs="?", metavar="SELECT", help="the query; `-` reads it from standard input")
    parser.add_argument("--views", action="store_true", help="print the views and their columns")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="columns and every row as JSON; fields are in docs/cli.md")
    form.add_argument("--csv", action="store_true", help="every row as CSV")
    parser.add_argument("-n", "--limit", type=int, metavar="N", help=f"print at most N rows (default: {_MOST_ROWS})")
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="end the query after so long (default: 10)")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 86400")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Ask and print."""
    from workbench_store.errors import UsageError
    from workbench_store.user_sql.session import DEFAULT_SECONDS

    from workbench.cli import query_output
    from workbench.cli.waiting import up_to_date
    from workbench.workspace import Workspace

    if arguments.views:
        query_output.print_views()
        return ExitCode.COMPLETED
    if arguments.query is None:
        raise UsageError("no query is given", remedy='workbench sql "SELECT name, state FROM runs"')
    text = sys.stdin.read() if arguments.query == "-" else arguments.query
    workspace = Workspace(arguments.workspace, create=False)
    up_to_date(workspace.layout, workspace.store)
    with workspace.store.query(text, arguments.timeout or DEFAULT_SECONDS) as result:
        _print(result, arguments)
    return ExitCode.COMPLETED


def _print(result: "QueryResult", arguments: argparse.Namespace) -> None:
    from workbench.cli import query_output

    if arguments.json:
        query_output.print_json(result, arguments.limit)
    elif arguments.csv:
        query_output.print_csv(result, arguments.limit)
    else:
        query_output.print_table(result, _MOST_ROWS if arguments.limit is None else arguments.limit)
