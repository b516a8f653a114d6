"""Move runs that are over to the trash: they leave every list, and their names stay taken.

`workbench restore` brings them back, whole. `workbench gc` removes for good what is in the trash. Archived runs are
left alone unless they are named, or asked for: `--all archived:yes`, or a condition that speaks of `archived`.

examples:
  workbench rm brave calm
  workbench rm --where "state = 'Failed' and created < now() - INTERVAL 30 DAY"
  workbench rm --all 'exp=scratch created>7d' --preview
  workbench rm --all '-tag:keep state:failed'
"""

import argparse
from typing import TYPE_CHECKING

from workbench.cli.dashed import FILTER
from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.workspace import Workspace


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench rm`."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument("--all", metavar=FILTER, help="every run that passes the filter, after a yes")
    parser.add_argument("--where", metavar="SQL", help="every run for which this condition holds, after a yes")
    asking = parser.add_mutually_exclusive_group()
    asking.add_argument("--preview", action="store_true", help="only list what would go")
    asking.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    """List, ask where no run is named, and move."""
    from workbench_store.errors import UsageError
    from workbench_store.words import counted

    from workbench.cli.asking import agreed
    from workbench.cli.output import emit, narrate
    from workbench.lifecycle import remove_runs
    from workbench.workspace import Workspace

    if not arguments.runs and arguments.all is None and arguments.where is None:
        raise UsageError("no run is named", remedy="workbench rm RUN ..., or --all FILTER, or --where SQL")
    workspace = Workspace(arguments.workspace, create=False)
    chosen = _chosen(workspace, arguments)
    by_condition = arguments.all is not None or arguments.where is not None
    if by_condition or arguments.preview:
        for name in chosen:
            emit(name)
        narrate(f"{counted(len(chosen), 'run')} would go to the trash")
    if arguments.preview or not chosen or (by_condition and not agreed(arguments, "Move them to the trash?")):
        return ExitCode.COMPLETED
    blocked = remove_runs(workspace.layout, chosen)
    what = chosen[0] if len(chosen) == 1 else counted(len(chosen), "run")
    narrate(f"{what} moved to the trash; workbench restore brings back, workbench gc removes for good")
    if blocked is not None:
        narrate(f"until the store can be written, lists show what they showed: {blocked}")
    return ExitCode.COMPLETED


def _chosen(workspace: "Workspace", arguments: argparse.Namespace) -> list[str]:
    """Those that are named, and those of the filter for which the condition holds."""
    from workbench.cli.bulk import condition_of_where, runs_of_all
    from workbench.cli.waiting import up_to_date

    if arguments.runs:
        up_to_date(workspace.layout, workspace.store)
    found = [_named(workspace, name) for name in arguments.runs]
    where = condition_of_where(arguments.where)
    if arguments.all is not None:
        found += [one.name for one in runs_of_all(workspace, arguments.all, where)]
    elif where:
        found += [one.name for one in workspace.runs(where)]
    return list(dict.fromkeys(found))


def _named(workspace: "Workspace", name: str) -> str:
    """The run's name. On a full disk, that of one which the store had no room to take in: removing it makes room."""
    from workbench_store.absence import is_on_disk
    from workbench_store.errors import NotFound

    try:
        return workspace.store.resolve(name)
    except NotFound:
        if not is_on_disk(workspace.layout, name):
            raise
        return name
