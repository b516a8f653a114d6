"""Reading the bytes of a journal: what a record says, and where the next whole one begins. (Python 3.8.)

What the bytes mean is said in `encoding`, which a script that only writes does with.
"""

import struct
import zlib
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple, Union

from workbench_store.journal.encoding import HEAD, KIND_EVENT, KIND_POINTS, MAGIC, MAX_PAYLOAD, POINTS_HEAD

#: No clock says this (the year 5138): what does is nonsense that no calendar could show.
_LATEST = 1e11


class Points(NamedTuple):
    """One `log` call: several keys at one step."""

    rank: int
    time: float
    step: int
    keys: Tuple[str, ...]
    values: Tuple[float, ...]


class Event(NamedTuple):
    """Anything else that is recorded: what happened, when, and its fields."""

    name: str
    time: float
    fields: Dict[str, Any]


class Gap(NamedTuple):
    """Bytes that belong to no whole record."""

    offset: int
    length: int


Record = Union[Points, Event, Gap]


def _decode_points(payload: bytes) -> Points:
    rank, time, step, count = POINTS_HEAD.unpack_from(payload)
    position = POINTS_HEAD.size
    values = struct.unpack_from("<%dd" % count, payload, position)
    position += 8 * count
    keys: List[str] = []
    for _ in range(count):
        (length,) = struct.unpack_from("<H", payload, position)
        position += 2
        keys.append(payload[position : position + length].decode("utf-8", "surrogatepass"))
        position += length
    if position != len(payload):
        raise ValueError("the keys do not fill the record")
    return Points(rank, time, step, tuple(keys), values)


def _decode_event(payload: bytes) -> Event:
    import json

    try:
        body = json.loads(payload.decode("utf-8", "surrogatepass"))
        name, time = str(body.pop("e")), float(body.pop("t"))
    except (AttributeError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError("not an event") from error
    if not abs(time) < _LATEST:
        raise ValueError("an event at no time")
    return Event(name, time, body)


def decode_payload(kind: int, payload: bytes) -> Record:
    """The record of a payload whose checksum was right. Raises ValueError for what this version does not know."""
    if kind == KIND_POINTS:
        return _decode_points(payload)
    if kind == KIND_EVENT:
        return _decode_event(payload)
    raise ValueError(f"unknown record kind {kind}")


def next_record(data: bytes, position: int) -> Tuple[int, int, int]:
    """Find the first whole record at or after `position`.

    Returns (start, end, kind); start == -1 when there is none, and then `end` is where reading goes on once more
    bytes are there: what is before it is damage for certain, what is after it may be a record still being written.
    """
    size = len(data)
    unfinished = -1
    while True:
        start = data.find(MAGIC, position)
        if start < 0 or start + HEAD.size > size:
            break
        _, _version, kind, length, crc = HEAD.unpack_from(data, start)
        end = start + HEAD.size + length
        if length <= MAX_PAYLOAD:
            if end > size:
                # Either still being written, or a damaged length: a later whole record settles which.
                unfinished = start if unfinished < 0 else unfinished
            elif zlib.crc32(data[start + HEAD.size : end], zlib.crc32(data[start + 4 : start + 10])) == crc:
                return start, end, kind
        position = start + 1
    if unfinished >= 0:
        return -1, unfinished, 0
    return -1, start if start >= 0 else max(position, size - len(MAGIC) + 1), 0


def decode(data: bytes, position: int = 0) -> Iterator[Tuple[Record, int]]:
    """The records in `data` from `position`, each with the offset after it; damage between them as `Gap`.

    Stops before a torn last record. An unknown kind (a newer writer's) is passed over in silence.
    """
    while True:
        start, end, kind = next_record(data, position)
        if start < 0:
            return
        if start > position:
            yield Gap(position, start - position), start
        try:
            record = decode_payload(kind, data[start + HEAD.size : end])
        except (ValueError, struct.error):
            position = end
            continue
        yield record, end
        position = end
