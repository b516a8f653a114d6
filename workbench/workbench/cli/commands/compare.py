"""Compare runs: what they were given and what came out, next to a baseline; only what differs is shown.

The first run is the baseline unless another is named. Numbers of the others carry their difference from it. Metrics are
those of rank 0. Data is compared by content where that is known, else by sizes and times.

examples:
  workbench compare brave calm
  workbench compare brave calm daring --baseline calm --metric-value max
  workbench compare brave calm --code          # the changed lines of the code too
"""

import argparse
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.cli.output import Cell
    from workbench.view.compare import Cell as Value
    from workbench.view.compare import CodeDifference, Comparison, Row


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench compare`."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run's name, or an unambiguous prefix of it")
    parser.add_argument("--baseline", metavar="RUN", help="what the others are compared with (default: the first)")
    parser.add_argument(
        "--metric-value", choices=("last", "min", "max", "mean"), default="last", help="which of a metric's figures"
    )
    parser.add_argument("--all", action="store_true", help="also what is the same in all of them")
    parser.add_argument("--code", action="store_true", help="the lines of the code that differ from the baseline's")
    parser.add_argument("--json", action="store_true", help="the comparison as JSON; fields are in docs/cli.md")


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison."""
    from workbench.cli.output import emit_json
    from workbench.cli.waiting import up_to_date
    from workbench.view.compare import code_differences, compare, to_json_dict
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    layout, store = workspace.layout, workspace.store
    up_to_date(layout, store)
    names = [store.resolve(name) for name in arguments.runs]
    baseline = store.resolve(arguments.baseline) if arguments.baseline else None
    if baseline is not None and baseline not in names:
        names.insert(0, baseline)
    found = compare(workspace.layout, workspace.store, names, baseline=baseline, which=arguments.metric_value)
    if arguments.json:
        emit_json(to_json_dict(found, everything=arguments.all))
        return ExitCode.COMPLETED
    _print(found, everything=arguments.all)
    if arguments.code:
        base = found.runs[found.baseline]
        for name in found.runs:
            if name != base:
                _print_code(name, code_differences(workspace.layout, workspace.store, base, name))
    return ExitCode.COMPLETED


def _print(found: "Comparison", *, everything: bool) -> None:
    from workbench.cli.output import Cell, emit_table, narrate
    from workbench.view.compared_text import name_text

    rows = found.rows if everything else found.differing
    if not rows:
        narrate("nothing differs; --all shows what is the same")
        return
    titles = [name + (" (baseline)" if place == found.baseline else "") for place, name in enumerate(found.runs)]
    table = [[Cell(row.kind, "dim"), Cell(name_text(row.name)), *_cells(row)] for row in rows]
    emit_table(["", "", *titles], table)
    same = len(found.rows) - len(found.differing)
    if not everything and same:
        narrate(f"{same} more are the same in all; --all shows them")


def _cells(row: "Row") -> "list[Cell]":
    from workbench.cli.output import Cell
    from workbench.view.compared_text import value_texts

    texts = value_texts(row.kind, row.name, [cell.value for cell in row.cells])
    right = row.kind in ("param", "metric")
    return [Cell(text + _remark(cell), right=right) for text, cell in zip(texts, row.cells, strict=True)]


def _remark(cell: "Value") -> str:
    from workbench.view.format import format_delta

    if cell.unknown:
        return " (not known)"
    return "" if cell.delta is None else f" ({format_delta(cell.delta)})"


def _print_code(name: str, found: "tuple[CodeDifference, ...]") -> None:
    from workbench_store.redaction import REDACTED

    from workbench.cli.output import emit, narrate
    from workbench.view.format import safe_text

    for one in found:
        emit(f"\n{name}: {safe_text(one.path)} {one.change}" + ("" if one.lines else " (no text)"))
        for line in one.lines[2:]:
            emit(f"  {safe_text(line)}")
    if any(REDACTED in line for one in found for line in one.lines):
        narrate(f"{name}: what looks like a secret is cut out of the lines shown")
