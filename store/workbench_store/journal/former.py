"""A journal that others have replaced while it was written to, as an editor or `sed -i` over a whole folder does: what
is in the file that is not in its place any more is brought to one that is. (Python 3.8: the in-job client uses it.)
"""

from __future__ import annotations

import os
import time

from workbench_store.descriptors import mark_of
from workbench_store.journal.encoding import HEAD, MAGIC
from workbench_store.journal.retired import RETIREMENT_SECONDS, retire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Optional, Tuple


class FormerFiles:
    """The files that were in a journal's place before, to which other threads may be about to write."""

    def __init__(self) -> None:
        #: The descriptor of each, what tells its file from those that get its number, up to where it has been brought
        #: along, and since when it is a former one.
        self._files: List[Tuple[int, Optional[Tuple[int, int]], int, float]] = []

    def __bool__(self) -> bool:
        return bool(self._files)

    def add(self, descriptor: int, done: int) -> None:
        """One of which so many bytes are brought along already."""
        self._files.append((descriptor, mark_of(descriptor), done, time.monotonic()))

    def rest(self, at_last: bool) -> Iterator[bytes]:
        """What was written to each since; one to which nobody writes any more is closed, all of them `at_last`."""
        files, self._files = self._files, []
        until = time.monotonic() - RETIREMENT_SECONDS
        for descriptor, mark, done, since in files:
            if mark is None or mark_of(descriptor) != mark:
                continue  # others have closed it
            try:
                rest = os.pread(descriptor, os.fstat(descriptor).st_size - done, done)
            except OSError:
                rest = b""
            if at_last or since < until:
                retire(descriptor)
            else:
                rest = rest[: whole_length(rest)]
                self._files.append((descriptor, mark, done + len(rest), since))
            if rest:
                yield rest


def whole_length(data: bytes) -> int:
    """Where the last whole record ends: another thread may be writing one behind it. All of it where a full disk has
    cut one short, as then nothing tells."""
    position = 0
    while position + HEAD.size <= len(data):
        magic, _, _, length, _ = HEAD.unpack_from(data, position)
        if magic != MAGIC:
            return len(data)
        if position + HEAD.size + length > len(data):
            break
        position += HEAD.size + length
    return position
