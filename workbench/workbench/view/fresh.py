"""Bringing the store up to date with what runs have recorded, and with what became of those whose holder is gone."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench_store.absence import is_gone
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
    store.lay_over(states_of(layout, unfinished if done.blocked else found.keys() - judged, found))
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
            unread=again.unread,
        )
    return done


def refresh_run(layout: WorkspaceLayout, store: "Store", name: str) -> Refresh:
    """The same for who asks for the run of exactly that name alone, which takes no longer for all others. Raises as
    `refresh`."""
    done = store.refresh(only=name)
    if done.blocked or done.unsaved or store.overlaid:
        return refresh(layout, store)
    unfinished = store.unfinished(name)
    if unfinished and (verdicts(layout, unfinished) or is_gone(layout, name)):
        return refresh(layout, store)
    return done


@contextmanager
def store_with(layout: WorkspaceLayout, store: "Store", name: str) -> Iterator["Store"]:
    """The store, which is up to date, or one in memory with the run of exactly that name, where it could not be taken
    in. Raises NotFound."""
    from workbench_store.apart import store_that_has

    with store_that_has(store, name) as found:
        if found is not store:
            found.lay_over(states_of(layout, [name], verdicts(layout, [name])))
        yield found


def refresh_or_warn(layout: WorkspaceLayout, store: "Store", name: str | None = None) -> None:
    """The same, whole, or of one run; a StaleStore warning where what is new cannot be taken in, or kept. Raises as
    `refresh`."""
    done = refresh(layout, store) if name is None else refresh_run(layout, store, name)
    if done.unsaved:
        warnings.warn(f"read from the journals, and kept in memory alone: {done.unsaved}", StaleStore, stacklevel=3)
    if done.blocked:
        warnings.warn(f"what is new cannot be taken in: {done.blocked}", StaleStore, stacklevel=3)
    if done.missing:
        warnings.warn(f"not all that was recorded is here: {done.missing}", StaleStore, stacklevel=3)
