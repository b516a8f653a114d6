"""Run a run again as it was, and report what came out the same.

The new run has the old one's snapshot, spec and environment. Its outputs are kept in its own folder, wherever the old
one's are, and none is registered. When it has ended both are compared: state and exit code, parameters, every point of
every metric, media, outputs, environment and data; the exit code says whether all of them are the same. Of data that
changed before its content was hashed it is not known, nor of figures that are pages and differ.

examples:
  workbench reproduce brave
  workbench reproduce brave --tolerance 1e-6   # metrics may differ by a millionth of their value
"""

import argparse
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.view.same_results import Outcome

_COLOURS = {True: "green", False: "red", None: "yellow"}


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench reproduce`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument("--tolerance", type=_tolerance, default=0.0, metavar="X", help="how far metrics may be apart")
    parser.add_argument("--json", action="store_true", help="what was compared as JSON; fields are in docs/cli.md")


def _tolerance(text: str) -> float:
    from workbench_store.errors import UsageError

    from workbench.view.reproduction import read_tolerance

    try:
        return read_tolerance(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(error.message) from error


def run(arguments: argparse.Namespace) -> int:
    """Rerun, wait, compare."""
    from msgspec.structs import asdict

    from workbench.cli.following import follow_to_the_end, narrate_only
    from workbench.cli.output import emit_json, narrate
    from workbench.cli.signals import NOTHING_STARTED, Interrupted, signals
    from workbench.view.reproduction import begin, in_all, reproduction, verdict
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    layout, before = workspace.layout, workspace.run(arguments.run).name
    with signals() as taken:
        try:
            again = begin(layout, workspace.store, before, narrate=narrate, before_shown=taken.hold)
        except Interrupted:
            narrate(NOTHING_STARTED)
            return ExitCode.INTERRUPTED
        for text in again.warnings:
            narrate(f"warning: {text}")
        state = follow_to_the_end(layout, again.name, taken, narrate_only)
    if state is None or not state.final:
        return ExitCode.INTERRUPTED
    workspace.run(again.name)
    found = reproduction(layout, workspace.store, before, again.name, tolerance=arguments.tolerance)
    same = in_all(found)
    if arguments.json:
        emit_json({"run": before, "again": again.name, "same": same, "outcomes": [asdict(one) for one in found]})
    else:
        _print(found)
    narrate(verdict(before, again.name, same))
    return ExitCode.COMPLETED if same else ExitCode.DIFFERENT


def _print(found: "tuple[Outcome, ...]") -> None:
    from workbench.cli.output import Cell, emit_table
    from workbench.view.compared_text import name_text, value_texts
    from workbench.view.reproduction import WORDS

    rows = []
    for one in found:
        before, after = value_texts(one.kind, one.name, [one.before, one.after])
        rows.append(
            [
                Cell(WORDS[one.same], _COLOURS[one.same]),
                Cell(one.kind, "dim"),
                Cell(name_text(one.name, one.rank, one.step)),
                Cell(before),
                Cell("" if one.same else after),
            ]
        )
    emit_table(["", "", "", "BEFORE", "AGAIN"], rows)
