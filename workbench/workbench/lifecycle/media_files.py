"""The files of logged media: finding them without leaving the run's folder, and copying them out."""

import csv
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from warnings import warn

from workbench_store.errors import RunError
from workbench_store.layout import RunLayout
from workbench_store.records import MediaRecord

#: What is a table: of a model there is the list of its files.
TABLES = ("table", "model")
_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


def media_path(files: RunLayout, record: MediaRecord) -> Path | None:
    """The record's file; None where it has none, or names one that is not there or not the run's."""
    if not record.path:
        return None
    root = os.path.realpath(files.root)
    try:
        found = Path(os.path.realpath(files.root / record.path))
    except (OSError, ValueError):
        return None
    return found if found.is_relative_to(root) and found.is_file() else None


def export_media(
    files: RunLayout, records: Iterable[MediaRecord], folder: Path, tell: Callable[[str], None] = warn
) -> list[Path]:
    """Copy or write each to `folder`/KIND/KEY/STEP.FORMAT: tables and the lists of models' files as CSV, histograms as
    JSON, the rest as it is.

    Returns the files; `tell` is given a line for each record whose file is gone, or is not what it says. Raises
    RunError if one is in the way (nothing is overwritten) or cannot be written.
    """
    written: list[Path] = []
    for record in records:
        target = _free(folder / _name(record.kind) / _name(record.key), record, written)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if _export_whole(files, record, target):
                written.append(target)
            else:
                where = f": {record.path}" if record.path else ""
                tell(f"{record.kind} {record.key!r} of step {record.step} is missing or damaged{where}")
        except OSError as error:
            raise RunError(
                f"{record.kind} {record.key!r} of step {record.step} cannot be written to {target}: {error}",
                remedy="Name a folder that you may write to, on a disk with room.",
            ) from error
    return written


def _export_whole(files: RunLayout, record: MediaRecord, target: Path) -> bool:
    """The same as `_export`; what could not be written to its end is not there."""
    try:
        return _export(files, record, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _name(text: str) -> str:
    return _NO_FILE_NAME.sub("_", text)[:100].strip("._") or "_"


def _free(folder: Path, record: MediaRecord, written: list[Path]) -> Path:
    """A name that none of this export has; what was there before is in the way."""
    ending = {**dict.fromkeys(TABLES, "csv"), "histogram": "json"}.get(record.kind) or _name(record.format) or "bin"
    rank = f"-r{record.rank}" if record.rank else ""
    number, taken = 0, set(written)
    while True:
        again = f"-{number}" if number else ""
        target = folder / f"{record.step:08d}{rank}{again}.{ending}"
        if target not in taken:
            break
        number += 1
    if os.path.lexists(target):
        raise RunError(f"{target} is there already", remedy="Name another folder, or remove it first.")
    return target


def _export(files: RunLayout, record: MediaRecord, target: Path) -> bool:
    """Whether there was something to write."""
    source = media_path(files, record)
    if source is None and record.content is None:
        return False
    if record.kind in TABLES:
        return _as_csv(source, record.content, target)
    if source is not None:
        shutil.copyfile(source, target)
        _copy_script(source, target)
    elif isinstance(record.content, str):
        target.write_text(record.content, encoding="utf-8", errors="replace")
    else:
        target.write_text(json.dumps(record.content) + "\n")
    return True


def _copy_script(source: Path, target: Path) -> None:
    """A page of plotly reads its script from the folder above."""
    script = source.parent.parent / "plotly.min.js"
    place = target.parent.parent / script.name
    if target.suffix == ".html" and script.is_file() and not place.exists():
        shutil.copyfile(script, place)


def _as_csv(source: Path | None, content: Any, target: Path) -> bool:
    try:
        table = content if source is None else json.loads(source.read_bytes())
        names = [column["name"] for column in table["columns"]]
        rows = [list(row) for row in table["rows"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
    with target.open("w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows([names, *rows])
    return True
