"""What a run has recorded so far, from its journals: for a script that resumes a run or forks one. (Python 3.8.)"""

import gzip
import os
import zlib
from pathlib import Path
from typing import Dict, Iterator, List, Optional

from workbench_store.journal.codec import HEAD, KIND_EVENT, Event, Points, decode, decode_payload, next_record
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import RunLayout


def events_of(files: RunLayout) -> List[Event]:
    """The run's events, by time; its points are passed over."""
    found = [event for data in _journals(files) for event in _events(data)]
    return sorted(found, key=lambda event: event.time)


def points_of(files: RunLayout) -> Iterator[Points]:
    """The run's points, of all ranks."""
    for data in _journals(files):
        for record, _ in decode(data):
            if isinstance(record, Points):
                yield record


def next_steps(files: RunLayout, rank: int) -> Dict[str, int]:
    """The step that follows the last one of each metric of a rank."""
    found: Dict[str, int] = {}
    for points in points_of(files):
        if points.rank == rank:
            for key in points.keys:
                found[key] = max(points.step + 1, found.get(key, 0))
    return found


def last_step(files: RunLayout) -> Optional[int]:
    """The greatest step of any metric of the run but the machine's own; None when it has logged nothing."""
    steps = (points.step for points in points_of(files) if not points.keys[0].startswith("system/"))
    return max(steps, default=None)


def copy_past(source: RunLayout, target: RunLayout, at_step: int) -> None:
    """Write what `source` recorded up to and including a step into journals of `target`, with its times and ranks.

    Parameters and tags are copied as they are now; the machine's figures, outputs and logs are the source's alone.
    """
    writers: Dict[int, JournalWriter] = {}
    try:
        for event in events_of(source):
            if event.name in ("params", "tags"):
                _writer(writers, target, 0).event(event.name, **event.fields)
        for points in points_of(source):
            if points.step <= at_step and not points.keys[0].startswith("system/"):
                writer = _writer(writers, target, points.rank)
                writer.points(points.time, points.step, points.keys, points.values)
    finally:
        for writer in writers.values():
            writer.close()


def _writer(writers: Dict[int, JournalWriter], target: RunLayout, rank: int) -> JournalWriter:
    if rank not in writers:
        writers[rank] = JournalWriter(target.journals, "fork", rank)
    return writers[rank]


def _events(data: bytes) -> Iterator[Event]:
    position = 0
    while True:
        start, position, kind = next_record(data, position)
        if start < 0:
            return
        if kind == KIND_EVENT:
            try:
                record = decode_payload(kind, data[start + HEAD.size : position])
            except ValueError:
                continue
            if isinstance(record, Event):
                yield record


def _journals(files: RunLayout) -> Iterator[bytes]:
    """The content of each journal, compressed or not, in order of name; what is damaged is left out."""
    for name in sorted(os.listdir(str(files.journals))):
        path = files.journals / name
        if name.endswith(".wbj"):
            yield path.read_bytes()
        elif name.endswith(".wbj.gz") and not path.with_suffix("").exists():
            yield _unpacked(path)


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(str(path)) as file:
            return file.read()
    except (OSError, EOFError, zlib.error):
        return b""
