"""What a run is, worked out from its events, whatever order they were read in.

Events of one run are few (points are no events), so they are all folded again whenever one is added: nothing has to be
kept in step, and any order of ingest gives the same.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from workbench_store.journal.lost import not_saved
from workbench_store.records import (
    EnvironmentRecord,
    GitRecord,
    PortRecord,
    RunDetail,
    SnapshotRecord,
    StageRecord,
    StateRecord,
)
from workbench_store.state_changes import StateChange, fold_states
from workbench_store.states import RunState

STAGES = ("validate", "snapshot", "environment", "provision", "stage", "run", "finalize", "release")


class StoredEvent(NamedTuple):
    """An event with its place, which breaks ties of time."""

    time: float
    journal: int
    position: int
    name: str
    fields: dict[str, Any]


class FoldedRun(NamedTuple):
    """The row of a run, its parameters as (key, value), its tags; torn_bytes: of its journals, pieces of records that
    the full disk cut short and that are whole behind that."""

    row: dict[str, Any]
    params: dict[str, Any]
    tags: dict[str, str]
    torn_bytes: int


def in_order(events: Iterable[StoredEvent]) -> list[StoredEvent]:
    """By time, then by place in the journals. Within one journal the place alone counts: a clock may be set back."""
    latest: dict[int, float] = {}
    placed = []
    for event in sorted(events, key=lambda event: (event.journal, event.position)):
        latest[event.journal] = max(event.time, latest.get(event.journal, event.time))
        placed.append(((latest[event.journal], event.journal, event.position), event))
    return [event for _, event in sorted(placed, key=lambda pair: pair[0])]


def clean(value: object) -> str:
    """Text that a column takes: lone surrogates and NULs replaced."""
    return str(value).encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def _text(value: object) -> str | None:
    return None if value is None else clean(value)


def _number(value: object, fallback: float = 0.0) -> float:
    """A finite number, or the fallback: what a foreign writer put into a field must not stop the reader."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return fallback
    try:
        return float(value) if math.isfinite(value) else fallback
    except OverflowError:
        return fallback


def whole(value: object, bits: int = 63) -> int:
    """A whole number that a column of so many bits takes; 0 for anything else."""
    number = _number(value)
    return int(number) if abs(number) < 2 ** (bits - 1) else 0


def _count(value: object) -> int:
    """A step or size, exact to the last digit; 0 for what is none."""
    return value if type(value) is int and 0 <= value < 2**63 else max(0, whole(value))


def media_row(run: str, time: float, fields: dict[str, Any]) -> tuple[Any, ...]:
    """A row of the table of media, in the order of its columns."""
    detail = fields.get("detail")
    return (
        run,
        clean(fields.get("kind") or ""),
        clean(fields.get("key") or ""),
        _count(fields.get("step")),
        max(0, whole(fields.get("rank"), 32)),
        time,
        _text(fields.get("path")),
        _count(fields.get("size")),
        clean(fields.get("format") or ""),
        _text(fields.get("caption")),
        clean(json.dumps(fields.get("content"))),
        clean(json.dumps(detail if isinstance(detail, dict) else {})),
    )


def fold_run(name: str, events: Sequence[StoredEvent]) -> FoldedRun:
    """The run of that name. `events` are its own and those of users about it."""
    events = _of_this_run(in_order(events))
    identity: dict[str, Any] = {}
    params: dict[str, Any] = {}
    tags: dict[str, str] = {}
    latest: dict[str, dict[str, Any]] = {}
    edits: dict[str, Any] = {}
    lost = torn = 0
    lost_at_end: dict[int, int] = {}
    for event in _told_once(events):
        fields = event.fields
        if event.name == "run":
            identity = {**fields, **{key: value for key, value in identity.items() if value is not None}}
        elif event.name == "params":
            params.update(_mapping(fields.get("params")))
        elif event.name == "tags":
            for key in _sequence(fields.get("remove")):
                tags.pop(clean(key), None)
            tags.update({clean(key): clean(value) for key, value in _mapping(fields.get("set")).items()})
        elif event.name in ("note", "archived"):
            edits[event.name] = fields.get(event.name)
        elif event.name == "lost":
            lost += whole(fields.get("points"))
        elif event.name == "torn":
            torn += whole(fields.get("bytes"))
        elif event.name == "state":  # of each holder once, however many onlookers have recorded it
            generation = whole(fields.get("generation"))
            lost_at_end[generation] = max(whole(fields.get("lost")), lost_at_end.get(generation, 0))
        elif event.name in ("snapshot", "environment"):
            latest[event.name] = fields
    row = _row(name, identity, events) | _state_columns(events)
    row["snapshot"] = _text(latest.get("snapshot", {}).get("snapshot"))
    row["environment"] = _text(latest.get("environment", {}).get("key"))
    row["environment_label"] = _text(latest.get("environment", {}).get("label"))
    row["lost_points"] = lost + sum(lost_at_end.values())
    row["note"] = _text(edits.get("note")) or None
    row["archived"] = edits.get("archived") is True
    return FoldedRun(row, {clean(key): value for key, value in params.items()}, tags, torn)


