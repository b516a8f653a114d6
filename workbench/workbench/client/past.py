"""What a run has recorded so far, from its journals: for a script that resumes a run or forks one. (Python 3.8.)"""

import gzip
import os
import stat
import struct
import zlib
from itertools import count
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

from workbench_store.errors import UsageError
from workbench_store.held_back import hear_what_waits
from workbench_store.journal.ahead import is_about, latest_ahead
from workbench_store.journal.decoding import Event, Points, decode, decode_payload, next_record
from workbench_store.journal.encoding import HEAD, KIND_EVENT, KIND_POINTS
from workbench_store.journal.writer import JournalWriter, tell_nobody
from workbench_store.layout import RunLayout, WorkspaceLayout, may_name_a_run
from workbench_store.locks import FileLock
from workbench_store.processes import is_here
from workbench_store.run_ids import id_of
from workbench_store.states import RunState

from workbench.client.heard import ended_without_closing, heard, lacking, last_reason, left_behind, tell, torn_in
from workbench.client.json_files import read_json
from workbench.client.origins import Origin

_LOCK_SECONDS = 1.0
#: How the journals of those begin who have no part in the run's life.
ONLOOKERS = ("judge-", "user-")
#: After so many records it is looked whether a signal waits: there may be millions.
_BREATH_RECORDS = 4096


def events_of(files: RunLayout) -> List[Event]:
    """The run's events, by time; its points are passed over."""
    return _past_of(files).events


class _Past(NamedTuple):
    """The events of a run, by time; when anything was recorded last, and when its processes did (UTC epoch seconds)."""

    events: List[Event]
    latest: float
    seen: float


def _past_of(files: RunLayout) -> _Past:
    found: List[Event] = []
    latest = seen = 0.0
    for name, data in journals_of(files):
        ended: Optional[Union[Event, Points]] = None
        for record in _events_and_last(data):
            ended = record
            if isinstance(record, Event):
                found.append(record)
        if ended is not None:
            latest = max(latest, ended.time)
            seen = seen if name.startswith(ONLOOKERS) else max(seen, ended.time)
    return _Past(sorted(found, key=lambda event: event.time), latest, seen)


def points_of(files: RunLayout) -> Iterator[Points]:
    """The run's points, of all ranks."""
    for _, data in journals_of(files):
        for number, (record, _) in enumerate(decode(data)):
            _take_breath(number)
            if isinstance(record, Points):
                yield record


def last_step(files: RunLayout) -> Optional[int]:
    """The greatest step of any metric of the run but the machine's own; None when it has logged nothing."""
    steps = (points.step for points in points_of(files) if not points.keys[0].startswith("system/"))
    return max(steps, default=None)


def _tags_by_users(layout: WorkspaceLayout, run: RunLayout) -> List[Event]:
    """What users said of its tags, but not of an earlier run of the name, which was removed for good."""
    found: List[Event] = []
    own = id_of(run.root)
    for _, data in journals_of(layout):
        latest = 0.0
        for record in _events_and_last(data):
            latest = max(latest, record.time)  # within one journal its order counts
            if isinstance(record, Event) and is_about(record, run.name) and record.name in ("tags", "purged"):
                found.append(record._replace(time=latest))
    found.sort(key=lambda event: event.time)
    purged = [place for place, event in enumerate(found) if event.name == "purged" and event.fields.get("id") != own]
    since = max(purged, default=-1)
    return [
        event._replace(fields={key: event.fields.get(key) for key in ("set", "remove")})
        for place, event in enumerate(found)
        if event.name == "tags" and (place > since if event.fields.get("id") is None else event.fields["id"] == own)
    ]


def copy_past(layout: WorkspaceLayout, source: RunLayout, target: RunLayout, at_step: int) -> None:
    """Write what `source` recorded up to and including a step into journals of `target`, with its times and ranks.

    Parameters and tags are copied as they are now, those too that users gave it; the machine's figures, outputs and
    logs are the source's alone.
    """
    writers: Dict[int, JournalWriter] = {}
    events = [*events_of(source), *_tags_by_users(layout, source)]
    try:
        for event in sorted(events, key=lambda event: event.time):
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


def _take_breath(number: int) -> None:
    if number % _BREATH_RECORDS == 0:
        hear_what_waits()


def _events_and_last(data: bytes) -> Iterator[Union[Event, Points]]:
    """A journal's events, and its last record if that is of points: all others of those are not taken apart."""
    position, points = 0, b""
    for number in count():
        _take_breath(number)
        start, position, kind = next_record(data, position)
        if start < 0:
            break
        payload = data[start + HEAD.size : position]
        if kind != KIND_EVENT:
            points = payload
            continue
        points = b""
        try:
            record = decode_payload(kind, payload)
        except ValueError:
            continue
        if isinstance(record, Event):
            yield record
    try:
        last = decode_payload(KIND_POINTS, points) if points else None
    except (ValueError, struct.error):
        return
    if isinstance(last, Points):
        yield last


def journals_of(files: Union[RunLayout, WorkspaceLayout]) -> Iterator[Tuple[str, bytes]]:
    """The name and content of each journal, compressed or not, in order of name; what is damaged or no file is left
    out."""
    for name in sorted(os.listdir(str(files.journals))):
        path = files.journals / name
        if not stat.S_ISREG(os.lstat(str(path)).st_mode):
            continue
        if name.endswith(".wbj"):
            yield name, path.read_bytes()
        elif name.endswith(".wbj.gz") and not path.with_suffix("").exists():
            yield name, _unpacked(path)


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(str(path)) as file:
            return file.read()
    except (OSError, EOFError, zlib.error):
        return b""


