"""Compare all that is kept with what was recorded: every blob and snapshot with its hash, every table of the store with
the journals, every file that a run saved with its hash. Nothing is changed.

examples:
  workbench verify
  workbench verify --workspace /mnt/backup     # a copy that `workbench backup` made
  workbench verify --json
"""

import argparse
from collections import Counter

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench verify`."""
    parser.add_argument("--json", action="store_true", help="what was looked at and the faults as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Look at everything; 9 if something is not as it was."""
    from msgspec.structs import asdict
    from workbench_store.verify import Fault
    from workbench_store.words import counted, listed
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import emit, emit_json, narrate
    from workbench.cli.waiting import told_if_long
    from workbench.housekeeping.proof import prove
    from workbench.view.format import safe_text

    layout = open_workspace(explicit=arguments.workspace, create=False)
    looked: Counter[str] = Counter()
    faults = []
    growing: list[str] = []
    with told_if_long("comparing all that is kept with what was recorded ..."):
        for found in prove(layout):
            if isinstance(found, Fault):
                faults.append(found)
                if not arguments.json:
                    emit(f"FAULT {safe_text(found.what)}")
                    emit(f"      {found.remedy}")
            else:
                kind, name = found.split(" ", 1)
                if kind == "growing":
                    growing.append(name)
                else:
                    looked[kind] += 1
    if arguments.json:
        emit_json({"looked_at": dict(looked), "left_out": growing, "faults": [asdict(fault) for fault in faults]})
    else:
        parts = ", ".join(counted(looked[kind], kind) for kind in ("blob", "snapshot", "table", "file"))
        rest = "all else" if growing else "all"
        if growing:
            names = safe_text(listed(growing, 10))
            narrate(f"not compared with the journals, as it is written to all the time: {names}")
        narrate(f"looked at {parts}: {counted(len(faults), 'fault') if faults else f'{rest} is as it was recorded'}")
    return ExitCode.PROBLEMS if faults else ExitCode.COMPLETED
