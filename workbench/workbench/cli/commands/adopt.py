"""Take over a run whose supervisor is gone: go on watching a job that lives, or finish one that has ended.

examples:
  workbench ls state:notresponding      # the runs that may need it
  workbench adopt brave_heron_x1
"""

import argparse

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench adopt`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")


def run(arguments: argparse.Namespace) -> int:
    """Start a new supervisor for the run."""
    from workbench.cli.output import narrate
    from workbench.workspace import Workspace

    found = Workspace(arguments.workspace, create=False).run(arguments.run)
    started = found.files.job_process.exists()
    found.adopt()
    if not started:
        narrate(
            f"{found.name}: its command was never started, so it ends as Failed; again: workbench rerun {found.name}"
        )
        return ExitCode.COMPLETED
    narrate(f"{found.name}: adopted; follow it with: workbench logs -f {found.name}")
    return ExitCode.COMPLETED
