"""End a run whose supervisor is gone, without looking for its job any more.

examples:
  workbench close brave_heron_x1 --as failed
  workbench close brave_heron_x1 --as canceled
"""

import argparse

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench close`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument("--as", choices=("failed", "canceled"), required=True, dest="state", help="the final state")


def run(arguments: argparse.Namespace) -> int:
    """Record the final state."""
    from workbench_store.states import RunState

    from workbench.cli.output import narrate
    from workbench.workspace import Workspace

    found = Workspace(arguments.workspace, create=False).run(arguments.run)
    found.close(RunState(arguments.state.capitalize()))
    narrate(f"{found.name}: closed as {arguments.state}")
    if found.unsaved:
        narrate(f"its outputs are not saved yet: workbench outputs --collect {found.name}")
    return ExitCode.COMPLETED
