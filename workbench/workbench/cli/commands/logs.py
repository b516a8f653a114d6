"""Print a run's log: what its job wrote to stdout and stderr.

examples:
  workbench logs brave_heron_x1
  workbench logs -f brave           # follow it until the run ends
  workbench logs brave --rank 1      # what another of its processes wrote
  workbench logs -f brave --all-ranks
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
    kind.add_argument("--rank", type=int, metavar="N", help="the log of that rank (0 is what is shown without)")
    kind.add_argument("--all-ranks", action="store_true", help="all logs, each line behind its rank")
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
        pieces = found.follow_all_logs() if arguments.all_ranks else found.follow_logs(arguments.rank or 0)
        for piece in pieces:
            _write(piece)
    elif arguments.all_ranks:
        text = "".join(f"[{rank}] {line}\n" for rank in found.ranks for line in found.logs(rank).splitlines())
        _write(_last_lines(text, arguments.tail))
    else:
        _write(_last_lines(found.logs(arguments.rank or 0), arguments.tail))
    return ExitCode.COMPLETED


def _last_lines(text: str, count: int | None) -> str:
    return text if count is None else "".join(text.splitlines(keepends=True)[-count:] if count > 0 else [])


def _write(text: str) -> None:
    """Text to stdout, harmless on a terminal."""
    from workbench.lifecycle.logs import plain_text

    sys.stdout.write(plain_text(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
