"""Set tags of runs, or take them away.

examples:
  workbench tag brave team=vision best        # a tag without a value is a mark
  workbench tag brave --remove best
  workbench tag brave calm-fox team=vision    # several runs; those after the first by their whole names
  workbench tag --all 'exp:digits accuracy>0.9' good
"""

import argparse
import re
from typing import TYPE_CHECKING

from workbench.cli.dashed import FILTER
from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.workspace import Run, Workspace


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench tag`."""
    parser.add_argument("run", nargs="?", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument("tags", nargs="*", metavar="TAG[=VALUE]", help="tags to set (before them: more runs)")
    parser.add_argument("--remove", action="append", default=[], metavar="TAG", help="a tag to take away")
    parser.add_argument("--all", metavar=FILTER, help="every run that passes the filter, in place of RUN")


def run(arguments: argparse.Namespace) -> int:
    """Tag."""
    from workbench_store.errors import UsageError

    from workbench.cli.bulk import runs_named, runs_of_all
    from workbench.cli.output import narrate
    from workbench.lifecycle import edit_tags
    from workbench.view.format import safe_text
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    words = [] if arguments.run is None else [arguments.run, *arguments.tags]
    if arguments.all is None:
        if not words:
            raise UsageError("no run is named", remedy="workbench tag RUN TAG=VALUE ...")
        first, *texts = words
        others = [text for text in texts if _is_run(workspace, text)]
        texts = [text for text in texts if text not in others]
        runs = runs_named(workspace, [first, *others])
    else:
        texts = words
        _refuse_runs(workspace, texts)
        runs = runs_of_all(workspace, arguments.all)
    if not texts and not arguments.remove:
        raise UsageError("no tag is named", remedy="workbench tag RUN TAG=VALUE ..., or --remove TAG")
    tags = {name: value for name, _, value in (text.partition("=") for text in texts)}
    had = {found.name: set(found.tags) for found in runs} if arguments.remove else {}
    edit_tags(workspace.layout, [found.name for found in runs], tags, arguments.remove)
    if tags:
        narrate(f"{_called(list(runs))} tagged")
    for name in arguments.remove:
        there = [found for found in runs if name in had[found.name]]
        said = f"taken from {_called(there)}" if there else f"is no tag of {_called(list(runs))}"
        narrate(f"{safe_text(name)} {said}")
    return ExitCode.COMPLETED


def _is_run(workspace: "Workspace", word: str) -> bool:
    from workbench.spec.job import RUN_NAME

    return "=" not in word and bool(re.fullmatch(RUN_NAME, word)) and workspace.layout.run(word).root.is_dir()


def _refuse_runs(workspace: "Workspace", words: list[str]) -> None:
    """Raises UsageError where a word that stands for a tag is the name of a run."""
    from workbench_store.errors import UsageError

    for word in words:
        if _is_run(workspace, word):
            remedy = f"Leave out one of them; as a tag write {word}=."
            raise UsageError(f"{word} is a run, and --all names the runs", remedy=remedy)


def _called(runs: "list[Run]") -> str:
    return runs[0].name if len(runs) == 1 else f"{len(runs)} runs"
