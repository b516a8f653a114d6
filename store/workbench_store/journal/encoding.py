"""What the bytes of a journal mean, and writing them; `decoding` reads them. (Python 3.8, standard library.)

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

from __future__ import annotations

import struct
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Sequence, Tuple

MAGIC = b"\xf5WBJ"
VERSION = 1
KIND_POINTS = 1
KIND_EVENT = 2
HEAD = struct.Struct("<4sBBII")
POINTS_HEAD = struct.Struct("<idqH")
#: No record is longer: what claims to be is damage. Larger things are artifacts, not records.
MAX_PAYLOAD = 16 * 1024 * 1024
LONGEST_RECORD = HEAD.size + MAX_PAYLOAD

_PREFIX = {kind: struct.Struct("<BBI") for kind in (KIND_POINTS, KIND_EVENT)}[KIND_POINTS]


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
