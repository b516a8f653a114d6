"""Run a run again, from its own snapshot, spec and environment, and follow it.

What is set is all that changes; relative paths in it begin at the current folder. An input azureml:NAME@latest is of
the version that the run had. An output that was registered under a version of its own is registered as the next
version. Values of variables that look like secrets are not recorded: they are taken from the environment that this
command is given.

examples:
  workbench rerun brave
  workbench rerun brave --set inputs.lr=0.01 --detach
  workbench rerun brave --set code=./src       # the same job with the code as it is now
"""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench_store.layout import WorkspaceLayout


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench rerun`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="as in `workbench run`"
    )
    parser.add_argument("--compute", metavar="NAME", help="run on this compute instead")
    parser.add_argument("--detach", action="store_true", help="print the new run's name and return; it goes on")


def run(arguments: argparse.Namespace) -> int:
    """Submit, then follow unless detached."""
    from workbench.cli.submitted import submit_and_follow

    return submit_and_follow(lambda before_shown: _submit(arguments, before_shown), detach=arguments.detach)


def _submit(arguments: argparse.Namespace, before_shown: "Callable[[], None]") -> "tuple[WorkspaceLayout, str]":
    from workbench.cli.output import narrate
    from workbench.lifecycle import rerun
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    before = workspace.run(arguments.run).name
    again = rerun(
        workspace.layout,
        before,
        arguments.overrides,
        compute=arguments.compute,
        narrate=narrate,
        before_shown=before_shown,
    )
    for text in again.warnings:
        narrate(f"warning: {text}")
    narrate(f"{again.name} repeats {before}")
    return workspace.layout, again.name
