"""Compare all that is kept with what was recorded: every blob and snapshot with its hash, every table of the store with
the journals, every file that a run saved in its folder with its hash. Nothing is changed.

examples:
  workbench verify
  workbench verify --workspace /mnt/backup     # a copy that `workbench backup` made
  workbench verify --json
"""

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench_store.layout import WorkspaceLayout
    from workbench_store.verify import Fault


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench verify`."""
    parser.add_argument("--json", action="store_true", help="what was looked at and the faults as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Look at everything; 9 if something is not as it was, also where the reader of a pipe has left (`| head`)."""
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import drop_stdout

    faults: list[Fault] = []
    layout = open_workspace(explicit=arguments.workspace, create=False)
    try:
        _report_as_json(layout, faults) if arguments.json else _report(layout, faults)
    except BrokenPipeError:
        drop_stdout()
    return ExitCode.PROBLEMS if faults else ExitCode.COMPLETED


def _report(layout: "WorkspaceLayout", faults: "list[Fault]") -> None:
    from workbench_store.words import counted, listed

    from workbench.cli.output import emit, narrate
    from workbench.view.format import safe_text

    def tell(fault: "Fault") -> None:
        emit(f"FAULT {safe_text(fault.what)}")
        emit(f"      {fault.remedy}")

    looked, growing = _look(layout, faults, tell)
    parts = ", ".join(counted(looked[kind], kind) for kind in ("blob", "snapshot", "table", "file"))
    rest = "all else" if growing else "all"
    if growing:
        names = safe_text(listed(growing, 10))
        narrate(f"not compared with the journals, as it is written to all the time: {names}")
    narrate(f"looked at {parts}: {counted(len(faults), 'fault') if faults else f'{rest} is as it was recorded'}")


def _report_as_json(layout: "WorkspaceLayout", faults: "list[Fault]") -> None:
    from msgspec.structs import asdict

    from workbench.cli.output import emit_json

    looked, growing = _look(layout, faults, lambda _: None)
    emit_json({"looked_at": dict(looked), "left_out": growing, "faults": [asdict(fault) for fault in faults]})


def _look(
    layout: "WorkspaceLayout", faults: "list[Fault]", tell: "Callable[[Fault], None]"
) -> "tuple[Counter[str], list[str]]":
    """How many of each kind were looked at, and the runs that are written to all the time; faults are told as they are
    found."""
    from workbench_store.verify import Fault

    from workbench.cli.waiting import told_if_long
    from workbench.housekeeping.proof import prove

    looked: Counter[str] = Counter()
    growing: list[str] = []
    with told_if_long("comparing all that is kept with what was recorded ..."):
        for found in prove(layout):
            if isinstance(found, Fault):
                faults.append(found)
                tell(found)
                continue
            kind, name = found.split(" ", 1)
            if kind == "growing":
                growing.append(name)
            else:
                looked[kind] += 1
    return looked, growing
