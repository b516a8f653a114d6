"""Say what takes space, by kind, run and experiment, and give back what nobody needs, after a yes.

What goes: the runs in the trash (`workbench rm` puts them there), files of snapshots that no run has, what killed
processes left, and the holes in the store's file. Environments and uv's packages, which every workspace of yours
shares, go only where --environments or --uv-cache says so.

examples:
  workbench gc --preview
  workbench gc
  workbench gc --trash-older 7d --yes
  workbench gc --environments 30d --uv-cache
"""

import argparse
from typing import TYPE_CHECKING

from workbench.cli.arguments import age
from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench.environment.keeping import Removal
    from workbench.housekeeping.giving_back import Offer
    from workbench.housekeeping.usage import Usage

_MOST = 8


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench gc`."""
    parser.add_argument("--trash-older", type=age, metavar="AGE", help="only what has lain in the trash for so long")
    parser.add_argument(
        "--environments", type=age, metavar="AGE", help="also environments that no run took for so long"
    )
    parser.add_argument("--uv-cache", action="store_true", help="also uv's packages that no environment was made of")
    asking = parser.add_mutually_exclusive_group()
    asking.add_argument("--preview", action="store_true", help="only say what there is")
    asking.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="what there is as JSON; fields are in docs/cli.md")


def run(arguments: argparse.Namespace) -> int:
    """Say, ask, give back, and say what the disk has now."""
    import time

    from workbench_store.errors import WorkbenchError

    from workbench.cli.asking import agreed
    from workbench.cli.waiting import up_to_date
    from workbench.environment.uv_cache import prune_uv_cache
    from workbench.housekeeping.giving_back import give_back, offer
    from workbench.housekeeping.usage import measure
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    up_to_date(workspace.layout, workspace.store)
    usage = measure(workspace.layout, workspace.store)
    offered = offer(workspace.layout, time.time(), arguments.trash_older or 0.0)
    environments = _environments(arguments.environments)
    _show(usage, offered, environments, arguments)
    wanted = bool(offered.something or environments or arguments.uv_cache)
    if not wanted or not agreed(arguments, "Give this back?"):
        return ExitCode.COMPLETED
    try:
        give_back(workspace.layout, offered)
        _remove_environments(environments)
        if arguments.uv_cache:
            prune_uv_cache()
    except WorkbenchError:
        _tell(usage, measure(workspace.layout, workspace.store))  # what came before that is given back
        raise
    _tell(usage, measure(workspace.layout, workspace.store))
    return ExitCode.COMPLETED


def _tell(before: "Usage", after: "Usage") -> None:
    from workbench.cli.output import narrate
    from workbench.view.format import format_bytes

    was, now = before.total + sum(before.cache.values()), after.total + sum(after.cache.values())
    narrate(f"workspace: {format_bytes(before.total)} before, {format_bytes(after.total)} now")
    narrate(f"{format_bytes(max(0, was - now))} given back")


def _environments(unused_seconds: float | None) -> "list[Removal]":
    import time

    from workbench.environment import kept_environments, removable

    if unused_seconds is None:
        return []
    return removable(kept_environments(), time.time(), unused_seconds=unused_seconds, keep=None)


def _remove_environments(removals: "list[Removal]") -> None:
    from workbench.cli.output import narrate
    from workbench.environment.shelf import remove, sweep
    from workbench.uninstall import refuse_if_not_ours

    if not removals:
        return
    refuse_if_not_ours(["environments"])
    for one in removals:
        if not remove(one.environment.place):
            narrate(f"{one.environment.place} is in use by now: kept")
    sweep()


def _show(usage: "Usage", offered: "Offer", environments: "list[Removal]", arguments: argparse.Namespace) -> None:
    from workbench.cli.output import emit_json

    if arguments.json:
        emit_json(_as_dict(usage, offered, environments))
        return
    _print_usage(usage)
    _print_offer(offered, environments, arguments.uv_cache)


def _as_dict(usage: "Usage", offered: "Offer", environments: "list[Removal]") -> dict[str, object]:
    from workbench.cli.env_report import removal_as_dict

    return {
        "total": usage.total,
        "kinds": usage.kinds,
        "runs": usage.runs,
        "experiments": usage.experiments,
        "cache": usage.cache,
        "trash": {one.name: one.size for one in offered.trash},
        "cut_short": offered.cut_short,
        "unreferenced": offered.garbage,
        "rebuild": offered.rebuild,
        "holes": offered.store,
        "environments": [removal_as_dict(one, False) for one in environments],
        "reclaimable": offered.bytes,
    }


def _print_usage(usage: "Usage") -> None:
    from workbench.cli.output import Cell, emit, emit_table
    from workbench.view.format import format_bytes, safe_text, shorten

    def table(title: str, sizes: dict[str, int], most: int | None = None) -> None:
        if not sizes:
            return
        shown = list(sizes.items())[:most]
        rows = [[Cell(format_bytes(size), right=True), Cell(shorten(safe_text(name), 50))] for name, size in shown]
        if len(sizes) > len(shown):
            rest = sum(list(sizes.values())[len(shown) :])
            rows.append([Cell(format_bytes(rest), right=True), Cell(f"{len(sizes) - len(shown)} more", "dim")])
        emit_table(["SIZE", title], rows)
        emit("")

    table("KIND", {**usage.kinds, "all of the workspace": usage.total})
    table("EXPERIMENT", usage.experiments, _MOST)
    table("RUN", usage.runs, _MOST)
    table("CACHE, SHARED BY YOUR WORKSPACES", usage.cache)


def _print_offer(offered: "Offer", environments: "list[Removal]", uv: bool) -> None:
    from workbench_store.words import counted

    from workbench.cli.env_report import print_removals
    from workbench.cli.output import narrate
    from workbench.view.format import format_bytes

    parts = []
    if offered.trash:
        size = sum(one.size for one in offered.trash)
        parts.append(f"{counted(len(offered.trash), 'run')} in the trash ({format_bytes(size)})")
    if offered.cut_short:
        size = sum(offered.cut_short.values())
        parts.append(f"{counted(len(offered.cut_short), 'run')} whose removal was cut short ({format_bytes(size)})")
    if offered.garbage:
        parts.append(f"what nothing refers to ({format_bytes(offered.garbage)})")
    if offered.rebuild:
        parts.append(f"what a rebuild that was killed left ({format_bytes(offered.rebuild)})")
    if offered.store:
        parts.append(f"holes in the store's file ({format_bytes(offered.store)})")
    if environments:
        print_removals(environments)
        parts.append(counted(len(environments), "environment"))
    if uv:
        parts.append("what uv keeps for no environment")
    narrate(f"can be given back: {', '.join(parts)}" if parts else "nothing to give back")
