"""The states of a run (Azure ML's names) and how recorded changes of state become one state. (Python 3.8.)"""

import enum
from typing import Iterable, NamedTuple, Optional, Tuple


class RunState(str, enum.Enum):
    """Azure ML's run states. `UNKNOWN` stands for any word of another system that is not among them."""

    NOT_STARTED = "NotStarted"
    QUEUED = "Queued"
    PREPARING = "Preparing"
    PROVISIONING = "Provisioning"
    STARTING = "Starting"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    CANCEL_REQUESTED = "CancelRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"
    NOT_RESPONDING = "NotResponding"
    UNKNOWN = "Unknown"

    @property
    def final(self) -> bool:
        """Whether nothing can follow. NotResponding is not final here: such a run is adopted or closed."""
        return self in _FINAL

    @classmethod
    def parse(cls, text: str) -> "RunState":
        """The state of that name, or UNKNOWN."""
        try:
            return cls(text)
        except ValueError:
            return cls.UNKNOWN

    def __str__(self) -> str:
        return self.value


_FINAL = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELED})


class StateChange(NamedTuple):
    """One recorded change of state.

    generation: 0 for the submitter, 1 for the first supervisor, one more for each that adopts the run.
    judged: written by an onlooker who found that generation's holder dead, so it counts after all its changes.
    seq: position within what one writer wrote.
    resumed: begins the run's life anew after its end, so that nothing of earlier generations counts any more.
    """

    generation: int
    judged: bool
    seq: int
    time: float
    state: RunState
    reason: Optional[str] = None
    resumed: bool = False


def _order(change: StateChange) -> Tuple[int, bool, int, float, bool, str]:
    # The last two only tell apart what no writer of ours makes, so that any order of reading gives the same.
    return (change.generation, change.judged, change.seq, change.time, not change.resumed, str(change.state))


def fold_states(changes: Iterable[StateChange]) -> Optional[StateChange]:
    """The change that says what state the run is in, whatever order the changes are read in; None if there is none.

    The first final state since the run was last resumed stands; otherwise the last change of the last generation
    does. Wall clocks only break ties, since they may jump.
    """
    ordered = sorted(changes, key=_order)
    beginning = max((place for place, change in enumerate(ordered) if change.resumed), default=0)
    ordered = ordered[beginning:]
    for change in ordered:
        if change.state.final:
            return change
    return ordered[-1] if ordered else None
