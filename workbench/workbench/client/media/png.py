"""Writing PNG files (RFC 2083), 8 bits a channel. (Python 3.8.)"""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Channels -> colour type.
_COLOURS = {1: 0, 3: 2, 4: 6}
#: zlib's levels above this take twice the time for a few percent.
_LEVEL = 3


def encode_png(width: int, height: int, channels: int, pixels: bytes) -> bytes:
    """The file of `height` rows of `width` pixels of 1 (grey), 3 (RGB) or 4 (RGBA) bytes, one after the other."""
    row = width * channels
    # Each row begins with the number of its filter: 0, none.
    lines = b"".join(b"\0" + pixels[start : start + row] for start in range(0, row * height, row))
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    body = zlib.compress(lines, _LEVEL)
    return SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
