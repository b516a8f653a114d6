"""The preview of a snapshot as text and as JSON."""

import os
import sys
from pathlib import Path
from typing import Any

from workbench_store.snapshot.preview import Preview

from workbench.cli.output import Cell, emit, emit_table, styled
from workbench.view.format import format_bytes, format_files, safe_text


def as_dict(seen: Preview) -> dict[str, Any]:
    """Everything, sizes in bytes; the fields are in docs/cli.md."""
    return {
        "root": str(seen.root),
        "ignore_file": seen.ignore_file,
        "count": len(seen.files),
        "bytes": seen.bytes,
        "files": [{"path": file.path, "size": file.size} for file in seen.files],
        "rules": [{"rule": one.rule, "line": one.line, "files": one.files, "bytes": one.bytes} for one in seen.rules],
        "secrets": [{"path": path, "why": why} for path, why in seen.secrets],
        "skipped": list(seen.skipped),
        "outside": list(seen.outside),
    }


def print_report(code: Path, seen: Preview, *, every_file: bool) -> None:
    """How much goes in, the biggest files, what each rule drops, what looks like a secret, what was skipped."""
    emit(f"{safe_text(str(code))}: {format_files(len(seen.files), seen.bytes)}")
    emit(f"ignore file: {seen.ignore_file or 'none (.amlignore or .gitignore would be read)'}")
    _title("Every file" if every_file else "Biggest files")
    for file in seen.files if every_file else seen.biggest:
        emit(f"  {format_bytes(file.size):>10}  {safe_text(file.path)}")
    if seen.rules:
        _title("Left out, by rule")
        emit_table(
            ["FILES", "SIZE", "LINE", "RULE"],
            (
                [
                    Cell(str(one.files), right=True),
                    Cell(format_bytes(one.bytes), right=True),
                    Cell(str(one.line) if one.line else "built in", "dim", right=True),
                    Cell(safe_text(one.rule)),
                ]
                for one in seen.rules
            ),
        )
    if seen.secrets:
        _title("Looks like a secret", "bold red")
        for path, why in seen.secrets:
            emit(f"  {safe_text(path)}: {safe_text(why)}")
        emit(f"  Add them to {seen.ignore_file or '.amlignore'} to keep them out.")
    if seen.outside:
        _title("Links that lead out of the folder", "bold red")
        for path in seen.outside:
            emit(f"  {safe_text(path)} -> {safe_text(os.readlink(code / path))}")
        emit("  No snapshot is taken with them: --follow-links takes what they point to, a rule leaves them out.")
    if seen.skipped:
        _title("Skipped")
        for text in seen.skipped:
            emit(f"  {safe_text(text)}")


def _title(text: str, style: str = "bold") -> None:
    emit(f"\n{styled(text, style, sys.stdout)}")
