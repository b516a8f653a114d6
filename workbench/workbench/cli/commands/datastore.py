"""Give names to folders and storages that data is on, or list them.

A job file says `path: azureml://datastores/NAME/paths/PATH`. Credentials are never stored: the environment has them.

examples:
  workbench datastore add shelf /data/shelf
  workbench datastore add lake abfss://files@account.dfs.core.windows.net/team
  workbench datastore add --file datastore.yml
  workbench datastore ls
"""

import argparse
from pathlib import Path

from workbench.cli.exit_codes import ExitCode


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench datastore`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="give a name to a folder or URL")
    adding.add_argument("name", nargs="?", metavar="NAME", help="the name that job files use")
    adding.add_argument("place", nargs="?", metavar="PATH_OR_URL", help="a folder that is there, or a URL")
    adding.add_argument("--description", metavar="TEXT", help="what it is")
    adding.add_argument("--file", type=Path, metavar="datastore.yml", help="all of it from Azure ML's datastore file")
    listing = actions.add_parser("ls", help="list datastores")
    listing.add_argument("--json", action="store_true", help="name, place, kind and description as JSON")


def run(arguments: argparse.Namespace) -> int:
    """List or add."""
    return _list(arguments) if arguments.action == "ls" else _add(arguments)


def _list(arguments: argparse.Namespace) -> int:
    from msgspec.structs import asdict
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import Cell, emit_json, emit_table
    from workbench.data.datastores import list_datastores
    from workbench.view.format import safe_text

    stores = list_datastores(open_workspace(explicit=arguments.workspace))
    if arguments.json:
        emit_json([asdict(store) for store in stores])
        return ExitCode.COMPLETED
    rows = [[Cell(store.name, "bold"), Cell(safe_text(store.kind)), Cell(safe_text(store.place))] for store in stores]
    emit_table(["NAME", "KIND", "PLACE"], rows)
    return ExitCode.COMPLETED


def _add(arguments: argparse.Namespace) -> int:
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import narrate
    from workbench.data.datastores import add_datastore, get_datastore

    name, place, kind, description = _asked(arguments)
    layout = open_workspace(explicit=arguments.workspace, announce=narrate)
    before = add_datastore(layout, name, place, kind=kind, description=arguments.description or description)
    if before is not None:
        narrate(f"datastore {name} was {before.place}: replaced")
    narrate(f"datastore {name} is {get_datastore(layout, name).place}")
    return ExitCode.COMPLETED


def _asked(arguments: argparse.Namespace) -> tuple[str, str, str | None, str | None]:
    """Name, place, kind and description."""
    from workbench_store.errors import UsageError

    if arguments.file is None:
        if not arguments.name or not arguments.place:
            raise UsageError("what is it called, and where is it?", remedy="Give NAME and PATH_OR_URL.")
        return arguments.name, arguments.place, None, None
    if arguments.name or arguments.place:
        raise UsageError("a file says name and place itself", remedy="Give --file alone, or NAME and PATH_OR_URL.")
    from workbench.spec.data_files import datastore_url, load_datastore_file

    store = load_datastore_file(arguments.file)
    return store.name, datastore_url(store), store.type, store.description
