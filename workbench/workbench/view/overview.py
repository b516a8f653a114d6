"""The head of the dashboard: how many runs are in which state."""

from typing import TYPE_CHECKING

from msgspec import Struct
from workbench_store.states import RunState

if TYPE_CHECKING:
    from workbench_store.store import Store


class Overview(Struct, frozen=True):
    """How many runs there are, and how many in each state that any is in."""

    total: int
    states: tuple[tuple[RunState, int], ...]


def overview(store: "Store") -> Overview:
    """The counts, states in the order of a run's life."""
    counts = store.state_counts()
    order = list(RunState)
    found = sorted(
        ((RunState.parse(name), count) for name, count in counts.items()), key=lambda one: order.index(one[0])
    )
    return Overview(sum(counts.values()), tuple(found))
