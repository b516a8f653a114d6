"""Show what a run logged beside numbers: images, tables, histograms, texts, figures.

Without KEY the keys are listed. With one, its last step is shown (--step N: that one): texts, tables and histograms are
printed, of images and figures the file is told. --json and --export take all steps unless --step names one.

examples:
  workbench media brave_heron_x1
  workbench media brave predictions --step 10
  workbench media brave --kind image --export ./pictures
"""

import argparse
import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from workbench_store.records import MediaKey, MediaRecord

    from workbench.run import Run


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """The arguments of `workbench media`."""
    parser.add_argument("run", metavar="RUN", help="the run's name, or an unambiguous prefix of it")
    parser.add_argument("key", metavar="KEY", nargs="?", help="only what was logged under this key")
    parser.add_argument("--step", type=int, metavar="N", help="only this step")
    parser.add_argument("--rank", type=int, metavar="N", help="only this rank")
    kinds = ("image", "table", "histogram", "text", "figure", "model")
    parser.add_argument("--kind", choices=kinds, help="only this kind")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--json", action="store_true", help="as JSON, contents too if KEY is given; see docs/cli.md")
    action.add_argument("--export", type=Path, metavar="DIR", help="copy into DIR; nothing is overwritten")


def run(arguments: argparse.Namespace) -> int:
    """List, show or export."""
    from workbench.cli.output import emit, narrate, narrate_warning
    from workbench.workspace import Workspace

    workspace = Workspace(arguments.workspace, create=False)
    found = workspace.run(arguments.run)
    none = f"{found.name} has logged none"
    if arguments.key is None and arguments.step is None and not arguments.json and arguments.export is None:
        keys = [one for one in found.media_keys() if _fits(one, arguments)]
        _list(keys) if keys else narrate(none)
        return ExitCode.COMPLETED
    records = _chosen(found, arguments)
    if arguments.json:
        _as_json(found, records, contents=arguments.key is not None)
    elif not records:
        narrate(none)
    elif arguments.export is not None:
        from workbench.cli.signals import ended_as_by_ctrl_c
        from workbench.lifecycle.media_files import export_media

        with ended_as_by_ctrl_c():
            written = export_media(found.files, records, arguments.export, narrate_warning)
        for path in written:
            emit(str(path))
    else:
        _show(found, records if arguments.step is not None else _last_of_each(records))
    return ExitCode.COMPLETED


def _chosen(found: "Run", arguments: argparse.Namespace) -> "list[MediaRecord]":
    """What was asked for. Raises NotFound where a key or step was named that was not logged."""
    from workbench_store.errors import NotFound

    from workbench.view.format import safe_text

    records = [one for one in found.media(arguments.key, arguments.kind) if arguments.rank in (None, one.rank)]
    if arguments.key is not None and not records:
        keys = sorted({one.key for one in found.media(None, arguments.kind)})
        near = difflib.get_close_matches(arguments.key, keys, 3, 0.5) or keys[:10]
        names = ", ".join(safe_text(name) for name in near) or "nothing"
        if len(keys) > len(near):
            names += f", and {len(keys) - len(near):,} more (workbench media {found.name})"
        raise NotFound(f"run {found.name} logged nothing under {arguments.key!r}", remedy=f"It logged: {names}.")
    if arguments.step is None:
        return records
    steps = sorted({one.step for one in records})
    records = [one for one in records if one.step == arguments.step]
    if not records:
        known = ", ".join(map(str, steps[:10])) + (f" ... {steps[-1]}" if len(steps) > 10 else "")
        raise NotFound(f"run {found.name} logged nothing at step {arguments.step}", remedy=f"Steps: {known or 'none'}.")
    return records


def _last_of_each(records: "list[MediaRecord]") -> "list[MediaRecord]":
    last = {(one.kind, one.key, one.rank): one for one in records}
    return list(last.values())


def _fits(key: "MediaKey", arguments: argparse.Namespace) -> bool:
    return arguments.rank in (None, key.rank) and arguments.kind in (None, key.kind)


def _list(keys: "list[MediaKey]") -> None:
    from workbench.cli.output import Cell, emit_table
    from workbench.view.format import safe_text

    many = any(one.rank for one in keys)
    rows = [
        [
            Cell(safe_text(one.kind)),
            *([Cell(str(one.rank), right=True)] if many else []),
            *(Cell(f"{number:,}", right=True) for number in (one.count, one.first_step, one.last_step)),
            Cell(safe_text(one.key)),
        ]
        for one in keys
    ]
    emit_table(["KIND", *(["RANK"] if many else []), "ITEMS", "FIRST", "LAST", "KEY"], rows)


def _as_json(found: "Run", records: "list[MediaRecord]", contents: bool) -> None:
    from msgspec.structs import asdict

    from workbench.cli.media_report import content_as_json
    from workbench.cli.output import emit_json
    from workbench.view.format import iso_time

    items = []
    for one in records:
        item = {**asdict(one), "time": iso_time(one.time)}
        del item["content"]
        if contents:
            item["content"] = content_as_json(found.files, one)
        items.append(item)
    emit_json(items)


def _show(found: "Run", records: "list[MediaRecord]") -> None:
    from workbench.cli.media_report import print_item

    for one in records:
        print_item(found.files, one)