def _of_this_run(events: list[StoredEvent]) -> list[StoredEvent]:
    """Without what users wrote about other runs of the name, of which one was removed for good before the next was
    made: users' events name the run. What a run records itself is its own, whatever the clock said then."""
    own = next((event.fields.get("id") for event in events if event.name == "run"), None)
    purged = [place for place, event in enumerate(events) if event.name == "purged"]
    # Of this very run, where it is a copy that has kept it: what users said later was of another of the name.
    here = [place for place in purged if own is not None and events[place].fields.get("id") == own]
    last = min(here, default=len(events))
    first = max((place for place in purged if place < last), default=-1)

    def is_of_this(place: int, event: StoredEvent) -> bool:
        if "run" not in event.fields:
            return True
        said = event.fields.get("id")
        return first < place < last if said is None or own is None else said == own

    return [event for place, event in enumerate(events) if is_of_this(place, event)]


def _told_once(events: Iterable[StoredEvent]) -> Iterator[StoredEvent]:
    """Without what is lost where it is told again: whoever told it may not have lived to take its note away."""
    told: set[object] = set()
    for event in events:
        of = event.fields.get("of") if event.name in ("lost", "torn", "warning") else None
        if of is None or not {clean(of), (event.name, clean(of))} & told:
            yield event
        if of is not None:
            told.add((event.name, clean(of)))
        if event.name == "state":
            told.update(map(clean, _sequence(event.fields.get("told"))))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _row(name: str, identity: dict[str, Any], events: Sequence[StoredEvent]) -> dict[str, Any]:
    first = events[0].time if events else 0.0
    return {
        "name": name,
        "run_id": clean(identity.get("id") or ""),
        "kind": clean(identity.get("kind") or "job"),
        "experiment": clean(identity.get("experiment") or ""),
        "display_name": _text(identity.get("display_name")),
        "description": _text(identity.get("description")),
        "compute": _text(identity.get("compute")),
        "command": _text(identity.get("command")),
        "user_name": _text(identity.get("user")),
        "host": _text(identity.get("host")),
        "created": _number(identity.get("created"), first),
        "last_time": max((event.time for event in events), default=0.0),
    }


def _changes(events: Iterable[StoredEvent]) -> list[tuple[StateChange, dict[str, Any]]]:
    return [
        (
            StateChange(
                whole(event.fields.get("generation")),
                bool(event.fields.get("judged", False)),
                whole(event.fields.get("seq")),
                event.time,
                RunState.parse(str(event.fields.get("state"))),
                _text(event.fields.get("reason")),
                event.fields.get("resumed") is True,
            ),
            event.fields,
        )
        for event in events
        if event.name == "state"
    ]


def _state_columns(events: Sequence[StoredEvent]) -> dict[str, Any]:
    changes = _changes(events)
    now = fold_states(change for change, _ in changes)
    fields = next((fields for change, fields in changes if change is now), {})
    running = [change.time for change, _ in changes if change.state is RunState.RUNNING]
    code = fields.get("exit_code")
    return {
        "state": str(now.state) if now else str(RunState.NOT_STARTED),
        "reason": now.reason if now else None,
        "exit_code": whole(code, 32) if isinstance(code, int) else None,
        "signal": _text(fields.get("signal")),
        "started": min(running, default=None),
        "ended": _number(fields.get("ended"), now.time) if now and now.state.final else None,
        "seconds": _seconds_so_far(changes, now, fields) if now else None,
        "going_since": _going_since(changes) if now and not now.state.final else None,
    }


def _seconds_so_far(
    changes: Sequence[tuple[StateChange, dict[str, Any]]], now: StateChange, fields: dict[str, Any]
) -> float | None:
    """How long a run took; of one that does not respond, up to its last sign of life. None while it goes on."""
    if now.state.final:
        return _seconds_of_lives(changes)
    since, seen = _going_since(changes), _number(fields.get("ended"))
    return max(0.0, seen - since) if now.state is RunState.NOT_RESPONDING and seen and since is not None else None


