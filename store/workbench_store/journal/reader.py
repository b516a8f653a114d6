"""Reading a journal in bulk: events one by one, points as columns, damage as a count of bytes.

Points are most of what there is. Records of one shape (rank and keys) differ only in time, step and values, so they
are found by position and decoded together; those that come in turns are even found together (turns.py).
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field

from workbench_store.journal.decoding import Event, decode_payload, next_record
from workbench_store.journal.encoding import HEAD, KIND_EVENT, KIND_POINTS, LONGEST_RECORD, MAGIC, POINTS_HEAD
from workbench_store.journal.packed import read_journal
from workbench_store.journal.turns import Record, Turns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Columns(NamedTuple):
    """The points of one key and rank, in the order of the journal: three arrays of equal length."""

    steps: "NDArray[np.int64]"
    times: "NDArray[np.float64]"
    values: "NDArray[np.float64]"


class Chunk(Struct):
    """What a stretch of a journal holds: events with their offsets, points by (key, rank), damaged bytes."""

    start: int
    end: int
    events: list[tuple[int, Event]] = field(default_factory=list)
    points: dict[tuple[str, int], list[Columns]] = field(default_factory=dict)
    count: int = 0
    gap_bytes: int = 0


def read_chunk(path: Path, offset: int, most_bytes: int) -> Chunk:
    """Everything whole in the journal at `path`, compressed or not, from `offset` to about `offset + most_bytes`.

    `.end` is where to go on; `.end == offset` means that nothing new is whole yet. Raises OSError.
    """
    data = read_journal(path, offset, most_bytes)
    chunk = decode_chunk(data, offset)
    # A torn record can be told from a long one only when the longest possible one fits.
    if chunk.end == offset and len(data) == most_bytes and most_bytes < LONGEST_RECORD:
        return decode_chunk(read_journal(path, offset, LONGEST_RECORD), offset)
    return chunk


def decode_chunk(data: bytes, offset: int = 0) -> Chunk:
    """The records in `data`, which starts at `offset` of its file."""
    chunk = Chunk(offset, offset)
    shapes: dict[bytes, list[int]] = {}
    for start, end, kind in _records(data, shapes, chunk):
        if kind == KIND_EVENT:
            try:
                record = decode_payload(kind, data[start + HEAD.size : end])
            except (ValueError, struct.error):
                continue
            if isinstance(record, Event):
                chunk.events.append((offset + start, record))
    for shape, positions in shapes.items():
        _decode_shape(data, shape, positions, chunk)
    return chunk


def _records(data: bytes, shapes: dict[bytes, list[int]], chunk: Chunk) -> Iterator[tuple[int, int, int]]:
    """Each event's place; places of points go into `shapes` by their shape. Sets `chunk.end` as it goes."""
    view = memoryview(data)
    seeds: dict[bytes, int] = {}
    unpack, crc32, size = HEAD.unpack_from, zlib.crc32, len(data)
    position, base, turns = 0, chunk.start, Turns()
    while position + HEAD.size <= size:
        magic, _version, kind, length, crc = unpack(data, position)
        body, end = position + HEAD.size, position + HEAD.size + length
        prefix = data[position + 4 : position + 10]
        seed = seeds.get(prefix)
        if seed is None:
            seed = crc32(prefix)
            if len(seeds) < 1024:
                seeds[prefix] = seed
        if magic != MAGIC or end > size or crc32(view[body:end], seed) != crc:
            start, end, kind = next_record(data, position)
            going_on = start if start >= 0 else end
            chunk.gap_bytes += going_on - position
            chunk.end = base + going_on
            if start < 0:
                return
            position = start
            turns.broken()
            continue
        if kind == KIND_POINTS and length >= POINTS_HEAD.size:
            shape = _shape_of(data, body, end)
            shapes.setdefault(shape, []).append(position)
            again, rounds = turns.after(Record(position, end, seed, shape), data)
            if rounds:
                end = _add(shapes, again, end, rounds)
        else:
            turns.broken()
            yield position, end, kind
        position = end
        chunk.end = base + end


def _shape_of(data: bytes, body: int, end: int) -> bytes:
    """What records that are decoded together share: rank, count, keys."""
    count = data[body + 20] | data[body + 21] << 8
    return data[body : body + 4] + data[body + 20 : body + 22] + data[body + POINTS_HEAD.size + 8 * count : end]


def _add(shapes: dict[bytes, list[int]], again: list[Record], end: int, rounds: int) -> int:
    """The places of records that come again so often from `end` on; where they end."""
    length = sum(record.end - record.start for record in again)
    for record in again:
        shapes[record.shape].extend(range(end, end + rounds * length, length))
        end += record.end - record.start
    return end + (rounds - 1) * length


def _decode_shape(data: bytes, shape: bytes, positions: list[int], chunk: Chunk) -> None:
    import numpy as np

    rank, count = struct.unpack_from("<iH", shape)
    keys = _keys_of(shape[6:], count)
    if keys is None:
        return
    fixed: Any = np.dtype(
        [("rank", "<i4"), ("time", "<f8"), ("step", "<i8"), ("count", "<u2"), ("values", "<f8", (count,))]
    )
    width = fixed.itemsize
    places = np.asarray(positions, np.int64) + HEAD.size
    buffer = np.frombuffer(data, np.uint8)
    rows = np.lib.stride_tricks.sliding_window_view(buffer, width)[places].view(fixed).ravel()
    times, steps = np.ascontiguousarray(rows["time"]), np.ascontiguousarray(rows["step"])
    for number, key in enumerate(keys):
        column = Columns(steps, times, np.ascontiguousarray(rows["values"][:, number]))
        chunk.points.setdefault((key, rank), []).append(column)
    chunk.count += len(positions) * count


def _keys_of(tail: bytes, count: int) -> list[str] | None:
    """The keys at the end of a points record; None when they do not fit (a writer's error, not damage)."""
    keys, position = [], 0
    for _ in range(count):
        if position + 2 > len(tail):
            return None
        (length,) = struct.unpack_from("<H", tail, position)
        try:
            keys.append(tail[position + 2 : position + 2 + length].decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError:
            return None
        position += 2 + length
    return keys if position == len(tail) else None
