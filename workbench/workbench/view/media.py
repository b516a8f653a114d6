"""Images, tables, histograms, texts, figures and models of a run, read so that any front end can show them.

Journals may be anybody's: what is not as it should be is a `Missing`, which says why.
"""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.records import MediaKey, MediaQuery, MediaRecord

from workbench.lifecycle.media_files import TABLES, media_path
from workbench.view.format import format_number, format_scalar

if TYPE_CHECKING:
    from workbench_store.store import Store

_MOST_BYTES = 64 * 1024 * 1024
_MOST_BINS = 4096


class Image(Struct, frozen=True):
    """A picture in a file: PNG, JPEG, GIF or WebP as a rule."""

    path: Path


class Page(Struct, frozen=True):
    """A figure that only a browser can show."""

    path: Path


class Text(Struct, frozen=True):
    """A text, as it was logged: it may hold control characters."""

    text: str


class Table(Struct, frozen=True):
    """Names and types of columns, and rows of cells, which are JSON values; `cell_text` makes text of one."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Histogram(Struct, frozen=True):
    """`counts[i]` values lie between `edges[i]` and `edges[i + 1]`; `left_out` were not finite."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]
    total: float
    left_out: int
    mean: float | None

    def merged(self, most: int) -> "Histogram":
        """The same with at most so many bins, neighbours put together."""
        least = max(1, math.ceil(len(self.counts) / max(1, most)))
        # Rather fewer bins than a last one that is narrower than the others.
        size = next((size for size in range(least, 2 * least) if len(self.counts) % size == 0), least)
        counts = tuple(sum(self.counts[start : start + size]) for start in range(0, len(self.counts), size))
        edges = (*self.edges[:-1:size], self.edges[-1])
        return Histogram(edges, counts, self.total, self.left_out, self.mean)


class Missing(Struct, frozen=True):
    """Nothing that can be shown."""

    why: str


Content = Image | Page | Text | Table | Histogram | Missing


class MediaItem(Struct, frozen=True):
    """One logged thing and what there is to see of it."""

    record: MediaRecord
    content: Content


def media_steps(store: "Store", name: str, key: MediaKey) -> tuple[MediaRecord, ...]:
    """Everything logged under a key, kind and rank, in order of step, without what the records hold."""
    query = MediaQuery(key.key, key.kind, rank=key.rank, contents=False)
    return tuple(store.media(name, query))


def media_item(layout: WorkspaceLayout, store: "Store", name: str, record: MediaRecord) -> MediaItem:
    """The thing that one of `media_steps` stands for."""
    query = MediaQuery(record.key, record.kind, record.step, record.rank)
    same = [one for one in store.media(name, query) if (one.time, one.path) == (record.time, record.path)]
    found = same[0] if same else record
    return MediaItem(found, media_content(layout.run(name), found))


def media_content(files: RunLayout, record: MediaRecord) -> Content:
    """What there is to see of a record."""
    path = media_path(files, record)
    if record.path and path is None:
        return Missing("its file is not there any more")
    if record.kind in (*TABLES, "histogram", "text"):
        return _read(record, path)
    if path is None:
        return Missing("there is no file, and nothing in the record")
    return Page(path) if record.format == "html" else Image(path)


def _read(record: MediaRecord, path: Path | None) -> Content:
    try:
        if path is not None and path.stat().st_size > _MOST_BYTES:
            return Missing("its file is too large to show")
        data = None if path is None else path.read_bytes()
        if record.kind == "text":
            return Text(str(record.content or "") if data is None else data.decode("utf-8", "replace"))
        value = record.content if data is None else json.loads(data)
        return _table(value) if record.kind in TABLES else _histogram(value)
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return Missing("it cannot be read")


def _table(value: Any) -> Table:
    columns = [(str(column["name"]), str(column["type"])) for column in value["columns"]]
    width = len(columns)
    rows = tuple(tuple([*row, *[None] * width][:width]) for row in value["rows"])
    return Table(tuple(name for name, _ in columns), tuple(kind for _, kind in columns), rows)


def cell_text(value: Any) -> str:
    """A cell of a table on one line, harmless."""
    return format_number(value) if isinstance(value, float) else format_scalar(value)


def _histogram(value: Any) -> Histogram:
    edges = tuple(float(edge) for edge in value["edges"])
    counts = tuple(float(count) for count in value["counts"])
    if len(edges) != len(counts) + 1 or not 1 <= len(counts) <= _MOST_BINS:
        raise ValueError("edges and counts do not fit")
    if not all(math.isfinite(number) for number in (*edges, *counts)) or min(counts) < 0:
        raise ValueError("numbers that no histogram has")
    mean = value.get("mean")
    left_out = value.get("left_out")
    return Histogram(
        edges,
        counts,
        sum(counts),
        left_out if isinstance(left_out, int) else 0,
        float(mean) if isinstance(mean, int | float) else None,
    )
