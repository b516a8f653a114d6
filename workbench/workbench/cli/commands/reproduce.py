"""Run a run again as it was, and report what came out the same.

The new run has the old one's snapshot, spec and environment. Its outputs are kept in its own folder, wherever the old
one's are, and none is registered. When it has ended its state, metrics, outputs, environment and data are compared; the
exit code says whether all of them are the same. Of data that changed before its content was hashed it is not known.

examples:
  workbench reproduce brave
  workbench reproduce brave --tolerance 1e-6   # metrics may differ by a millionth of their value
"""

import argparse
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.view.reproduction import Outcome

_SHOWN = {True: ("same", "green"), False: ("differs", "red"), None: ("not known", "yellow")}
_SAID = {True: "came out the same", False: "did not come out the same", None: "is not known to have come out the same"}


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench reproduce`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument("--tolerance", type=_tolerance, default=0.0, metavar="X", help="how far metrics may be apart")
    parser.add_argument("--json", action="store_true", help="what was compared as JSON; fields are in docs/cli.md")


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up to 1")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Rerun, wait, compare."""
    from workbench.cli.following import follow_to_the_end, narrate_only
    from workbench.cli.output import emit_json, narrate
    from workbench.cli.signals import Interrupted, signals
    from workbench.lifecycle import rerun
    from workbench.view.reproduction import in_all, reproduction
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    before = workspace.run(arguments.run)
    if not before.state.final:
        narrate(f"{before.name} is {before.state}: what it will come to is not known yet")
        return ExitCode.REFUSED
    with signals() as taken:
        try:
            again = rerun(workspace.layout, before.name, apart=True, narrate=narrate, before_shown=taken.hold)
        except Interrupted:
            return ExitCode.INTERRUPTED
        for text in again.warnings:
            narrate(f"warning: {text}")
        state = follow_to_the_end(workspace.layout, again.name, taken, narrate_only)
    if state is None or not state.final:
        return ExitCode.INTERRUPTED
    workspace.run(again.name)
    found = reproduction(workspace.layout, workspace.store, before.name, again.name, tolerance=arguments.tolerance)
    same = in_all(found)
    if arguments.json:
        emit_json({"run": before.name, "again": again.name, "same": same, "outcomes": [vars(one) for one in found]})
    else:
        _print(found)
    narrate(f"{again.name} {_SAID[same]} as {before.name}")
    return ExitCode.COMPLETED if same else ExitCode.DIFFERENT


def _print(found: "tuple[Outcome, ...]") -> None:
    from workbench.cli.output import Cell, emit_table
    from workbench.view.compared_text import name_text, value_texts

    rows = []
    for one in found:
        before, after = value_texts(one.kind, one.name, [one.before, one.after])
        rows.append(
            [
                Cell(*_SHOWN[one.same]),
                Cell(one.kind, "dim"),
                Cell(name_text(one.name, one.rank)),
                Cell(before),
                Cell("" if one.same else after),
            ]
        )
    emit_table(["", "", "", "BEFORE", "AGAIN"], rows)
