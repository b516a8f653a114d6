"""List the trash, or bring runs back from it, whole: their points, files, tags and notes.

examples:
  workbench restore                  # what is in the trash
  workbench restore brave_otter_ab12cd
  workbench restore --all
"""

import argparse
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench_store.layout import WorkspaceLayout
    from workbench_store.trash import Removed


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench restore`."""
    parser.add_argument("names", nargs="*", metavar="RUN", help="a run in the trash, or an unambiguous prefix of it")
    parser.add_argument("--all", action="store_true", help="all that is in the trash")
    parser.add_argument("--json", action="store_true", help="the trash as JSON; fields are in docs/cli.md")


def run(arguments: argparse.Namespace) -> int:
    """List, or bring back."""
    from msgspec.structs import asdict
    from workbench_store.errors import UsageError
    from workbench_store.trash import in_trash, take_from_trash
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import emit_json, narrate
    from workbench.view.format import iso_time

    if arguments.all and arguments.names:
        raise UsageError("runs are named, and --all of them asked for", remedy="Name them, or say --all.")
    layout = open_workspace(explicit=arguments.workspace, create=False)
    there = in_trash(layout)
    every = [one.name for one in there]
    names = list(dict.fromkeys(every if arguments.all else (_resolve(layout, name, every) for name in arguments.names)))
    if not names:
        if arguments.json:
            emit_json([{**asdict(one), "removed": iso_time(one.removed)} for one in there])
        else:
            _print(there)
        return ExitCode.COMPLETED
    take_from_trash(layout, *names, tell=lambda name: narrate(f"{name} is back"))
    return ExitCode.COMPLETED


def _resolve(layout: "WorkspaceLayout", prefix: str, names: list[str]) -> str:
    from workbench_store.absence import is_on_disk
    from workbench_store.errors import NotFound
    from workbench_store.prefixes import the_one

    if prefix not in names and is_on_disk(layout, prefix):
        raise NotFound(f"run {prefix} is not in the trash", remedy="`workbench restore` lists what is there.")
    found = the_one(prefix, [name for name in names if prefix and name.startswith(prefix)], " in the trash")
    if found is not None:
        return found
    raise NotFound(f"there is no run {prefix!r} in the trash", remedy="`workbench restore` lists what is there.")


def _print(there: "list[Removed]") -> None:
    import time

    from workbench.cli.output import Cell, emit_table, narrate
    from workbench.view.format import format_age, format_bytes, safe_text

    def cells(one: "Removed") -> list[Cell]:
        age, size = format_age(one.removed, time.time()), format_bytes(one.size)
        return [
            Cell(one.name, "bold"),
            Cell(one.state),
            Cell(safe_text(one.experiment)),
            Cell(age, "dim", right=True),
            Cell(size, right=True),
        ]

    if there:
        emit_table(["RUN", "STATE", "EXPERIMENT", "REMOVED", "SIZE"], (cells(one) for one in there))
    else:
        narrate("the trash is empty")
