"""Bringing the store up to date with what runs have recorded, and with what became of those whose holder is gone."""

import warnings
from typing import TYPE_CHECKING

from workbench_store.errors import StaleStore
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import Refresh

from workbench.lifecycle.absent import judge_absent
from workbench.lifecycle.judge import record, verdicts
from workbench.lifecycle.unrecorded import states_of

if TYPE_CHECKING:
    from workbench_store.store import Store


def refresh(layout: WorkspaceLayout, store: "Store", budget_seconds: float | None = None) -> Refresh:
    """Ingest the journals' news, judge the runs that are not over, and ingest what that brought. States that cannot be
    written are shown all the same.

    `budget_seconds` bounds the time (None: until all is ingested). Raises StoreBusy, StoreDamaged or StoreTooNew.
    """
    done = store.refresh(budget_seconds)
    unfinished = store.unfinished()
    found = verdicts(layout, unfinished)
    # What the database does not take in is not written either: each look would write it once more.
    judged = set() if done.blocked else {name for name, one in found.items() if record(layout.run(name), one)}
    unrecorded = unfinished if done.blocked else [name for name in found if name not in judged]
    store.lay_over({name: states_of(layout.run(name), found.get(name)) for name in unrecorded})
    if not done.blocked and unfinished and (judge_absent(layout, store, unfinished) or judged):
        again = store.refresh(budget_seconds)
        return Refresh(
            points=done.points + again.points,
            events=done.events + again.events,
            runs=max(done.runs, again.runs),
            pending=again.pending,
            elsewhere=done.elsewhere or again.elsewhere,
            blocked=again.blocked,
            unsaved=again.unsaved,
        )
    return done


def refresh_or_warn(layout: WorkspaceLayout, store: "Store") -> None:
    """The same, whole; a StaleStore warning where what is new cannot be taken in, or kept. Raises as `refresh`."""
    done = refresh(layout, store)
    if done.unsaved:
        warnings.warn(f"read from the journals, and kept in memory alone: {done.unsaved}", StaleStore, stacklevel=3)
    if done.blocked:
        warnings.warn(f"what is new cannot be taken in: {done.blocked}", StaleStore, stacklevel=3)
