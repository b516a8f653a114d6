"""What the bytes of a journal mean. (Python 3.8, standard library.)

A journal is a sequence of records; there is no file header, so any part of it can be read alone:

    offset  size  field
    0       4     magic F5 'W' 'B' 'J'
    4       1     format version (1)
    5       1     kind: 1 = points, 2 = event
    6       4     length of the payload in bytes, little-endian
    10      4     CRC-32 of bytes 4..9 and the payload
    14      n     payload

Points (one `log` call): rank i32, time f64 (UTC epoch seconds), step i64, count u16, count values f64, then the
count keys, each as u16 length and UTF-8. An event is a JSON object in UTF-8, with at least "e" (its name) and "t"
(UTC epoch seconds); see `docs/formats.md` for the events. A damaged stretch is skipped by looking for the next
magic whose record is whole; a record cut off at the end of the file is not there yet.
"""

import struct
import zlib
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple, Union

MAGIC = b"\xf5WBJ"
VERSION = 1
KIND_POINTS = 1
KIND_EVENT = 2
HEAD = struct.Struct("<4sBBII")
POINTS_HEAD = struct.Struct("<idqH")
#: No record is longer: what claims to be is damage. Larger things are artifacts, not records.
MAX_PAYLOAD = 16 * 1024 * 1024
LONGEST_RECORD = HEAD.size + MAX_PAYLOAD
#: No clock says this (the year 5138): what does is nonsense that no calendar could show.
_LATEST = 1e11

_PREFIX = {kind: struct.Struct("<BBI") for kind in (KIND_POINTS, KIND_EVENT)}[KIND_POINTS]


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


def frame(kind: int, payload: bytes) -> bytes:
    """A whole record around `payload`. Raises ValueError above MAX_PAYLOAD."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a journal record holds at most {MAX_PAYLOAD} bytes, not {len(payload)}")
    prefix = _PREFIX.pack(VERSION, kind, len(payload))
    crc = zlib.crc32(payload, zlib.crc32(prefix))
    return MAGIC + prefix + struct.pack("<I", crc) + payload


def encode_event(name: str, time: float, fields: Dict[str, Any]) -> bytes:
    """The record of an event; `fields` must be JSON values (NaN and infinities are allowed)."""
    import json  # a script that only imports Workbench does without

    body = dict(fields)
    body["e"] = name
    body["t"] = time
    return frame(KIND_EVENT, json.dumps(body, separators=(",", ":")).encode("utf-8", "surrogatepass"))


class PointsEncoder:
    """Encodes `log` calls of one rank; what does not change between calls with the same keys is kept."""

    def __init__(self, rank: int) -> None:
        self._rank = rank
        self._shapes: Dict[Tuple[str, ...], Tuple[struct.Struct, bytes, bytes]] = {}

    def _shape(self, keys: Tuple[str, ...]) -> Tuple[struct.Struct, bytes, bytes]:
        encoded = [key.encode("utf-8", "surrogatepass") for key in keys]
        tail = b"".join(struct.pack("<H", len(key)) + key for key in encoded)
        body = struct.Struct("<idqH%dd" % len(keys))
        prefix = _PREFIX.pack(VERSION, KIND_POINTS, body.size + len(tail))
        if len(self._shapes) > 256:
            self._shapes.clear()
        self._shapes[keys] = shape = (body, prefix, tail)
        return shape

    def encode(self, time: float, step: int, keys: Tuple[str, ...], values: Sequence[float]) -> bytes:
        """The record of one call; keys and values are of equal length, at most 65,535."""
        body, prefix, tail = self._shapes.get(keys) or self._shape(keys)
        payload = body.pack(self._rank, time, step, len(keys), *values) + tail
        return b"%b%b%b%b" % (MAGIC, prefix, zlib.crc32(payload, zlib.crc32(prefix)).to_bytes(4, "little"), payload)


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
