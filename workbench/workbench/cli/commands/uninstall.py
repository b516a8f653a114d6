"""Remove everything that Workbench wrote outside of workspaces: the cache folder. Asks first.

Workspaces hold your runs, so they are only listed, with how to remove them; so are the package itself, and the places
elsewhere that jobs named for their outputs.

examples:
  workbench uninstall --preview     # what there is, by kind and size, and the workspaces that are known
  workbench uninstall
  workbench uninstall --yes         # without asking
"""

import argparse
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from workbench_store.census import KnownWorkspace

    from workbench.uninstall import CachePart
    from workbench.view.written_elsewhere import WrittenElsewhere


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench uninstall`."""
    asking = parser.add_mutually_exclusive_group()
    asking.add_argument("--preview", action="store_true", help="only list what would be removed")
    asking.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument("--json", action="store_true", help="as JSON; fields are in docs/cli.md")


def run(arguments: argparse.Namespace) -> int:
    """List; remove after a yes."""
    from workbench_store.census import known_workspaces, other_caches
    from workbench_store.layout import WorkspaceLayout
    from workbench_store.workspace import layout_at_hand

    from workbench.cli.asking import agreed
    from workbench.cli.output import emit_json, narrate
    from workbench.uninstall import cache_parts, refuse_if_busy, refuse_if_not_ours
    from workbench.view.format import safe_text
    from workbench.view.written_elsewhere import written_elsewhere

    parts, known, others = cache_parts(), known_workspaces(), other_caches(layout_at_hand(arguments.workspace))
    ours = [part for part in parts if part.what is not None]
    elsewhere, unread = written_elsewhere(WorkspaceLayout(one.path) for one in known if one.there)
    if arguments.json:
        emit_json(_as_dict(parts, known, others, elsewhere))
    else:
        _print(parts, known, others, elsewhere)
    for path, why in unread.items():
        narrate(f"what runs of {safe_text(str(path))} wrote elsewhere cannot be read: {safe_text(why)}")
    if ours and not arguments.preview:
        refuse_if_not_ours()
        refuse_if_busy()
    removed = bool(ours) and agreed(arguments, "Remove the cache?")
    left = _remove() if removed else False
    _say_how(known)
    return ExitCode.WORKSPACE if left else ExitCode.COMPLETED


def _remove() -> bool:
    """Whether something could not be removed."""
    from workbench_store.cache_root import cache_root

    from workbench.cli.output import narrate
    from workbench.uninstall import remove_cache

    root, left = cache_root(), remove_cache()
    for path in left:
        narrate(f"{path} cannot be removed whole: look who owns it, its folder and what is in it")
    if left:
        return True
    if root.is_symlink():
        narrate(f"{root} is a link, and stays; what was Workbench's in {root.resolve()} is removed")
    else:
        rest = " but for what is not Workbench's" if root.exists() else ""
        narrate(f"{root} removed{rest}")
    return False


def _as_dict(
    parts: "list[CachePart]",
    known: "list[KnownWorkspace]",
    others: "list[Path]",
    elsewhere: "list[WrittenElsewhere]",
) -> dict[str, object]:
    from workbench_store.cache_root import cache_root

    return {
        "cache": str(cache_root()),
        "parts": [{"path": str(one.path), "what": one.what, "size": one.size} for one in parts],
        "other_caches": [str(path) for path in others],
        "workspaces": [{"path": str(one.path), "there": one.there} for one in known],
        "outputs": [{"path": one.place, "workspace": str(one.workspace), "runs": one.runs} for one in elsewhere],
    }


def _print(
    parts: "list[CachePart]",
    known: "list[KnownWorkspace]",
    others: "list[Path]",
    elsewhere: "list[WrittenElsewhere]",
) -> None:
    import shlex

    from workbench_store.cache_root import cache_root
    from workbench_store.words import counted

    from workbench.cli.output import Cell, emit, emit_table, narrate
    from workbench.view.format import format_bytes, safe_text

    if not parts:
        narrate(f"there is no cache: {cache_root()} is not there, or is empty")
    else:
        rows = [
            [
                Cell(format_bytes(one.size), right=True),
                Cell(safe_text(str(one.path))),
                Cell("not Workbench's: stays" if one.what is None else one.what, "" if one.what else "yellow"),
            ]
            for one in parts
        ]
        emit_table(["SIZE", "IN THE CACHE", "WHAT"], rows)
        total = sum(one.size for one in parts if one.what is not None)
        narrate(f"{format_bytes(total)} to remove; files that several names share are counted under each kind")
    for path in others:
        quoted = safe_text(shlex.quote(str(path)))
        narrate(f"another cache folder was used, and stays: WORKBENCH_CACHE={quoted} workbench uninstall --preview")
    if known:
        emit("")
        state = [[Cell(safe_text(str(one.path))), Cell("stays" if one.there else "gone")] for one in known]
        emit_table(["WORKSPACE", "WHAT"], state)
    if elsewhere:
        emit("")
        rows = [
            [
                Cell(safe_text(one.place)),
                Cell(f"of {counted(one.runs, 'run')}, stays"),
                Cell(safe_text(str(one.workspace))),
            ]
            for one in elsewhere
        ]
        emit_table(["OUTPUTS ELSEWHERE", "WHAT", "WORKSPACE"], rows)


def _say_how(known: "list[KnownWorkspace]") -> None:
    import shlex
    import sys

    from workbench.cli.output import narrate
    from workbench.view.format import safe_text

    narrate("to remove the package: whatever installed it, for example")
    narrate(f"  {shlex.quote(sys.executable)} -m pip uninstall experiment-workbench")
    there = [one.path for one in known if one.there]
    if there:
        narrate("workspaces hold your runs, and are only removed by you:")
        for path in there:
            narrate(f"  rm -r {safe_text(shlex.quote(str(path)))}")