def _going_since(changes: Sequence[tuple[StateChange, dict[str, Any]]]) -> float | None:
    """When the run would have started if it had never been interrupted: its last beginning, less its earlier lives."""
    lives, begins = _lives(changes), _begins(changes)
    if not begins:
        return None
    last = max(begins)
    earlier = [seconds for generation, (seconds, _) in lives.items() if generation < last]
    return float(begins[last] - sum(earlier))


def _begins(changes: Sequence[tuple[StateChange, dict[str, Any]]]) -> dict[int, float]:
    """When each life began, by its generation. Whoever adopts a run goes on with the life that there is: its command
    has run all the while."""
    begins: dict[int, float] = {}
    going: float | None = None
    for change, _ in changes:
        if change.state is RunState.RUNNING and change.generation not in begins:
            going = change.time if going is None or change.resumed else going
            begins[change.generation] = going
        if change.state.final:
            going = None
    return begins


def _seconds_of_lives(changes: Sequence[tuple[StateChange, dict[str, Any]]]) -> float | None:
    """How long a run took: the last time that it was over, and each time before it was resumed. Lives that nobody
    measured by a monotonic clock are told by the times of their events; None of a run that had but one such life, as
    all that is known of it is when it began and ended."""
    lives = _lives(changes)
    if len(lives) == 1 and not any(measured for _, measured in lives.values()):
        return None
    return sum(seconds for seconds, _ in lives.values()) if lives else None


def _lives(changes: Sequence[tuple[StateChange, dict[str, Any]]]) -> dict[int, tuple[float, bool]]:
    """Of each life that ended, by its generation: its seconds, and whether they were measured by a monotonic clock."""
    begins = _begins(changes)
    found: dict[int, tuple[float, bool]] = {}
    for change, fields in changes:
        generation = change.generation
        if not change.state.final:
            continue
        seconds = _seconds(fields.get("seconds"))
        if seconds is not None and not found.get(generation, (0.0, False))[1]:
            found[generation] = (seconds, True)
        elif seconds is None and generation in begins:
            ended = _number(fields.get("ended"), change.time)
            found.setdefault(generation, (max(0.0, ended - begins[generation]), False))
    return found


def _seconds(value: object) -> float | None:
    """A duration by a monotonic clock, if one was recorded."""
    number = _number(value, -1.0)
    return number if number >= 0 else None


def fold_detail(events: Sequence[StoredEvent]) -> RunDetail:
    """What the page of a run shows beside its row."""
    events = in_order(events)
    inputs: dict[str, PortRecord] = {}
    outputs: dict[str, PortRecord] = {}
    environment: EnvironmentRecord | None = None
    snapshot: SnapshotRecord | None = None
    identity: dict[str, Any] = {}
    git: GitRecord | None = None
    warnings: list[str] = []
    unsaved: dict[tuple[str, str], dict[str, int]] = {}
    for event in _told_once(events):
        fields = event.fields
        if event.name == "input":
            inputs[clean(fields.get("name"))] = _port(fields, inputs.get(clean(fields.get("name"))))
        elif event.name == "output":
            outputs[clean(fields.get("name"))] = _port(fields, outputs.get(clean(fields.get("name"))))
        elif event.name == "environment":
            environment = _environment(fields)
        elif event.name == "snapshot":
            snapshot = _snapshot(fields)
        elif event.name == "git":
            git = _git(fields)
        elif event.name == "warning":
            warnings.append(clean(fields.get("text", "")))
        elif event.name == "unsaved":  # as many by then of each process
            what = clean(fields.get("kind") or ""), clean(fields.get("reason") or "")
            unsaved.setdefault(what, {})[clean(fields.get("by"))] = _count(fields.get("count"))
        elif event.name == "run":
            identity = identity or fields
    return RunDetail(
        states=tuple(_state_record(change) for change, _ in _changes(events)),
        stages=_stages(events),
        inputs=tuple(inputs.values()),
        outputs=tuple(outputs.values()),
        environment=environment,
        snapshot=snapshot,
        git=git,
        notes=tuple(clean(note) for note in _sequence(identity.get("notes"))),
        warnings=(
            *_lacking_before(events),
            *warnings,
            *(not_saved(*what, sum(counts.values())) for what, counts in unsaved.items()),
        ),
        properties={clean(k): clean(v) for k, v in _mapping(identity.get("properties")).items()},
    )


