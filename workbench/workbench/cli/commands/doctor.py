"""Say what is wrong with this workspace or machine, and how to mend it.

examples:
  workbench doctor
  workbench doctor --rebuild    # make the store again from the runs' journals
  workbench doctor --tidy       # compress the journals of runs that are over, now
"""

import argparse
import sys
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench_store.layout import WorkspaceLayout

    from workbench.doctor import Finding

_MARKS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "problem": ("PROBLEM", "bold red")}


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench doctor`."""
    parser.add_argument("--rebuild", action="store_true", help="make the store again from the journals")
    parser.add_argument("--tidy", action="store_true", help="compress old journals and sort their points, now")
    parser.add_argument("--json", action="store_true", help="level, what and remedy of each finding as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Rebuild if asked, then examine; 9 if there are problems."""
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import emit_json
    from workbench.doctor import examine

    layout = open_workspace(explicit=arguments.workspace, create=False)
    if arguments.rebuild:
        _rebuild(layout)
    if arguments.tidy:
        _tidy(layout)
    findings = list(examine(layout))
    if arguments.json:
        emit_json([{"level": f.level, "what": f.what, "remedy": f.remedy} for f in findings])
    else:
        for finding in findings:
            _print(finding)
    return ExitCode.PROBLEMS if any(f.level == "problem" for f in findings) else ExitCode.COMPLETED


def _rebuild(layout: "WorkspaceLayout") -> None:
    from workbench_store.rebuild import rebuild

    from workbench.cli.output import narrate

    report = rebuild(layout)
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


def _print(finding: "Finding") -> None:
    from workbench.cli.output import emit, styled
    from workbench.view.format import safe_text

    mark, style = _MARKS[finding.level]
    emit(f"{styled(f'{mark:8}', style, sys.stdout)}{safe_text(finding.what)}")
    if finding.remedy:
        emit(f"        {safe_text(finding.remedy)}")
