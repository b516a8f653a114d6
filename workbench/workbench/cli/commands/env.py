"""The environments of local compute: what becomes of a job's, which are kept, and removing old ones.

They are kept in the user's cache folder and shared by all workspaces. One that a run uses is never removed.

examples:
  workbench env explain job.yml      # its key, where it is or how it would be made, what the nearest one has otherwise
  workbench env explain brave        # the same of a run's
  workbench env ls
  workbench env prune --unused-for 30d --preview
  workbench env prune --keep 5 --yes
"""

import argparse
from typing import TYPE_CHECKING

from workbench.cli.arguments import age, whole_number
from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.environment import EnvironmentDefinition

_UNUSED_SECONDS = 30 * 86400.0


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench env`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    explaining = actions.add_parser("explain", help="what becomes of the environment of a job, and why")
    explaining.add_argument("job", metavar="JOB|RUN", help="a job file, or the name of a run")
    explaining.add_argument("--strict-python", action="store_true", help="as in `workbench run`")
    listing = actions.add_parser("ls", help="list the environments that are kept")
    pruning = actions.add_parser("prune", help="remove environments that are not used any more; asks first")
    pruning.add_argument("--unused-for", type=age, metavar="AGE", help="no run took it for so long (default: 30d)")
    pruning.add_argument("--keep", type=whole_number, metavar="N", help="keep the N that were used last")
    asking = pruning.add_mutually_exclusive_group()
    asking.add_argument("--preview", action="store_true", help="only show what would be removed")
    asking.add_argument("--yes", action="store_true", help="remove without asking")
    for action in (explaining, listing, pruning):
        action.add_argument("--json", action="store_true", help="as JSON; fields are in docs/cli.md")


def run(arguments: argparse.Namespace) -> int:
    """Explain, list or prune."""
    actions = {"explain": _explain, "ls": _list, "prune": _prune}
    return actions[arguments.action](arguments)


def _explain(arguments: argparse.Namespace) -> int:
    from workbench.cli.env_report import explanation_as_dict, print_explanation, print_none
    from workbench.cli.output import emit_json
    from workbench.environment import explain

    definition = _definition(arguments)
    found = None if definition is None else explain(definition, strict_python=arguments.strict_python)
    if arguments.json:
        emit_json(None if found is None else explanation_as_dict(found))
    elif found is None:
        print_none(arguments.job)
    else:
        print_explanation(found)
    return ExitCode.COMPLETED


def _definition(arguments: argparse.Namespace) -> "EnvironmentDefinition | None":
    """That of the job file or the run; None for the submitting Python."""
    from pathlib import Path

    from workbench_store.errors import RunError

    from workbench.environment import define, definition_from_dict

    path = Path(arguments.job)
    if path.suffix in (".yml", ".yaml") or path.is_file():
        from workbench.spec import load_job

        job = load_job(path)
        return None if job.environment is None else define(job.environment, job.base_dir)
    from workbench.lifecycle.plan import read_plan
    from workbench.workspace import Workspace

    found = Workspace(arguments.workspace, create=False).run(arguments.job)
    if not found.files.spec.exists():
        raise RunError(
            f"run {found.name} was opened by a script and ran in that script's own Python: no environment was made",
            remedy="Name a job's run, or a job file.",
        )
    planned = read_plan(found.files).environment
    try:
        return None if planned is None else definition_from_dict(planned)
    except TypeError as error:
        raise RunError(f"{found.files.plan} is damaged: {error}", remedy="Restore it, or name a job file.") from error


def _list(arguments: argparse.Namespace) -> int:
    from workbench_store.workspace import find_workspace

    from workbench.cli.env_report import kept_as_dict, print_kept
    from workbench.cli.output import emit_json
    from workbench.environment import kept_environments
    from workbench.view.environments import runs_of
    from workbench.workspace import Workspace

    kept = kept_environments()
    runs: dict[str, list[str]] = {}
    if find_workspace(explicit=arguments.workspace) is not None:
        from workbench.cli.waiting import up_to_date

        workspace = Workspace(arguments.workspace, create=False)
        up_to_date(workspace.layout, workspace.store)
        runs = runs_of(workspace.store, kept)
    if arguments.json:
        emit_json([kept_as_dict(one, runs.get(str(one.place), [])) for one in kept])
    else:
        print_kept(kept, runs)
    return ExitCode.COMPLETED


def _prune(arguments: argparse.Namespace) -> int:
    import time

    from workbench.cli.asking import agreed
    from workbench.cli.env_report import print_removals, removal_as_dict
    from workbench.cli.output import emit_json, narrate
    from workbench.environment import kept_environments, removable
    from workbench.environment.shelf import remove, sweep
    from workbench.uninstall import refuse_if_not_ours

    unused = arguments.unused_for
    if unused is None and arguments.keep is None:
        unused = _UNUSED_SECONDS
    chosen = removable(kept_environments(), time.time(), unused_seconds=unused, keep=arguments.keep)
    if not arguments.json:
        print_removals(chosen)
    if chosen and not arguments.preview:
        refuse_if_not_ours(["environments"])
    agree = bool(chosen) and agreed(arguments, "Remove them?")
    removed = [agree and remove(one.environment.place) for one in chosen]
    if agree:
        sweep()
    if arguments.json:
        emit_json([removal_as_dict(one, done) for one, done in zip(chosen, removed, strict=True)])
    for one, done in zip(chosen, removed, strict=True):
        if agree and not done:
            narrate(f"{one.environment.place} is in use by now: kept")
    if agree:
        narrate(f"{sum(removed)} removed")
    return ExitCode.COMPLETED
