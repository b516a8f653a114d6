"""Repeating a run to see whether it comes out the same: its end, what it recorded and saved, environment and data."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from workbench_store.errors import RunError, UsageError
from workbench_store.layout import WorkspaceLayout

from workbench.lifecycle.filling import Narrate
from workbench.lifecycle.repeating import Rerun, rerun
from workbench.view import same_results
from workbench.view.compare import Row, compare
from workbench.view.run_page import run_page
from workbench.view.same_results import Outcome

if TYPE_CHECKING:
    from workbench_store.store import Store

#: What it was given, which a comparison of any two runs tells.
_GIVEN = ("environment", "input", "code")

#: How it is told whether one thing came out the same.
WORDS = {True: "same", False: "differs", None: "not known"}
_SAID = {True: "came out the same", False: "did not come out the same", None: "is not known to have come out the same"}


def begin(
    layout: WorkspaceLayout,
    store: "Store",
    name: str,
    *,
    narrate: Narrate | None = None,
    before_shown: Callable[[], None] | None = None,
) -> Rerun:
    """Run the run again as it was, with its outputs apart. Raises RunError for one that is not over, and as `rerun`."""
    record = store.run(name)
    if record.kind == "job" and not (state := record.state).final:
        raise RunError(
            f"{name} is {state}: what it will come to is not known yet", remedy="Reproduce it when it is over."
        )
    return rerun(layout, name, apart=True, narrate=narrate, before_shown=before_shown)


def read_tolerance(text: str) -> float:
    """How far metrics may be apart, as a share of their value. Raises UsageError."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise UsageError(f"{text!r} is not a number from 0 up to 1")
    return value


def reproduction(
    layout: WorkspaceLayout, store: "Store", before: str, after: str, *, tolerance: float = 0.0
) -> tuple[Outcome, ...]:
    """Everything of the run `before` that was to be the same in `after`.

    A metric is the same when each of its points is: of the same step, and with a value that differs by at most
    `tolerance` times the larger of both. Outputs and media are by content. Raises NotFound.
    """
    given = [row for row in compare(layout, store, [before, after]).rows if row.kind in _GIVEN]
    old, new = run_page(layout, store, before), run_page(layout, store, after)
    return (
        *same_results.ends(old.record, new.record),
        *same_results.params(old, new),
        *same_results.metrics(store, old, new, tolerance),
        *same_results.media(layout, store, before, after),
        *(_outcome(row) for row in given),
        *same_results.outputs(old, new),
    )


def _outcome(row: Row) -> Outcome:
    one, other = (cell.value for cell in row.cells)
    return Outcome(row.kind, row.name, one, other, None if row.differs is None else not row.differs)


def verdict(before: str, again: str, same: bool | None) -> str:
    """What came of it in a sentence; `same` is that of `in_all`."""
    return f"{again} {_SAID[same]} as {before}"


def in_all(found: Iterable[Outcome]) -> bool | None:
    """Whether everything came out the same; None if nothing is known to differ, and of something it cannot be told."""
    each = {one.same for one in found}
    return False if False in each else None if None in each else True
