"""Submit an Azure ML v2 command job file, follow it live, and end with its state.

The job's own output goes to stdout, everything else to stderr. Ctrl-C asks whether to detach from the run or to
cancel it; a second Ctrl-C cancels. With no terminal, Ctrl-C and SIGTERM cancel; a hang-up detaches.

examples:
  workbench run job.yml
  workbench run job.yml --set inputs.lr=0.05 --set experiment_name=wide
  workbench run job.yml --compute local --detach
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench_store.layout import WorkspaceLayout


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench run`."""
    parser.add_argument("file", type=Path, help="the job file (YAML)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="set a field of the job, dotted: inputs.lr=0.1 (any number of times)",
    )
    parser.add_argument("--compute", metavar="NAME", help="run on this compute instead of the file's")
    parser.add_argument("--detach", action="store_true", help="print the run's name and return; the run goes on")
    parser.add_argument(
        "--strict-python", action="store_true", help="refuse another Python than the environment asks for"
    )
    parser.add_argument("--allow-downloads", action="store_true", help="let a missing Python be downloaded")
    parser.add_argument("--follow-links", action="store_true", help="let links lead out of the code folder")


def run(arguments: argparse.Namespace) -> int:
    """Submit, then follow unless detached."""
    from workbench.cli.submitted import submit_and_follow

    return submit_and_follow(lambda before_shown: _submit(arguments, before_shown), detach=arguments.detach)


def _submit(arguments: argparse.Namespace, before_shown: "Callable[[], None]") -> "tuple[WorkspaceLayout, str]":
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import narrate
    from workbench.lean_imports import load_yaml

    load_yaml()
    from workbench.lifecycle import submit
    from workbench.spec import load_job

    job = load_job(arguments.file, overrides=arguments.overrides)
    layout = open_workspace(explicit=arguments.workspace, announce=narrate)
    name = submit(
        layout,
        job,
        narrate=narrate,
        before_shown=before_shown,
        compute=arguments.compute,
        strict_python=arguments.strict_python,
        allow_downloads=arguments.allow_downloads,
        follow_links=arguments.follow_links,
    )
    return layout, name
