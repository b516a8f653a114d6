"""List runs, newest first.

FILTER is a few words: `state:failed`, `exp:digits`, `lr<0.1`, `accuracy>=0.9`, `tag:team=vision`, `-tag:old`, any
text; words are joined by "and", `|` is "or". `exp:digits` is any experiment whose name holds the word, `exp=digits`
that one alone. `--where` takes what may stand behind WHERE in SQL over the view `runs`,
where `metrics.KEY`, `params.NAME` and `tags.NAME` are a run's own: docs/sql.md.

examples:
  workbench ls
  workbench ls state:failed
  workbench ls 'exp:digits lr<0.1 | tag:best' --sort accuracy --desc
  workbench ls --where "metrics.accuracy > 0.9 and (params.lr < 0.1 or tags.team = 'vision')"
  workbench ls --json
"""

import argparse
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from workbench.cli.dashed import FILTER
from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench_store.store import Store

DEFAULTS: dict[str, Any] = {
    "filter": [],
    "where": None,
    "sort": None,
    "descending": None,
    "limit": None,
    "all": False,
    "metric": None,
    "param": None,
    "json": False,
}
#: The columns that are there on the narrowest terminal too.
_ALWAYS = ("RUN", "STATE", "EXPERIMENT", "AGE", "DURATION")
_LIMIT = 50
_WIDEST = 28


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench ls`."""
    parser.add_argument("filter", nargs="*", metavar=FILTER, help="only runs that fit")
    parser.add_argument("--where", metavar="SQL", help="only runs for which this condition holds")
    parser.add_argument("--sort", metavar="COLUMN", help="a column, metric or parameter (default: created)")
    order = parser.add_mutually_exclusive_group()
    order.add_argument("--desc", dest="descending", action="store_const", const=True, help="greatest first")
    order.add_argument("--asc", dest="descending", action="store_const", const=False, help="least first")
    parser.add_argument("-n", "--limit", type=_count, metavar="N", help=f"at most N runs (default: {_LIMIT})")
    parser.add_argument("--all", action="store_true", help="every run (--json has every run anyway)")
    parser.add_argument("--metric", action="append", metavar="KEY", help="a metric's column (repeat for more)")
    parser.add_argument("--param", action="append", metavar="NAME", help="a parameter's column (repeat for more)")
    parser.add_argument("--json", action="store_true", help="the runs as JSON; fields are in docs/cli.md")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    from workbench_store.store import Store
    from workbench_store.workspace import open_workspace

    from workbench.cli.bulk import condition_of_where
    from workbench.cli.output import emit_json, narrate
    from workbench.cli.waiting import up_to_date
    from workbench.view.run_list import asked_for, first_of, list_columns, parse_sort, run_list
    from workbench.view.upkeep import tidy_if_due

    where = condition_of_where(arguments.where)
    layout = open_workspace(explicit=arguments.workspace, create=False)
    store = Store(layout)
    up_to_date(layout, store)
    words = " ".join(arguments.filter)
    sort = None
    if arguments.sort:
        sort = parse_sort(arguments.sort, list_columns(store), descending=arguments.descending)
    asked = asked_for(store, words, where)
    limit = arguments.limit if arguments.limit is not None else None if arguments.all or arguments.json else _LIMIT
    with store.at_once():
        among = first_of(store, asked, sort, limit)
        columns = list_columns(store, arguments.metric, arguments.param, among=among, sort=sort)
        listed = run_list(store, columns, filter=words, asked=asked, sort=sort, limit=limit)
        recorded = store.recorded([row.name for row in listed.rows]) if arguments.json else {}
    if arguments.json:
        emit_json({"total": listed.total, "runs": [_as_dict(row, recorded[row.name]) for row in listed.rows]})
    elif listed.rows:
        _print(listed)
    else:
        narrate(_why_empty(store, narrowed=bool(words or where)))
    sys.stdout.flush()
    if listed.unknown:
        narrate(listed.unknown)
    tidy_if_due(layout)
    return ExitCode.COMPLETED


def _as_dict(row: Any, recorded: Any) -> dict[str, Any]:
    from workbench.view.format import iso_time

    return {
        "name": row.name,
        "state": str(row.state),
        "kind": row.kind,
        "experiment": row.experiment,
        "display_name": row.display_name,
        "compute": row.compute,
        "created": iso_time(row.created),
        "started": iso_time(row.started),
        "ended": iso_time(row.ended),
        "reason": row.reason,
        "metrics": recorded.metrics,
        "params": recorded.params,
    }


def _why_empty(store: "Store", *, narrowed: bool) -> str:
    """What is said where no run is listed."""
    from workbench_store.words import counted

    from workbench.view.run_list import asked_for

    if narrowed:
        return "no runs fit"
    archived = store.runs(asked_for(store, "archived:yes")).total
    if archived:
        return f"no runs but {counted(archived, 'archived one')}: workbench ls archived:yes"
    with suppress(OSError):
        removed = sum(1 for _ in store.layout.trash.iterdir())
        if removed:
            return f"no runs but {counted(removed, 'removed one')} in the trash: workbench restore lists them"
    return "no runs yet: workbench run job.yml makes one"


def _print(listed: Any) -> None:
    from workbench_store.words import counted

    from workbench.cli.output import columns_that_fit, emit_table, narrate
    from workbench.view.format import safe_text

    headers = [*_ALWAYS, *map(safe_text, listed.columns.titles())]
    rows = [_cells(row, time.time()) for row in listed.rows]
    fitting = columns_that_fit(headers, rows, len(_ALWAYS))
    emit_table(headers[:fitting], (row[:fitting] for row in rows))
    if fitting < len(headers):
        narrate(
            f"not shown, as the terminal is too narrow: {', '.join(headers[fitting:])}; --metric and --param choose"
        )
    if len(listed.rows) < listed.total:
        narrate(f"{len(listed.rows)} of {counted(listed.total, 'run')}; --all shows the rest")


def _cells(row: Any, now: float) -> list[Any]:
    from workbench.cli.output import Cell
    from workbench.cli.states import STATE_STYLES
    from workbench.view.duration import duration_of
    from workbench.view.format import (
        format_age,
        format_duration,
        format_number,
        format_scalar,
        safe_text,
        shorten,
    )

    return [
        Cell(safe_text(row.name), "bold"),
        Cell(str(row.state), STATE_STYLES.get(row.state, "cyan")),
        Cell(shorten(safe_text(row.experiment), _WIDEST)),
        Cell(format_age(row.created, now), "dim", right=True),
        Cell(format_duration(duration_of(row, now)), right=True),
        *(Cell("" if value is None else format_number(value), right=True) for value in row.metrics),
        *(Cell(shorten(format_scalar(value), _WIDEST), right=True) for value in row.params),
    ]
