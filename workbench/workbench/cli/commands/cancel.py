"""Cancel runs: their processes are asked to end, and killed after a grace period. What was recorded stays.

examples:
  workbench cancel brave_heron_x1
  workbench cancel brave calm_otter
"""

import argparse

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench cancel`."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="the run's name, or an unambiguous prefix of it")


def run(arguments: argparse.Namespace) -> int:
    """Ask for the cancellation of each run named; every name is resolved before the first is cancelled."""
    from workbench.cli.output import narrate
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    for found in [workspace.run(name) for name in arguments.runs]:
        found.cancel()
        narrate(f"{found.name}: cancel requested")
    return ExitCode.COMPLETED
