"""Print a run's log: what its job wrote to stdout and stderr.

examples:
  workbench logs brave_heron_x1
  workbench logs -f brave           # follow it until the run ends
  workbench logs brave --supervisor # what Workbench itself did
"""

import argparse
import sys

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench logs`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument("-f", "--follow", action="store_true", help="go on printing until the run ends")
    parser.add_argument("-n", "--tail", type=int, metavar="LINES", help="only the last LINES lines")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--environment", action="store_true", help="the log of the environment's build")
    kind.add_argument("--supervisor", action="store_true", help="the supervisor's own log")


def run(arguments: argparse.Namespace) -> int:
    """Print the log asked for."""
    from workbench.workspace import Workspace

    found = Workspace(arguments.workspace, create=False).run(arguments.run)
    if arguments.environment or arguments.supervisor:
        path = found.files.environment_log if arguments.environment else found.files.supervisor_log
        _write(_last_lines(path.read_text(errors="replace") if path.exists() else "", arguments.tail))
    elif arguments.follow:
        for piece in found.follow_logs():
            _write(piece)
    else:
        _write(_last_lines(found.logs(), arguments.tail))
    return ExitCode.COMPLETED


def _last_lines(text: str, count: int | None) -> str:
    return text if count is None else "".join(text.splitlines(keepends=True)[-count:] if count > 0 else [])


def _write(text: str) -> None:
    """Text to stdout, harmless on a terminal."""
    from workbench.lifecycle.logs import plain_text

    sys.stdout.write(plain_text(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
