"""Which image file some bytes are: PNG, JPEG, GIF or WebP, and how large it is in pixels. (Python 3.8.)"""

import struct
from typing import NamedTuple, Optional, Tuple

from workbench.client.media.png import SIGNATURE


class ImageFile(NamedTuple):
    """A format by the ending of its files, and width and height in pixels, None where the head does not tell."""

    format: str
    size: Optional[Tuple[int, int]]


def recognize(data: bytes) -> Optional[ImageFile]:
    """What the beginning of a file says it is; None for what is none of the four."""
    if data.startswith(SIGNATURE):
        return ImageFile("png", _at(">II", data, 16))
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return ImageFile("gif", _at("<HH", data, 6))
    if data.startswith(b"\xff\xd8\xff"):
        return ImageFile("jpeg", _jpeg_size(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ImageFile("webp", _webp_size(data))
    return None


def _at(form: str, data: bytes, offset: int) -> Optional[Tuple[int, int]]:
    if len(data) < offset + struct.calcsize(form):
        return None
    first, second = struct.unpack_from(form, data, offset)
    return first, second


def _jpeg_size(data: bytes) -> Optional[Tuple[int, int]]:
    """From the first frame header: segments are FF, a marker, and a length that counts itself (ITU T.81, B.1)."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            found = _at(">HH", data, position + 5)
            return None if found is None else (found[1], found[0])
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


def _webp_size(data: bytes) -> Optional[Tuple[int, int]]:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    found = _at("<HH", data, 26) if kind == b"VP8 " else None
    return None if found is None else (found[0] & 0x3FFF, found[1] & 0x3FFF)
