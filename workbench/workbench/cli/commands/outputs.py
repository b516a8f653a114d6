"""List the files a run saved, copy them out, or finish saving them.

What is copied is compared with what the run saved: a file that has changed or gone since is named.

examples:
  workbench outputs brave_heron_x1
  workbench outputs brave --download ./results
  workbench outputs brave --collect       # after a collection that failed or was cut short
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench_store.records import ArtifactRecord

    from workbench.run import Run


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench outputs`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--download", type=Path, metavar="DIR", help="copy outputs into DIR; nothing is overwritten")
    action.add_argument("--collect", action="store_true", help="finish saving the outputs")
    action.add_argument("--json", action="store_true", help="path, kind, size (bytes) and hash of each file as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; without a flag, list."""
    from workbench.cli.output import emit, narrate, narrate_warning
    from workbench.cli.signals import ended_as_by_ctrl_c
    from workbench.workspace import Workspace

    found = Workspace(arguments.workspace, create=False).run(arguments.run)
    if arguments.collect:
        found.collect()
        narrate(f"{found.name}: outputs collected")
    elif arguments.download is not None:
        with ended_as_by_ctrl_c():
            folder = found.download(arguments.download, narrate_warning)
        if all(one.kind == "log" for one in found.artifacts):
            narrate(f"{found.name} has no outputs")
        if folder.exists():
            emit(str(folder))
    elif arguments.json:
        _as_json(found.artifacts)
    else:
        _as_table(found.artifacts)
        _places(found)
    if found.unsaved:
        narrate(f"warning: not all outputs are saved yet: workbench outputs --collect {found.name}")
    return ExitCode.COMPLETED


def _as_json(artifacts: "list[ArtifactRecord]") -> None:
    from workbench.cli.output import emit_json

    emit_json([{"path": a.path, "kind": a.kind, "size": a.size, "hash": a.hash} for a in artifacts])


def _as_table(artifacts: "list[ArtifactRecord]") -> None:
    from workbench.cli.output import Cell, emit_table
    from workbench.view.format import format_bytes, safe_text

    rows = [[Cell(format_bytes(a.size), "dim", right=True), Cell(a.kind), Cell(safe_text(a.path))] for a in artifacts]
    emit_table(["SIZE", "KIND", "PATH"], rows)


def _places(found: "Run") -> None:
    """Where the files are: in the run's folder, but for outputs that the job put elsewhere."""
    from workbench.cli.output import narrate
    from workbench.view.format import safe_text

    root = found.files.root
    narrate(f"in {root}")
    for name, place in found.outputs.items():
        if root not in place.parents:
            narrate(f"named-outputs/{name} is {safe_text(str(place))}")
