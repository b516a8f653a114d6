"""Summaries of metrics, kept at ingest so that no list ever has to read points.

Merging is commutative and associative (but for the rounding of the mean's sum), so any order of ingest gives the same.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench_store.journal.reader import Columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Extreme = tuple[float, int]


class Summary(Struct, frozen=True):
    """One metric of one rank. `last` is (step, time, value); extremes are (value, least step at which it was)."""

    count: int
    finite: int
    total: float
    min: Extreme | None
    max: Extreme | None
    last: tuple[int, float, float]
    first_time: float


def summarize(columns: Sequence[Columns]) -> Summary:
    """The summary of points, of which there is at least one."""
    import numpy as np

    steps = np.concatenate([column.steps for column in columns])
    times = np.concatenate([column.times for column in columns])
    values = np.concatenate([column.values for column in columns])
    finite = np.isfinite(values)
    good = values[finite]
    with np.errstate(over="ignore", invalid="ignore"):  # a sum of numbers as large as there are is infinite
        total = float(good.sum())
    return Summary(
        count=len(values),
        finite=len(good),
        total=total,
        min=_extreme(steps[finite], good, float(good.min())) if len(good) else None,
        max=_extreme(steps[finite], good, float(good.max())) if len(good) else None,
        last=_last(steps, times, values),
        first_time=float(times.min()),
    )


def _extreme(steps: "NDArray[np.int64]", values: "NDArray[np.float64]", value: float) -> Extreme:
    return value, int(steps[values == value].min())


def _last(
    steps: "NDArray[np.int64]", times: "NDArray[np.float64]", values: "NDArray[np.float64]"
) -> tuple[int, float, float]:
    at = steps == steps.max()
    if at.sum() > 1:
        candidates = zip(times[at].tolist(), values[at].tolist(), strict=True)
        time, value = max(candidates, key=_by_time_then_value)
        return int(steps.max()), time, value
    where = int(at.argmax())
    return int(steps[where]), float(times[where]), float(values[where])


def _by_time_then_value(point: tuple[float, float]) -> tuple[float, bool, float]:
    time, value = point
    return time, math.isnan(value), 0.0 if math.isnan(value) else value


def merge(one: Summary, other: Summary) -> Summary:
    """The summary of the points of both."""
    return Summary(
        count=one.count + other.count,
        finite=one.finite + other.finite,
        total=one.total + other.total,
        min=_better(one.min, other.min, least=True),
        max=_better(one.max, other.max, least=False),
        last=max(one.last, other.last, key=lambda last: (last[0], *_by_time_then_value(last[1:]))),
        first_time=min(one.first_time, other.first_time),
    )


def _better(one: Extreme | None, other: Extreme | None, *, least: bool) -> Extreme | None:
    if one is None or other is None:
        return one or other
    sign = 1 if least else -1
    return min(one, other, key=lambda extreme: (sign * extreme[0], extreme[1]))
