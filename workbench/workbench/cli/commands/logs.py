"""Print a run's log: what its job wrote to stdout and stderr.

A run that is followed until it does not respond ends this with exit code 8, while its job may go on.

examples:
  workbench logs brave_heron_x1
  workbench logs -f brave           # follow it until the run ends or does not respond
  workbench logs brave --rank 1      # what another of its processes wrote
  workbench logs -f brave --all-ranks
  workbench logs brave --supervisor # what Workbench itself did
"""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.run import Run


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench logs`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument("-f", "--follow", action="store_true", help="go on printing until the run ends")
    parser.add_argument("-n", "--tail", type=int, metavar="LINES", help="only the last LINES lines so far")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--rank", type=int, metavar="N", help="the log of that rank (0 is what is shown without)")
    kind.add_argument("--all-ranks", action="store_true", help="all logs, each line behind its rank")
    kind.add_argument("--environment", action="store_true", help="the log of the environment's build")
    kind.add_argument("--supervisor", action="store_true", help="the supervisor's own log")


def run(arguments: argparse.Namespace) -> int:
    """Print the log asked for."""
    from workbench.cli.output import emit_log
    from workbench.workspace import Workspace

    found = Workspace(arguments.workspace, create=False).run(arguments.run)
    if arguments.follow and not (arguments.environment or arguments.supervisor):
        for piece in _growing(found, arguments):
            emit_log(piece)
        return _left(found)
    for piece in _whole(found, arguments):
        emit_log(piece)
    return ExitCode.COMPLETED


def _left(found: "Run") -> int:
    """Say so where the run is not over although following it is; the exit code."""
    from workbench_store.states import RunState

    from workbench.cli.following import tell_not_responding
    from workbench.lifecycle.judge import current_state

    if current_state(found.files) is not RunState.NOT_RESPONDING:
        return ExitCode.COMPLETED
    tell_not_responding(found.files)
    return ExitCode.NOT_RESPONDING


def _growing(found: "Run", arguments: argparse.Namespace) -> Iterator[str]:
    from workbench.lifecycle.logs import follow_all_logs, follow_log

    if arguments.all_ranks:
        return follow_all_logs(found.files, _tail(arguments))
    return follow_log(found.files, found.logged(arguments.rank or 0), _tail(arguments))


def _tail(arguments: argparse.Namespace) -> int | None:
    return None if arguments.tail is None else max(0, arguments.tail)


def _whole(found: "Run", arguments: argparse.Namespace) -> Iterator[str]:
    """The log so far, in pieces of many lines: it may be larger than anybody wants in memory."""
    from workbench.lifecycle.logs import last_lines, log_pieces

    tail = _tail(arguments)
    if arguments.environment or arguments.supervisor:
        path = found.files.environment_log if arguments.environment else found.files.supervisor_log
        text = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
        yield _last_lines(text, tail)
    elif arguments.all_ranks:
        pieces = (piece for rank in found.ranks for piece in _of_rank(found, rank))
        yield from pieces if tail is None else [_last_lines("".join(pieces), tail)]
    elif tail is None:
        yield from log_pieces(found.files, found.logged(arguments.rank or 0))
    else:
        yield last_lines(found.files, found.logged(arguments.rank or 0), tail)


def _of_rank(found: "Run", rank: int) -> Iterator[str]:
    from workbench.lifecycle.logs import log_pieces

    piece = ""
    for piece in log_pieces(found.files, rank, before=f"[{rank}] "):
        yield piece
    if piece and not piece.endswith("\n"):
        yield "\n"  # the next rank's begins there


def _last_lines(text: str, count: int | None) -> str:
    """Lines as a terminal has them: `splitlines` breaks at characters that end none there."""
    if count is None:
        return text
    lines = text.split("\n")
    ended = not lines[-1]
    return "\n".join((lines[:-1] if ended else lines)[-count:] if count else []) + ("\n" if ended and count else "")
