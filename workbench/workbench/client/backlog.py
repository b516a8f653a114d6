"""What a full disk did not take of a log: it waits for room, in order and in bounded memory. (Python 3.8.)"""

from __future__ import annotations

import os

#: What may wait, in bytes.
HELD_BYTES = 1024 * 1024
_PIECE_BYTES = 64 * 1024


class Backlog:
    """Bytes that wait, and how many came after them when there were too many."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._lost = 0

    def __len__(self) -> int:
        """How many bytes are not in the log."""
        return len(self._held) + self._lost

    def add(self, data: bytes) -> None:
        """What comes after something was lost is lost too, so that there is one gap, in its place."""
        kept = b"" if self._lost else data[: HELD_BYTES - len(self._held)]
        self._held += kept
        self._lost += len(data) - len(kept)

    def write_to(self, descriptor: int) -> None:
        """Write what the disk takes of it, and in the place of what is lost a line that says so. Never raises."""
        try:
            while self._held:
                del self._held[: os.write(descriptor, self._held[:_PIECE_BYTES])]
            if self._lost:
                line = b"\n[... %d bytes could not be written here ...]\n" % self._lost
                written = os.write(descriptor, line)
                self._held += line[written:]  # the rest of it, where that is all that fits
                self._lost = 0
        except OSError:
            pass
