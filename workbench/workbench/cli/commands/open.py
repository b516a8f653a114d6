"""Open a run's folder in the file manager; where there is none, or in a pipe, print its path.

examples:
  workbench open brave
  cd "$(workbench open brave)"
"""

import argparse
import sys

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench open`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")


def run(arguments: argparse.Namespace) -> int:
    """Open or print."""
    from workbench.cli.output import emit
    from workbench.view.folders import open_folder
    from workbench.workspace import Workspace

    folder = Workspace(arguments.workspace, create=False).run(arguments.run).files.root
    if sys.stdout.isatty():
        open_folder(folder)
    emit(str(folder))
    return ExitCode.COMPLETED
