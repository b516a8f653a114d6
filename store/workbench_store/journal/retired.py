"""Descriptors that are closed in a while: another thread may be about to write to the file, and must not write to
whatever file would get its number meanwhile. (Python 3.8: the in-job client uses it.)
"""

from __future__ import annotations

import os
import time
from collections import deque

from workbench_store.descriptors import mark_of
from workbench_store.locks import unlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, Optional, Tuple

#: So long a thread may take between having looked up a descriptor and writing to it, in seconds.
RETIREMENT_SECONDS = 5.0
_MOST_RETIRED = 32
#: When each was retired, and what tells its file from those that get its number.
_retired: Deque[Tuple[float, int, Optional[Tuple[int, int]]]] = deque()


def retire(descriptor: int) -> None:
    """Unlock the file now, and close it later. The descriptor is known to be the caller's."""
    unlock(descriptor)
    now = time.monotonic()
    _retired.append((now, descriptor, mark_of(descriptor)))
    while len(_retired) > _MOST_RETIRED:
        close_retired(_retired[0][0])
    close_retired(now - RETIREMENT_SECONDS)


def close_retired(before: float) -> None:
    """Close those that were retired until then, by the monotonic clock."""
    while True:
        try:
            since, descriptor, mark = _retired.popleft()
        except IndexError:
            return
        if since > before:
            _retired.appendleft((since, descriptor, mark))
            return
        if mark is not None and mark_of(descriptor) == mark:  # or others have closed it, and it is a file of theirs
            os.close(descriptor)
