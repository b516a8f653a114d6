"""Logged media as text: what a terminal without pictures can show."""

from typing import Any

from msgspec.structs import asdict
from workbench_store.layout import RunLayout
from workbench_store.records import MediaRecord

from workbench.cli.output import Cell, emit, emit_table, emit_text, narrate
from workbench.view.format import bar, format_number, safe_text, shorten
from workbench.view.media import Histogram, Image, Missing, Page, Table, Text, cell_text, media_content

_MOST_ROWS = 100
_MOST_BINS = 24
_BAR = 40
_CELL = 60


def print_item(files: RunLayout, record: MediaRecord) -> None:
    """What it is on stderr, the thing itself on stdout."""
    content = media_content(files, record)
    caption = f": {safe_text(record.caption)}" if record.caption else ""
    rank = f" of rank {record.rank}" if record.rank else ""
    narrate(f"{safe_text(record.kind)} {safe_text(record.key)!r}, step {record.step}{rank}{caption}")
    if isinstance(content, Text):
        emit_text(content.text)
    elif isinstance(content, Table):
        _table(content)
    elif isinstance(content, Histogram):
        _histogram(content)
    elif isinstance(content, Missing):
        narrate(f"  {content.why}")
    else:
        emit(str(content.path))


def _table(table: Table) -> None:
    right = [kind == "number" for kind in table.types]
    rows = [
        [Cell(shorten(cell_text(cell), _CELL), right=side) for cell, side in zip(row, right, strict=True)]
        for row in table.rows[:_MOST_ROWS]
    ]
    emit_table([shorten(safe_text(name), _CELL) for name in table.columns], rows)
    if len(table.rows) > _MOST_ROWS:
        narrate(f"... and {len(table.rows) - _MOST_ROWS:,} more rows: --export writes all")


def _histogram(histogram: Histogram) -> None:
    shown = histogram.merged(_MOST_BINS)
    most = max(shown.counts) or 1.0
    rows = [
        [
            Cell(format_number(low), right=True),
            Cell(format_number(high), right=True),
            Cell(format_number(count), right=True),
            Cell(bar(count / most, _BAR), "cyan"),
        ]
        for low, high, count in zip(shown.edges, shown.edges[1:], shown.counts, strict=False)
    ]
    emit_table(["FROM", "TO", "COUNT", ""], rows)
    facts = [f"{format_number(histogram.total)} values"]
    facts += [f"mean {format_number(histogram.mean)}"] if histogram.mean is not None else []
    facts += [f"{histogram.left_out} not finite"] if histogram.left_out else []
    narrate(", ".join(facts))


def content_as_json(files: RunLayout, record: MediaRecord) -> Any:
    """A text as text, a table or histogram as an object, a file's place for the rest; None where nothing is there."""
    content = media_content(files, record)
    if isinstance(content, Text):
        return content.text
    if isinstance(content, Table):
        columns = [{"name": n, "type": t} for n, t in zip(content.columns, content.types, strict=True)]
        return {"columns": columns, "rows": [list(row) for row in content.rows]}
    if isinstance(content, Histogram):
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(content).items()}
    return str(content.path) if isinstance(content, Image | Page) else None
