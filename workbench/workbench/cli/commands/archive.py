"""Put runs out of the way of lists, or back. Nothing is deleted: `ls archived:yes` shows them.

examples:
  workbench archive brave calm
  workbench archive --all 'state:failed created>30d'
  workbench archive brave --undo
"""

import argparse

from workbench.cli.dashed import FILTER
from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench archive`."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument("--all", metavar=FILTER, help="every run that passes the filter")
    parser.add_argument("--undo", action="store_true", help="bring them back into lists")


def run(arguments: argparse.Namespace) -> int:
    """Archive, or bring back."""
    from workbench_store.errors import UsageError

    from workbench.cli.bulk import runs_named, runs_of_all
    from workbench.cli.output import narrate
    from workbench.lifecycle import edit_archived
    from workbench.workspace import Workspace

    if not arguments.runs and arguments.all is None:
        raise UsageError("no run is named", remedy="workbench archive RUN ..., or --all FILTER")
    workspace = Workspace(arguments.workspace, create=False)
    runs = runs_named(workspace, arguments.runs)
    if arguments.all is not None:
        runs += runs_of_all(workspace, arguments.all, "archived" if arguments.undo else "")
    runs = list({found.name: found for found in runs}.values())
    edit_archived(workspace.layout, [found.name for found in runs], not arguments.undo)
    what = "brought back" if arguments.undo else "archived"
    narrate(f"{runs[0].name} {what}" if len(runs) == 1 else f"{len(runs)} runs {what}")
    return ExitCode.COMPLETED
