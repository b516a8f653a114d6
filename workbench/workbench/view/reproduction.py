"""Repeating a run to see whether it comes out the same: states, metrics, outputs, environment and data."""

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec import Struct
from workbench_store.errors import RunError, UsageError
from workbench_store.layout import WorkspaceLayout

from workbench.lifecycle.filling import Narrate
from workbench.lifecycle.repeating import Rerun, rerun
from workbench.view.compare import Comparison, compare
from workbench.view.run_page import run_page

if TYPE_CHECKING:
    from workbench_store.store import Store

_COMPARED = ("environment", "input", "metric", "code")
_OUTPUTS = ("output", "named-output")

#: How it is told whether one thing came out the same.
WORDS = {True: "same", False: "differs", None: "not known"}
_SAID = {True: "came out the same", False: "did not come out the same", None: "is not known to have come out the same"}


class Outcome(Struct, frozen=True):
    """One thing that was to come out the same: what it is (of a metric that of one rank), how it was, how it is, and
    whether that is the same: None where it cannot be told."""

    kind: str
    name: str
    before: object
    after: object
    same: bool | None
    rank: int = 0


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

    A metric is the same when its last value, of each rank, differs by at most `tolerance` times the larger of both;
    outputs are by content. Raises NotFound.
    """
    found = compare(layout, store, [before, after], every_rank=True)
    return (*_rows(found, tolerance), *_outputs(layout, store, before, after))


def verdict(before: str, again: str, same: bool | None) -> str:
    """What came of it in a sentence; `same` is that of `in_all`."""
    return f"{again} {_SAID[same]} as {before}"


def in_all(found: Iterable[Outcome]) -> bool | None:
    """Whether everything came out the same; None if nothing is known to differ, and of something it cannot be told."""
    each = {one.same for one in found}
    return False if False in each else None if None in each else True


def _rows(found: Comparison, tolerance: float) -> Iterable[Outcome]:
    for row in found.rows:
        one, other = (cell.value for cell in row.cells)
        if row.kind == "run" and row.name == "state":
            yield Outcome("run", "state", one, other, one == other)
        elif row.kind in _COMPARED:
            same = None if row.differs is None else not row.differs
            near = row.kind == "metric" and _near(one, other, tolerance)
            yield Outcome(row.kind, row.name, one, other, near or same, row.rank)


def _near(one: object, other: object, tolerance: float) -> bool:
    numbers = [value for value in (one, other) if isinstance(value, int | float)]
    return len(numbers) == 2 and math.isclose(numbers[0], numbers[1], rel_tol=tolerance, abs_tol=0.0)


def _outputs(layout: WorkspaceLayout, store: "Store", before: str, after: str) -> Iterable[Outcome]:
    old, new = (
        {one.path: one.hash for one in run_page(layout, store, name).artifacts if one.kind in _OUTPUTS}
        for name in (before, after)
    )
    for path in sorted({*old, *new}):
        one, other = old.get(path), new.get(path)
        missing = path not in old or path not in new
        same = False if missing else None if one is None or other is None else one == other
        yield Outcome("output", path, one, other, same)
