"""Say what is wrong with this workspace or machine, and how to mend it.

examples:
  workbench doctor
  workbench doctor --fix        # mend what can be mended without a decision, then look again
  workbench doctor --rebuild    # make the store again from the runs' journals
  workbench doctor --tidy       # compress the journals of runs that are over, now
"""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench_store.layout import WorkspaceLayout


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench doctor`."""
    parser.add_argument("--fix", action="store_true", help="mend what can be mended without a decision or a loss")
    parser.add_argument("--rebuild", action="store_true", help="make the store again from the journals")
    parser.add_argument(
        "--losing", action="store_true", help="with --rebuild: give up what only the store has, not the journals"
    )
    parser.add_argument("--tidy", action="store_true", help="compress old journals and sort their points, now")
    parser.add_argument("--json", action="store_true", help="level, what and remedy of each finding as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Rebuild if asked, then examine; 9 if there are problems."""
    from workbench_store.workspace import open_workspace

    from workbench.cli.findings import report_findings
    from workbench.doctor import examine

    if arguments.fix:
        _renew_identity(arguments.workspace)
    layout = open_workspace(explicit=arguments.workspace, create=False)
    if arguments.rebuild:
        _rebuild(layout, losing=arguments.losing)
    if arguments.tidy:
        _tidy(layout)
    if arguments.fix:
        _fix(layout)
    return report_findings(examine(layout), as_json=arguments.json)


def _renew_identity(workspace: str | None) -> None:
    """What has to be mended before the workspace can be opened at all."""
    from workbench_store.workspace import renew_identity

    from workbench.cli.output import narrate

    written = renew_identity(explicit=workspace)
    if written is not None:
        narrate(f"mended: {written} was lost or damaged, and is written anew")


def _fix(layout: "WorkspaceLayout") -> None:
    """Mend each problem that says how, and tell of it; what cannot be mended is found again afterwards."""
    from workbench_store.errors import WorkbenchError

    from workbench.cli.output import narrate
    from workbench.doctor import examine

    for finding in list(examine(layout)):
        if finding.level != "problem" or finding.mend is None:
            continue
        try:
            finding.mend()
        except (WorkbenchError, OSError) as error:
            narrate(f"not mended: {finding.what}: {error}")
        else:
            narrate(f"mended: {finding.what}")


def _rebuild(layout: "WorkspaceLayout", *, losing: bool) -> None:
    from workbench_store.rebuild import rebuild

    from workbench.cli.output import narrate

    report = rebuild(layout, losing=losing)
    narrate(f"rebuilt {layout.store} from the journals: {report}")


def _tidy(layout: "WorkspaceLayout") -> None:
    from workbench_store.tidy import tidy
    from workbench_store.words import counted

    from workbench.cli.output import narrate

    done = tidy(layout)
    won = f"{done.saved_bytes / 1024**2:.1f} MiB of disk won"
    narrate(f"tidied {counted(done.runs, 'run')}: {won}, {counted(done.points, 'point')} put side by side")
    for name in done.doubtful:
        narrate(f"run {name} has not as many points in the store as it should: workbench doctor --rebuild")
