"""How recorded changes of state, read in any order, become one state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Optional, Tuple

from workbench_store.states import RunState


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
