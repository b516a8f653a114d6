"""Following a run live, without the store: its stages, states and log lines as events, until it ends."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from workbench_store.journal.decoding import Event
from workbench_store.layout import WorkspaceLayout
from workbench_store.state_changes import StateChange, fold_states
from workbench_store.states import RunState

from workbench.lifecycle.history import JournalTail, changes_of
from workbench.lifecycle.judge import check_there, judge_run
from workbench.lifecycle.logs import LogReader
from workbench.lifecycle.pauses import SHORTEST_SECONDS, longer

_JUDGE_SECONDS = 2.0


class StateChanged(Struct, frozen=True):
    """The run is in another state."""

    state: RunState
    reason: str | None


class StageChanged(Struct, frozen=True):
    """A stage has started, is done, has failed or was canceled; `seconds` when it is over."""

    stage: str
    status: str
    seconds: float | None
    detail: Mapping[str, Any]


class Progress(Struct, frozen=True):
    """Where a stage stands, in words."""

    stage: str
    text: str


class Warned(Struct, frozen=True):
    """Something that the user should know."""

    text: str


class LogLine(Struct, frozen=True):
    """A whole line of the job's log, without its end."""

    text: str


class LogPending(Struct, frozen=True):
    """How the last, unfinished line of the log looks now: a prompt or a progress bar."""

    text: str


class Idle(Struct, frozen=True):
    """Nothing new for a moment: the time for a follower to look at its signals."""


FollowEvent = StateChanged | StageChanged | Progress | Warned | LogLine | LogPending | Idle


def follow(layout: WorkspaceLayout, name: str, on_event: Callable[[FollowEvent], None]) -> RunState:
    """Call `on_event` for everything that happens in the run, from its beginning; returns the state it ended
    in.

    It ends when the run is final, or not responding. An exception from `on_event` ends the following, not
    the run.
    """
    state = RunState.UNKNOWN
    for event in followed(layout, name):
        if not isinstance(event, Idle):
            on_event(event)
        if isinstance(event, StateChanged):
            state = event.state
    return state


def followed(layout: WorkspaceLayout, name: str) -> Iterator[FollowEvent]:
    """The same as an iterator. Raises WorkspaceError if the run's folder goes away."""
    files = layout.run(name)
    journal, log = JournalTail(files), LogReader(files)
    changes: list[StateChange] = []
    shown: RunState | None = None
    judged = time.monotonic()
    pause = SHORTEST_SECONDS
    while True:
        events = journal.new_events()
        changes += changes_of(events)
        now = fold_states(changes)
        yield from _told(events)
        over = now is not None and (now.state.final or now.state is RunState.NOT_RESPONDING)
        yield from _log_events(log, over)
        if now is not None and now.state is not shown:
            shown = now.state
            yield StateChanged(now.state, now.reason)
        if over:
            return
        if time.monotonic() - judged > _JUDGE_SECONDS:
            judged = time.monotonic()
            check_there(files)
            unrecorded = judge_run(files)
            if unrecorded is not None:  # nor would the next looks find it in the journals
                yield from _log_events(log, True)
                yield StateChanged(unrecorded.state, unrecorded.reason)
                return
        yield Idle()
        pause = SHORTEST_SECONDS if events else longer(pause)
        time.sleep(pause)


def _log_events(log: LogReader, over: bool) -> Iterator[FollowEvent]:
    """New lines, then the unfinished one if it looks different; at the end of the run that is a line like
    others."""
    before = log.pending
    yield from (LogLine(line) for line in log.lines())
    if over and log.pending:
        yield LogLine(log.pending)
    elif log.pending != before:
        yield LogPending(log.pending)


def _told(events: list[Event]) -> Iterator[FollowEvent]:
    for event in events:
        fields = event.fields
        if event.name == "stage":
            detail = fields.get("detail") or {}
            yield StageChanged(str(fields["stage"]), str(fields["status"]), fields.get("seconds"), detail)
        elif event.name == "progress":
            yield Progress(str(fields.get("stage", "")), str(fields.get("text", "")))
        elif event.name == "environment":
            yield from (Progress("environment", str(text)) for text in fields.get("substituted") or ())
        elif event.name == "warning":
            yield Warned(str(fields.get("text", "")))
