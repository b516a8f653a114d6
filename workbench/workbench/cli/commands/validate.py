"""Check a job file without running anything: every error at once, each with file:line:column.

What is valid, and what this machine would refuse to run all the same, is a warning; a field that it does not use is
a note.

examples:
  workbench validate job.yml
  workbench validate job.yml --set inputs.lr=0.1 --json
"""

import argparse
from pathlib import Path

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench validate`."""
    parser.add_argument("file", type=Path, help="the job file (YAML)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="as in run")
    parser.add_argument("--json", action="store_true", help="the problems as JSON, for editors")


def run(arguments: argparse.Namespace) -> int:
    """Print the problems; 0 if there is no error among them."""
    from workbench_store.layout import WorkspaceLayout
    from workbench_store.words import counted
    from workbench_store.workspace import find_workspace, place_for_new

    from workbench.cli.output import emit, emit_json, narrate
    from workbench.lifecycle.foresight import refusals_here
    from workbench.spec import check_job, note_findings
    from workbench.spec.report import problems_to_json, render_problems

    found = find_workspace(explicit=arguments.workspace)
    # One that is not made yet has no runs and names either, which is what there is to say.
    layout = WorkspaceLayout(found or place_for_new(explicit=arguments.workspace))
    problems = check_job(arguments.file, arguments.overrides, [refusals_here(layout), note_findings])
    errors = [problem for problem in problems if problem.severity == "error"]
    if arguments.json:
        emit_json(problems_to_json(problems))
    elif problems:
        emit(render_problems(problems))
    if errors:
        narrate(f"{counted(len(errors), 'error')} in {arguments.file}")
        return ExitCode.BAD_SPEC
    narrate(f"{arguments.file} is valid")
    return ExitCode.COMPLETED
