"""Following a run on a terminal or in a pipe, and what signals mean meanwhile.

Ctrl-C asks whether to detach or to cancel, and a second one cancels; without a terminal Ctrl-C and SIGTERM cancel.
A hang-up detaches. Signals reach only this process: the run has a session of its own.
"""

import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from workbench_store.errors import RunError, WorkspaceError
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.no_room import NO_ROOM
from workbench_store.states import RunState

from workbench.cli.output import drop_full_stdout, drop_stdout, emit_log, narrate, styled
from workbench.cli.signals import Signals
from workbench.compute.local_job import living_process
from workbench.lifecycle.follow import (
    FollowEvent,
    LogLine,
    LogPending,
    Progress,
    StageChanged,
    StateChanged,
    Warned,
    followed,
)
from workbench.lifecycle.judge import current_state
from workbench.lifecycle.logs import StateFollower, plain_text

#: While a question stands, the run is looked at so often.
_LOOK_SECONDS = 0.3
_MEANT = {"d": "detach", "detach": "detach", "c": "cancel", "cancel": "cancel", "": "stay"}
_STATE_STYLES = {
    RunState.COMPLETED: "bold green",
    RunState.FAILED: "bold red",
    RunState.CANCELED: "bold yellow",
    RunState.NOT_RESPONDING: "bold magenta",
}


class _Over(Exception):
    """The run has ended while it was followed, and who asked to end that need not wait for the rest of a long log."""


def follow_to_the_end(
    layout: WorkspaceLayout, name: str, taken: Signals, show: Callable[[FollowEvent], None] | None = None
) -> RunState | None:
    """Show the run until it ends and return its state, or None when the user detached from it.

    `show` is given each event; without it the job's lines go to stdout and the rest to stderr.
    """
    show = _to_the_end(show or _Screen().show, layout, name)
    state: RunState | None = None
    for event in followed(layout, name):
        show(event)
        if isinstance(event, StateChanged):
            state = event.state
        while taken.numbers:
            try:
                stays = _stay(layout, name, taken.numbers.pop(0))
            except _Over:
                state = StateFollower(layout.run(name)).update()
                narrate(f"{name} is {state}; the rest of its log: workbench logs {name}")
                return state
            if not stays:
                narrate(f"detached from {name}, which goes on; follow it with: workbench logs -f {name}")
                return None
    if state is RunState.NOT_RESPONDING:
        tell_not_responding(layout.run(name))
    return state


def _to_the_end(
    show: Callable[[FollowEvent], None], layout: WorkspaceLayout, name: str
) -> Callable[[FollowEvent], None]:
    """The same, which passes over that nobody can read it where the run is waited for all the same."""
    full = False

    def shown(event: FollowEvent) -> None:
        nonlocal full
        try:
            show(event)
        except BrokenPipeError:
            # Ctrl-C has ended who read the output too; a run that is being cancelled is followed to its end.
            if not layout.run(name).cancel_request.exists():
                raise
            drop_stdout()
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            drop_full_stdout()
            if not full:
                full = True
                narrate(f"there is no room on the disk for what is shown here; {name} goes on, and its log is kept")

    return shown


def tell_not_responding(files: RunLayout) -> None:
    """What became of the job of a run that nobody holds any more, and how to go on with it."""
    pid = living_process(files)
    if pid is None:
        narrate(f"{files.name} does not respond, and no process of its job is to be seen here")
        narrate(f"bring it to its end: workbench adopt {files.name}")
    else:
        narrate(f"{files.name} does not respond, but its job goes on (PID {pid})")
        narrate(f"take it over: workbench adopt {files.name}; then follow it: workbench logs -f {files.name}")


