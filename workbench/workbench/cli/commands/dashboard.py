"""Open the dashboard: a live table of runs, and a page for each.

Without a terminal (piped, or TERM=dumb) the runs are listed instead.

examples:
  workbench                                  # the same as `workbench dashboard`
  workbench dashboard --workspace ../other
"""

import argparse
import os
import sys

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """`workbench dashboard` takes no arguments of its own."""


def run(arguments: argparse.Namespace) -> int:
    """Open the dashboard, or list the runs where there is no terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        from workbench.cli.commands import ls

        return ls.run(argparse.Namespace(workspace=arguments.workspace, **ls.DEFAULTS))
    if not sys.stderr.isatty():
        os.dup2(sys.stdout.fileno(), sys.stderr.fileno())  # Textual draws on stderr, which went to a file
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import narrate
    from workbench.tui.app import run_dashboard

    left = run_dashboard(open_workspace(explicit=arguments.workspace, announce=narrate))
    return ExitCode.COMPLETED if left else ExitCode.INTERNAL
