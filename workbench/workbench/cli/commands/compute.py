"""List the computes of this workspace, give a name to one, or test one.

A job file that says `compute: azureml:cpu-cluster` runs here once that name exists.

examples:
  workbench compute add cpu-cluster --kind local
  workbench compute ls
  workbench compute test local        # each thing that a job needs, and a tiny job that really runs
"""

import argparse

from workbench.cli.arguments import seconds
from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench compute`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("ls", help="list computes")
    listing.add_argument("--json", action="store_true", help="name, kind and settings as JSON")
    adding = actions.add_parser("add", help="give a name to a compute")
    adding.add_argument("name", help="the name that job files use (without azureml:)")
    adding.add_argument("--kind", default="local", help="what it is (default: local)")
    adding.add_argument("--slots", type=int, help="how many runs at once (default: one for each CPU)")
    testing = actions.add_parser("test", help="look at all that a job needs there, and run a tiny one")
    testing.add_argument("name", metavar="COMPUTE", help="the compute's name")
    testing.add_argument(
        "--timeout", type=seconds, default=60.0, metavar="SECONDS", help="how long the tiny job may take (default: 60)"
    )
    testing.add_argument("--json", action="store_true", help="level, what and remedy of each finding as JSON")


def run(arguments: argparse.Namespace) -> int:
    """List, add or test."""
    actions = {"ls": _list, "add": _add, "test": _test}
    return actions[arguments.action](arguments)


def _list(arguments: argparse.Namespace) -> int:
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import Cell, emit_json, emit_table
    from workbench.compute import list_computes

    computes = list_computes(open_workspace(explicit=arguments.workspace))
    if arguments.json:
        emit_json([{"name": entry.name, "kind": entry.kind, "settings": dict(entry.settings)} for entry in computes])
        return ExitCode.COMPLETED
    rows = [
        [Cell(entry.name, "bold"), Cell(entry.kind), Cell(" ".join(f"{k}={v}" for k, v in entry.settings.items()))]
        for entry in computes
    ]
    emit_table(["NAME", "KIND", "SETTINGS"], rows)
    return ExitCode.COMPLETED


def _add(arguments: argparse.Namespace) -> int:
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import narrate
    from workbench.compute import add_compute, list_computes

    layout = open_workspace(explicit=arguments.workspace, announce=narrate)
    before = {entry.name: entry for entry in list_computes(layout)}.get(arguments.name)
    settings = {} if arguments.slots is None else {"slots": arguments.slots}
    add_compute(layout, arguments.name, arguments.kind, settings)
    if before is not None:
        had = " ".join(f"{key}={value}" for key, value in before.settings.items()) or "no settings"
        narrate(f"compute {arguments.name} was there already ({before.kind}, {had}): replaced")
    narrate(f"compute {arguments.name} ({arguments.kind}) added to {layout.root}")
    return ExitCode.COMPLETED


def _test(arguments: argparse.Namespace) -> int:
    from workbench_store.workspace import find_workspace, open_workspace

    from workbench.cli.findings import report_findings
    from workbench.compute import ComputeEntry, get_compute
    from workbench.compute.registry import compute_name
    from workbench.doctor.compute import examine_compute

    there = find_workspace(explicit=arguments.workspace) is not None
    needed = there or compute_name(arguments.name) != "local"
    layout = open_workspace(explicit=arguments.workspace, create=False) if needed else None
    entry = ComputeEntry("local", "local") if layout is None else get_compute(layout, arguments.name).entry
    return report_findings(examine_compute(layout, entry, arguments.timeout), as_json=arguments.json)
