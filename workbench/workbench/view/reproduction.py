"""Whether a run and its repetition came out the same: states, metrics, outputs, environment and data."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench_store.layout import WorkspaceLayout

from workbench.view.compare import Comparison, compare
from workbench.view.run_page import run_page

if TYPE_CHECKING:
    from workbench_store.store import Store

_COMPARED = ("environment", "input", "metric", "code")
_OUTPUTS = ("output", "named-output")


@dataclass(frozen=True)
class Outcome:
    """One thing that was to come out the same: what it is (of a metric that of one rank), how it was, how it is, and
    whether that is the same: None where it cannot be told."""

    kind: str
    name: str
    before: object
    after: object
    same: bool | None
    rank: int = 0


def reproduction(
    layout: WorkspaceLayout, store: "Store", before: str, after: str, *, tolerance: float = 0.0
) -> tuple[Outcome, ...]:
    """Everything of the run `before` that was to be the same in `after`.

    A metric is the same when its last value, of each rank, differs by at most `tolerance` times the larger of both;
    outputs are by content. Raises NotFound.
    """
    found = compare(layout, store, [before, after], every_rank=True)
    return (*_rows(found, tolerance), *_outputs(layout, store, before, after))


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
