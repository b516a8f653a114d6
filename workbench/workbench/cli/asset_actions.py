"""What `workbench data` and `workbench model` have in common: add, ls, show."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.view.assets import AssetPage

_MOST_USES = 20


def prepare_actions(parser: argparse.ArgumentParser, kind: str, types: tuple[str, ...]) -> None:
    """The arguments of add, ls and show."""
    what = "a data asset" if kind == "data" else "a model"
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    adding = actions.add_parser("add", help=f"give a name to {what}")
    adding.add_argument("name", nargs="?", metavar="NAME", help="the name that job files use: azureml:NAME:VERSION")
    adding.add_argument("path", nargs="?", metavar="PATH_OR_URI", help="where it is; nothing is copied")
    adding.add_argument("--version", metavar="V", help="its version (default: the next number)")
    adding.add_argument("--type", choices=types, help="its type (default: what is there)")
    adding.add_argument("--description", metavar="TEXT", help="what it is")
    adding.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE", help="a tag (repeat for more)")
    adding.add_argument("--file", type=Path, metavar=f"{kind}.yml", help=f"all of it from Azure ML's {kind} file")
    listing = actions.add_parser("ls", help="list names, each with its latest version")
    listing.add_argument("--all", action="store_true", help="every version")
    listing.add_argument("--json", action="store_true", help="as JSON; fields are in docs/cli.md")
    showing = actions.add_parser("show", help="where it is, its versions, which run made it, which used it")
    showing.add_argument("name", metavar="NAME[:VERSION]", help="the name, with a version or @latest (default)")
    showing.add_argument("--json", action="store_true", help="as JSON; fields are in docs/cli.md")


def run_action(arguments: argparse.Namespace, kind: str) -> int:
    """Do what was asked."""
    return {"add": _add, "ls": _list, "show": _show}[arguments.action](arguments, kind)


def _add(arguments: argparse.Namespace, kind: str) -> int:
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import emit, narrate
    from workbench.lifecycle.adding import add_named

    fields = _fields(arguments, kind)
    layout = open_workspace(explicit=arguments.workspace, announce=narrate)
    added = add_named(layout, kind, **fields)
    asset = added.asset
    if added.new:
        narrate(f"{asset.uri} ({asset.type}) is {asset.path}")
    elif added.compared:
        narrate(f"{asset.uri} is that already: unchanged")
    else:
        narrate(f"{asset.uri} is at that place already; what is there was not looked at")
    if added.missing is not None:
        narrate(f"warning: no job can have it yet: {added.missing.message}\n  {added.missing.remedy}")
    emit(asset.uri)
    return ExitCode.COMPLETED


def _fields(arguments: argparse.Namespace, kind: str) -> dict[str, Any]:
    from workbench_store.errors import UsageError

    if arguments.file is not None:
        if arguments.name or arguments.path:
            raise UsageError("a file says name and path itself", remedy="Give --file alone, or NAME and PATH_OR_URI.")
        return _fields_of_file(arguments, kind)
    if not arguments.name or not arguments.path:
        raise UsageError("what is it called, and where is it?", remedy="Give NAME and PATH_OR_URI.")
    given = {"name": arguments.name, "path": arguments.path, "tags": _tags(arguments.tag)}
    return {**given, **{key: getattr(arguments, key) for key in ("version", "type", "description")}}


def _fields_of_file(arguments: argparse.Namespace, kind: str) -> dict[str, Any]:
    """What the file says, and what the command line says instead."""
    from workbench.spec.data_files import load_data_file, load_model_file

    data = load_data_file(arguments.file) if kind == "data" else load_model_file(arguments.file)
    tags = {key: value or "" for key, value in data.tags.items()} | _tags(arguments.tag)
    return {
        "name": data.name,
        "path": data.path,
        "version": arguments.version or data.version,
        "type": arguments.type or data.type,
        "description": arguments.description or data.description,
        "tags": tags,
    }


def _tags(words: list[str]) -> dict[str, str]:
    pairs = (word.partition("=") for word in words)
    return {key: value for key, _, value in pairs}


def _list(arguments: argparse.Namespace, kind: str) -> int:
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import Cell, emit_json, emit_table, narrate
    from workbench.data.assets import list_assets
    from workbench.view.assets import asset_dict, latest_assets
    from workbench.view.format import format_age, safe_text

    layout = open_workspace(explicit=arguments.workspace, create=False)
    assets = list_assets(layout, kind) if arguments.all else latest_assets(layout, kind)
    if arguments.json:
        emit_json([asset_dict(asset) for asset in assets])
        return ExitCode.COMPLETED
    if not assets:
        narrate(f"none yet: workbench {kind} add NAME PATH_OR_URI")
        return ExitCode.COMPLETED
    import time

    now = time.time()
    rows = [
        [
            Cell(safe_text(asset.name), "bold"),
            Cell(safe_text(asset.version)),
            Cell(asset.type),
            Cell(format_age(asset.created, now), "dim", right=True),
            Cell(safe_text(asset.run or "")),
            Cell(safe_text(asset.path)),
        ]
        for asset in assets
    ]
    emit_table(["NAME", "VERSION", "TYPE", "AGE", "MADE BY", "WHERE"], rows)
    return ExitCode.COMPLETED


def _show(arguments: argparse.Namespace, kind: str) -> int:
    from workbench_store.store import Store
    from workbench_store.workspace import open_workspace

    from workbench.cli.output import emit_json
    from workbench.cli.waiting import up_to_date
    from workbench.view.assets import asset_page, page_dict

    layout = open_workspace(explicit=arguments.workspace, create=False)
    store = Store(layout)
    up_to_date(layout, store)
    page = asset_page(layout, store, kind, arguments.name)
    if arguments.json:
        emit_json(page_dict(page))
    else:
        _print(page)
    return ExitCode.COMPLETED


def _print(page: "AssetPage") -> None:
    from workbench.cli.output import emit, styled
    from workbench.view.format import format_time, safe_text

    asset = page.asset
    maker = f"{asset.run} (output {asset.output})" if asset.run else ""
    uses = [f"{run} (input {port})" for run, port in page.used_by]
    shown = uses[-_MOST_USES:]
    facts = [
        ("type", asset.type),
        ("where", asset.path + ("  (nothing is there any more)" if page.gone else "")),
        ("created", format_time(asset.created)),
        ("description", asset.description or ""),
        ("tags", ", ".join(f"{key}={value}" if value else key for key, value in asset.tags.items())),
        ("content", asset.content or asset.fingerprint or ""),
        ("versions", ", ".join(one.version for one in page.versions)),
        ("made by", maker),
        ("used by", "\n                ".join(shown) + (" and earlier ones" if len(shown) < len(uses) else "")),
    ]
    emit(styled(safe_text(asset.uri), "bold", sys.stdout))
    for name, value in facts:
        if value:
            lines = "\n".join(safe_text(line) if index == 0 else line for index, line in enumerate(value.split("\n")))
            emit(f"  {styled(f'{name:12}', 'dim', sys.stdout)}  {lines}")