def _stay(layout: WorkspaceLayout, name: str, number: int) -> bool:
    """Do what a signal asks for; whether to go on following."""
    if number == getattr(signal, "SIGHUP", None):
        return False
    asked = number == signal.SIGINT and sys.stdin.isatty() and sys.stderr.isatty()
    if asked:
        answer = _ask(layout, name)
        if answer != "cancel":
            return answer == "stay"
    try:
        from workbench.lifecycle import cancel

        cancel(layout, name)
        narrate("cancelling ...")
    except WorkspaceError as error:
        narrate(error.message)  # nothing is asked of it, and it goes on
    except RunError as error:
        narrate(error.message)
        if current_state(layout.run(name)) is not RunState.FINALIZING:
            raise _Over from error
        return asked  # on a full disk it may go on for long, and who cannot be asked wants to leave
    return True


def _ask(layout: WorkspaceLayout, name: str) -> str:
    """detach, cancel or stay; a second Ctrl-C means cancel, the end of input means detach. Raises _Over once the run is
    over: there is nothing left to choose."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    state = StateFollower(layout.run(name))
    question = f"\n{name}: what now?\nd+Enter detaches, c+Enter or Ctrl-C cancels, Enter goes on: "
    try:
        while True:
            sys.stderr.write(question)
            sys.stderr.flush()
            answer = _answer(state)
            if answer is None:
                _forget_typed()
                sys.stderr.write("\n")
                narrate(f"{name} is over meanwhile: there is nothing left to detach from or to cancel")
                raise _Over
            meant = "detach" if not answer else _MEANT.get(answer.strip().lower())
            if meant is not None:
                return meant
            question = f"{answer.strip()[:20]!r} is none of these: d detaches, c cancels, Enter alone goes on: "
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return "cancel"
    finally:
        signal.signal(signal.SIGINT, before)


def _forget_typed() -> None:
    """What was typed and not sent is no command for the shell."""
    with suppress(ImportError, OSError):
        import termios

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _answer(state: StateFollower) -> str | None:
    """A line that was typed; None when the run is over before there is one."""
    while not select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
        if state.update().final:
            return None
    answer = sys.stdin.readline()
    return None if state.update().final else answer


class _Screen:
    """Shows events: the job's lines on stdout, the rest on stderr; an unfinished line is kept in place."""

    def __init__(self) -> None:
        self._in_place = sys.stdout.isatty()
        self._pending = False

    def show(self, event: FollowEvent) -> None:
        if isinstance(event, LogLine):
            self._line(event.text)
        elif isinstance(event, LogPending):
            self._unfinished(event.text)
        else:
            text = _narration(event)
            if text:
                self._clear()
                narrate(text)

    def _clear(self) -> None:
        if self._pending:
            sys.stdout.write("\r\x1b[K")
            self._pending = False

    def _line(self, text: str) -> None:
        self._clear()
        emit_log(f"{text}\n")

    def _unfinished(self, text: str) -> None:
        if self._in_place:
            self._clear()
            sys.stdout.write(plain_text(text)[:200])
            sys.stdout.flush()
            self._pending = True


def narrate_only(event: FollowEvent) -> None:
    """Show what happens, and not what the job writes."""
    text = _narration(event)
    if text:
        narrate(text)


def _narration(event: FollowEvent) -> str:
    if isinstance(event, StateChanged):
        reason = f": {plain_text(event.reason)}" if event.reason else ""
        return styled(str(event.state), _STATE_STYLES.get(event.state, "cyan"), sys.stderr) + reason
    if isinstance(event, StageChanged):
        return _stage(event)
    if isinstance(event, Progress):
        return styled(f"  {event.stage}: {plain_text(event.text)}", "dim", sys.stderr)
    if isinstance(event, Warned):
        return f"{styled('warning:', 'yellow', sys.stderr)} {plain_text(event.text)}"
    return ""


def _stage(event: StageChanged) -> str:
    """Stages that took a moment are worth a line, and those that failed."""
    if event.status == "failed":
        return f"{styled(event.stage, 'red', sys.stderr)} failed"
    if event.status == "done" and event.seconds is not None and event.seconds >= 1:
        return styled(f"  {event.stage} done in {event.seconds:.1f} s", "dim", sys.stderr)
    return ""
