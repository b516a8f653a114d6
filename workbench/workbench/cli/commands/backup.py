"""Copy the workspace into DIR/.workbench, whole and consistent, while runs go on; again: only what is new.

The copy is a workspace: `workbench --workspace DIR ls` reads it, `workbench verify --workspace DIR` proves it, and
copied back it takes the place of the one that was lost. Nothing is removed from the copy: runs that are gone here stay
in it, and so do files of runs, such as those of a model that was replaced by one of fewer files.

examples:
  workbench backup /mnt/disk/digits
  workbench verify --workspace /mnt/disk/digits
"""

import argparse
from pathlib import Path

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench backup`."""
    parser.add_argument("target", metavar="DIR", help="where the copy goes; made if it is not there")
    parser.add_argument("--json", action="store_true", help="what was copied as JSON; fields are in docs/cli.md")


def run(arguments: argparse.Namespace) -> int:
    """Copy."""
    from workbench_store.backup import back_up
    from workbench_store.words import counted
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import emit_json, narrate
    from workbench.cli.waiting import told_if_long
    from workbench.view.format import format_bytes, safe_text

    layout = open_workspace(explicit=arguments.workspace, create=False)
    with told_if_long("copying what is new ..."):
        done = back_up(layout, Path(arguments.target))
    if arguments.json:
        emit_json({"path": str(done.target), "files": done.files, "copied": done.copied, "bytes": done.bytes})
    place = safe_text(str(done.target))
    narrate(f"{place}: {counted(done.files, 'file')}, {done.copied} of them new ({format_bytes(done.bytes)})")
    narrate(f"to prove it: workbench verify --workspace {safe_text(str(arguments.target))}")
    return ExitCode.COMPLETED
