"""Which records of users are ahead of the machine's clock, as it was set back since: what comes later has to know.
(Python 3.8.)

A journal of edits has the time of its last record as its file's time, so that only those that are ahead are read.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from workbench_store.journal.decoding import Event, Gap, decode
from workbench_store.journal.encoding import LONGEST_RECORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterable, List, Tuple

#: The time of a file lags behind by a tick of the kernel.
_COARSE_SECONDS = 0.02
#: Longer than most records.
_END_BYTES = 256 * 1024


def latest_ahead(folder: Path, wanted: Callable[[Event], bool]) -> float:
    """The time (UTC epoch seconds) of the latest of these events in journals of edits that are ahead; else 0."""
    now = time.time() - _COARSE_SECONDS
    return _latest((path for path, when in _times(folder) if when > now), wanted)


def last_recorded(folder: Path) -> float:
    """When the last event in the journals of a folder was, in UTC epoch seconds, as far as that matters: where no file
    is ahead it is the time of the last one. Where one is, the others may hold times that are behind its own and ahead
    of theirs."""
    times = _times(folder)
    latest = max((when for _, when in times), default=0.0)
    if latest <= time.time():
        return latest
    return max(latest, *(_last_time(path) for path, _ in times if path.endswith(".wbj")))


def _last_time(journal: str) -> float:
    """That of the last record of a journal, whose times never go back: of its end alone, as it may be long."""
    for size in (_END_BYTES, 2 * LONGEST_RECORD):
        try:
            with open(journal, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - size))
                records = [record for record, _ in decode(file.read()) if not isinstance(record, Gap)]
        except OSError:
            break
        if records:
            return records[-1].time
    return 0.0


def _latest(journals: Iterable[str], wanted: Callable[[Event], bool]) -> float:
    found = [0.0]
    for path in journals:
        try:
            records = [record for record, _ in decode(Path(path).read_bytes()) if isinstance(record, Event)]
        except OSError:
            continue
        found += [record.time for record in records if wanted(record)]
    return max(found)


def is_about(event: Event, run: str) -> bool:
    """Whether users have said it of that run."""
    return event.fields.get("run") == run


def _times(folder: Path) -> List[Tuple[str, float]]:
    try:
        with os.scandir(str(folder)) as entries:
            files = (entry for entry in entries if entry.is_file(follow_symlinks=False))
            return [(entry.path, entry.stat().st_mtime) for entry in files]
    except OSError:
        return []
