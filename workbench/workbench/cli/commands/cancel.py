"""Cancel runs: their processes are asked to end, and killed after a grace period. What was recorded stays.

examples:
  workbench cancel brave_heron_x1
  workbench cancel brave calm_otter
"""

import argparse

from workbench.cli.exit_codes import ExitCode, for_error


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench cancel`."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="the run's name, or an unambiguous prefix of it")


def run(arguments: argparse.Namespace) -> int:
    """Ask for the cancellation of each run named; one that cannot be cancelled does not save the others."""
    from workbench_store.errors import WorkbenchError

    from workbench.cli.output import narrate, report
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    worst = ExitCode.COMPLETED
    for name in arguments.runs:
        try:
            found = workspace.run(name)
            found.cancel()
        except WorkbenchError as error:
            report(error)
            worst = max(worst, for_error(error))
        else:
            narrate(f"{found.name}: cancel requested")
    return worst
