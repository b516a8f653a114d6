"""Which records of users are ahead of the machine's clock, as it was set back since: what comes later has to know.
(Python 3.8.)

A journal of edits has the time of its last record as its file's time, so that only those that are ahead are read.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from workbench_store.journal.decoding import Event, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator

#: The time of a file lags behind by a tick of the kernel.
_COARSE_SECONDS = 0.02


def latest_ahead(folder: Path, wanted: Callable[[Event], bool]) -> float:
    """The time (UTC epoch seconds) of the latest of these events in journals of edits that are ahead; else 0."""
    found = [0.0]
    for path in _ahead(folder):
        try:
            records = [record for record, _ in decode(path.read_bytes()) if isinstance(record, Event)]
        except OSError:
            continue
        found += [record.time for record in records if wanted(record)]
    return max(found)


def is_about(event: Event, run: str) -> bool:
    """Whether users have said it of that run."""
    return event.fields.get("run") == run


def _ahead(folder: Path) -> Iterator[Path]:
    now = time.time() - _COARSE_SECONDS
    try:
        with os.scandir(str(folder)) as entries:
            yield from [Path(entry.path) for entry in entries if entry.stat().st_mtime > now]
    except OSError:
        return
