"""The checksums of many payloads of one form at once: CRC-32, as zlib's.

What a byte adds to a CRC depends on that byte and on its distance from the end alone, whatever the others are (the CRC
of the bitwise difference of two messages of one length is that of their CRCs: Ross Williams, "A Painless Guide to CRC
Error Detection Algorithms", 1993). So what all have in common is summed once, and a table lookup is left for each byte
in which they differ.
"""

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: In bytes. Longer ones take no longer one by one, and tables for each distance would take memory.
_LONGEST = 2048

_tables: "list[NDArray[np.uint32]]" = []


class Checksums(NamedTuple):
    """Sums payloads of one length that differ in nothing but some bytes."""

    seed: int
    in_common: int
    tables: "list[tuple[int, NDArray[np.uint32]]]"

    def of(self, payloads: "NDArray[np.uint8]") -> "NDArray[np.uint32]":
        """The checksum of each row."""
        import numpy as np

        if not self.tables:
            return np.array([zlib.crc32(payload, self.seed) for payload in payloads], np.uint32)
        sums = np.full(len(payloads), self.in_common, np.uint32)
        for place, table in self.tables:
            sums ^= table.take(payloads[:, place])
        return sums


def checksums_like(payload: bytes, varying: Sequence[int], seed: int) -> Checksums:
    """What sums payloads like this one, which differ at those places; `seed` is the CRC of what goes before each."""
    if len(payload) > _LONGEST:
        return Checksums(seed, 0, [])
    common = bytearray(payload)
    for place in varying:
        common[place] = 0
    last = len(payload) - 1
    return Checksums(seed, zlib.crc32(common, seed), [(place, _table(last - place)) for place in varying])


def _table(distance: int) -> "NDArray[np.uint32]":
    """What each value of a byte adds to the CRC, so far from the end."""
    import numpy as np

    if not _tables:
        nothing = zlib.crc32(b"\0")
        _tables.append(np.array([zlib.crc32(bytes([value])) ^ nothing for value in range(256)], np.uint32))
    while len(_tables) <= distance:
        nearer = _tables[-1]
        _tables.append((nearer >> 8) ^ _tables[0][nearer & 255])
    return _tables[distance]