def resumed(
    layout: WorkspaceLayout, origin: Origin, given: Mapping[str, Optional[str]]
) -> Tuple[RunLayout, FileLock, int, float]:
    """The run to be resumed, its lock, held, the generation of its new life, and the time (UTC epoch seconds) of its
    last record. `given` is what the script calls it.

    Raises UsageError for a run that is not there, is called otherwise, belongs to a job, is still open, or lives on
    another machine. Raises WorkspaceError where the disk does not take how its last life ended.
    """
    files = find_run(layout, origin.name)
    identity = read_json(files.identity) or {}
    if not identity:
        raise UsageError(
            "run {} does not say what it is: {} is missing or damaged".format(files.name, files.identity.name),
            remedy="`workbench doctor` looks through the workspace.",
        )
    if identity.get("kind") != "script":
        over = _is_over(files)
        raise UsageError(
            "run {} was made by a job, which {}".format(files.name, "has ended" if over else "is not over"),
            remedy="{}ork the run: start_run(fork=..., at_step=...).".format(
                "Run the job again (workbench rerun), or f"
                if over
                else "Its own script logs to it. To begin from it, f"
            ),
        )
    if not is_here(identity.get("host"), identity.get("boot")) and not _is_over(files):
        raise UsageError(
            "run {} is open on {}".format(files.name, identity.get("host")), remedy="End it there, or fork it."
        )
    for argument, value in given.items():
        if value not in (None, identity.get(argument)):
            told = "a run that is resumed keeps its {}, and that of {} is {!r}"
            raise UsageError(told.format(argument, files.name, identity.get(argument)), remedy="Leave it out, or fork.")
    lock = FileLock(files.script_lock)
    if not lock.acquire(timeout=_LOCK_SECONDS):
        raise UsageError(
            "run {} is still running in another process".format(files.name),
            remedy="End it first, or fork it: start_run(fork=..., at_step=...).",
        )
    try:
        events, latest, seen = _past_of(files)
        latest = max(latest, latest_ahead(layout.journals, lambda event: is_about(event, files.name)))
        states = [event.fields for event in events if event.name == "state"]
        generation = max((one["generation"] for one in states if isinstance(one.get("generation"), int)), default=1)
        of_this = (str(one.get("state")) for one in states if one.get("generation") == generation)
        ended = any(RunState.parse(state).final for state in of_this)
        word = None if ended else heard(files.script_process, generation) or _killed(generation, seen)
        _record_last_word(files, word)
    except BaseException:
        lock.release()
        raise
    return files, lock, generation + 1, latest


def _killed(generation: int, seen: float) -> Dict[str, Any]:
    """How a life ended whose script could say nothing."""
    return {"state": "Failed", "generation": generation, "reason": ended_without_closing(seen), "ended": seen or None}


def _record_last_word(files: RunLayout, word: Optional[Mapping[str, Any]]) -> None:
    """How its last life ended, and what its script left for whoever finds it gone: the next script's word takes the
    place of that."""
    notes = left_behind(files)
    if word is None and not notes:
        return
    journal = JournalWriter(files.journals, "judge", tell=tell_nobody)
    if word is not None:
        if word.get("torn"):
            journal.event("torn", bytes=word["torn"], of=torn_in(word.get("generation")))
        fields = {key: word.get(key) for key in ("state", "generation", "ended", "seconds", "lost")}
        reason, lacks = last_reason(word), lacking(word)
        journal.event("state", judged=True, seq=1, reason=reason, exit_code=None, signal=None, lacks=lacks, **fields)
    tell(journal, notes)
    journal.finish()


def fork_into(layout: WorkspaceLayout, origin: Origin, target: RunLayout, fields: Dict[str, Any]) -> Dict[str, Any]:
    """Give the draft of a new run the past of another up to a step; its fields, with what is taken over.

    Raises UsageError for a run that is not there or a step that it never reached.
    """
    source = find_run(layout, origin.name)
    at_step = origin.at_step or 0
    last = last_step(source)
    if last is None or at_step > last:
        reached = "it has logged no metric" if last is None else "its last step is {}".format(last)
        raise UsageError("run {} cannot be forked at step {}: {}".format(source.name, at_step, reached))
    copy_past(layout, source, target, at_step)
    properties = {"workbench.forked_from": source.name, "workbench.forked_at_step": str(at_step)}
    return {
        **fields,
        "experiment": fields.get("experiment") or (read_json(source.identity) or {}).get("experiment"),
        "properties": properties,
    }


def find_run(layout: WorkspaceLayout, name: str) -> RunLayout:
    """The run of that name, or the one whose name alone begins so. Raises UsageError, also where its record is gone."""
    try:
        every = sorted(entry for entry in os.listdir(str(layout.runs)) if not entry.startswith("."))
    except OSError:
        every = []
    found = [name] if name in every else [one for one in every if one.startswith(name)]
    if not found and may_name_a_run(name) and layout.trashed(name).root.is_dir():
        raise UsageError("run {} is in the trash".format(name), remedy="Bring it back: workbench restore " + name)
    if len(found) != 1:
        what = "begins the names of {} runs".format(len(found)) if found else "names no run"
        raise UsageError("{!r} {} in {}".format(name, what, layout.root), remedy="`workbench ls` lists the runs.")
    files = layout.run(found[0])
    if not files.journals.is_dir():
        raise UsageError(
            "the journals of run {} are gone".format(files.name),
            remedy="Restore {} from a copy.".format(files.journals),
        )
    return files


def _is_over(files: RunLayout) -> bool:
    states = (str(event.fields.get("state")) for event in events_of(files) if event.name == "state")
    return any(RunState.parse(state).final for state in states)