def _lacking_before(events: Sequence[StoredEvent]) -> tuple[str, ...]:
    """What earlier lives of a run lack, which their reasons said until it was resumed."""
    states = [event.fields for event in events if event.name == "state"]
    now = max((whole(fields.get("generation")) for fields in states if fields.get("resumed") is True), default=0)
    found = {whole(fields.get("generation")): fields.get("lacks") for fields in states if fields.get("lacks")}
    return tuple(clean(lacks) for generation, lacks in sorted(found.items()) if generation < now)


def _state_record(change: StateChange) -> StateRecord:
    return StateRecord(change.time, change.state, change.reason, change.generation, change.judged)


def _stages(events: Sequence[StoredEvent]) -> tuple[StageRecord, ...]:
    """Each stage once, as its last attempt went, in the order in which they come in a run. One that whoever led the run
    did not live to end has ended with the run."""
    now = fold_states(change for change, _ in _changes(events))
    found: dict[str, StageRecord] = {}
    running = False
    for event in events:
        stage = clean(event.fields.get("stage", ""))
        before = found.get(stage)
        if event.name == "state":
            running = running or event.fields.get("state") == RunState.RUNNING
        elif event.name == "stage":
            status, seconds = clean(event.fields.get("status")), event.fields.get("seconds")
            over = status != "started"
            # A command is started once: whoever takes the run over finds it at work.
            goes_on = over or (stage == "run" and running)
            began = before.began if goes_on and before else event.time
            took = _number(seconds, event.time - began) if over else None
            found[stage] = StageRecord(stage, status, began, took, _mapping(event.fields.get("detail")))
        elif event.name == "progress" and before is not None:
            text = clean(event.fields.get("text", ""))
            found[stage] = StageRecord(stage, before.status, before.began, before.seconds, before.detail, text)
    records = (_over_with(record, now) for record in found.values())
    return tuple(sorted(records, key=lambda record: _rank(record.stage)))


def _over_with(record: StageRecord, now: StateChange | None) -> StageRecord:
    if record.status != "started" or now is None or not now.state.final or now.time < record.began:
        return record
    return replace(record, status="canceled" if now.state is RunState.CANCELED else "failed")


def _rank(stage: str) -> int:
    return STAGES.index(stage) if stage in STAGES else len(STAGES)


_PORT_TEXTS = "type mode path resolved fingerprint given asset asset_kind source_run source_output".split()


def _port(fields: dict[str, Any], before: PortRecord | None) -> PortRecord:
    """An input or output; a later event of the same name (a content hash) adds to what was known."""
    value = fields.get("value")
    known = isinstance(value, str | int | float | bool)
    texts = {key: _text(fields.get(key)) or (getattr(before, key) if before else None) for key in _PORT_TEXTS}
    return PortRecord(
        name=clean(fields.get("name", "")), value=value if known else (before.value if before else None), **texts
    )


def _environment(fields: dict[str, Any]) -> EnvironmentRecord:
    return EnvironmentRecord(
        key=clean(fields.get("key") or ""),
        label=clean(fields.get("label") or ""),
        found=clean(fields.get("found") or ""),
        python=_text(fields.get("python")),
        python_version=_text(fields.get("python_version")),
        substituted=tuple(clean(text) for text in _sequence(fields.get("substituted"))),
        missed=clean(fields.get("missed") or ""),
        seconds=_number(fields.get("seconds")),
        anonymous_version=_text(fields.get("anonymous_version")),
    )


def _git(fields: dict[str, Any]) -> GitRecord:
    return GitRecord(
        repository=_text(fields.get("repository")),
        branch=_text(fields.get("branch")),
        commit=_text(fields.get("commit")),
        dirty=fields.get("dirty") is True,
        changed=_count(fields.get("changed")),
        untracked=_count(fields.get("untracked")),
        has_diff=fields.get("diff") is not None,
        bytes=_count(fields.get("bytes")),
        cut=fields.get("cut") is True,
        left_out=tuple(clean(path) for path in _sequence(fields.get("left_out"))),
        note=_text(fields.get("note")),
    )


def _snapshot(fields: dict[str, Any]) -> SnapshotRecord:
    return SnapshotRecord(
        id=clean(fields.get("snapshot") or ""),
        files=whole(fields.get("files")),
        bytes=whole(fields.get("bytes")),
        upstream_hash=_text(fields.get("upstream_hash")),
        excluded={clean(k): whole(v) for k, v in _mapping(fields.get("excluded")).items()},
    )
