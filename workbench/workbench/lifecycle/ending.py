"""How a run ends: from how its job ended, what was asked of it, and whether its outputs are safe."""

import signal

from msgspec import Struct
from msgspec.structs import replace
from workbench_store.states import RunState

from workbench.compute.protocol import JobExit


class Ending(Struct, frozen=True):
    """A final state, with its reason and what is known of the command's exit: `ended` in UTC epoch seconds, `seconds`
    by a monotonic clock."""

    state: RunState
    reason: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    ended: float | None = None
    seconds: float | None = None


class Canceled(Exception):
    """The run is to be cancelled: leaves whatever stage it is in."""


def of_exit(ended: JobExit) -> Ending:
    """Completed for exit code 0; Failed otherwise, with the reason."""
    if ended.exit_code == 0:
        return Ending(RunState.COMPLETED, None, 0, None, ended.ended, ended.seconds)
    return Ending(RunState.FAILED, _reason(ended), ended.exit_code, ended.signal, ended.ended, ended.seconds)


def _reason(ended: JobExit) -> str:
    who = "" if ended.rank is None else f"rank {ended.rank}: "
    if ended.exit_code is not None:
        name = _signal_told_by(ended.exit_code)
        told = f"{who}exit code {ended.exit_code}" + (f", as a shell tells of {name}" if name else "")
    elif ended.signal is not None:
        name = ended.signal
        told = f"{who}killed by {name}"
    else:
        return "the command ended while nobody watched, so its exit status is unknown"
    return f"{told}; if nobody sent it, the machine may have run out of memory" if name == "SIGKILL" else told


def _signal_told_by(exit_code: int) -> str | None:
    """A shell whose last program was ended by a signal ends with 128 and its number (POSIX, Exit Status)."""
    try:
        return signal.Signals(exit_code - 128).name
    except ValueError:
        return None


def canceled(reason: str | None, ended: JobExit | None) -> Ending:
    """Canceled, whatever the command's exit."""
    if ended is None:
        return Ending(RunState.CANCELED, reason)
    return Ending(RunState.CANCELED, reason, ended.exit_code, ended.signal, ended.ended, ended.seconds)


def failed(reason: str) -> Ending:
    """Failed, for a reason other than the command's exit."""
    return Ending(RunState.FAILED, reason)


def unsaved(ending: Ending, trouble: str, name: str) -> Ending:
    """The same ending for a run whose outputs could not be saved: what would be Completed is Failed."""
    text = f"outputs not saved: {trouble}; to save them later: workbench outputs --collect {name}"
    if ending.state is RunState.COMPLETED:
        return replace(ending, state=RunState.FAILED, reason=text)
    return replace(ending, reason=f"{ending.reason}; {text}" if ending.reason else text)
