"""Histograms count every value once, whatever it is and however it comes."""

import math
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from workbench.client.active_run import ActiveRun
from workbench_store.errors import UsageError

from tests.client.media import media_of

pytestmark = pytest.mark.slow


def logged(run: ActiveRun) -> Any:
    return media_of(run, "histogram")[-1].content


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats() | st.integers(-(10**400), 10**400), max_size=30), st.integers(1, 512))
@example([1.7e308, -1.7e308, 0.0], 64)
@example([5e-324, 0.0], 64)
@example([1e300] * 3, 7)
@example([1.0, math.nextafter(1.0, 2.0)], 64)
@example([1.7976931348623157e308] * 2, 3)
def test_every_value_is_counted_once(run: ActiveRun, values: list[Any], bins: int) -> None:
    run.log_histogram("k", values, bins=bins)
    found = logged(run)
    floats = [math.inf if abs(value) > 1.7976931348623157e308 else float(value) for value in values]
    good = [value for value in floats if math.isfinite(value)]
    assert found["total"] == sum(found["counts"]) == len(good) and found["left_out"] == len(values) - len(good)
    edges = found["edges"]
    assert len(edges) == bins + 1 == len(found["counts"]) + 1
    assert edges == sorted(edges) and all(math.isfinite(edge) for edge in edges)
    if good:
        assert edges[0] <= min(good) == found["min"] and found["max"] == max(good) <= edges[-1]
        run.log_histogram("k", numpy.array(floats), bins=bins)
        by_numpy = logged(run)
        assert (by_numpy["total"], by_numpy["edges"], by_numpy["min"]) == (found["total"], edges, found["min"])
        assert by_numpy["counts"] == found["counts"]


def test_bins_are_those_of_numpy(run: ActiveRun) -> None:
    values = numpy.random.default_rng(1).normal(size=10_000)
    counts, edges = numpy.histogram(values, 64)
    run.log_histogram("k", values)
    assert numpy.allclose(logged(run)["edges"], edges) and abs(logged(run)["counts"] - counts).max() <= 1
    run.log_histogram("k", counts=counts, edges=edges)
    assert logged(run)["counts"] == counts.tolist() and logged(run)["min"] is None


@pytest.mark.parametrize(
    "values",
    [
        [[1, 2], [3]],
        (1, 2, 3),
        iter([1, 2, 3]),
        range(1, 4),
        {1, 2, 3},
        numpy.array([[1, 2, 3]]),
        [numpy.array([1, 2, 3])],
    ],
    ids=lambda values: type(values).__name__,
)
def test_values_may_be_nested_or_gone_through_once(run: ActiveRun, values: Any) -> None:
    run.log_histogram("k", values, bins=3)
    assert logged(run)["counts"] == [1, 1, 1]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"values": ["a"]},
        {"values": "text"},
        {"values": {"a": 1}},
        {"values": [None]},
        {"values": object()},
        {"values": [1], "bins": 0},
        {"values": [1], "bins": 513},
        {"values": [1], "bins": "ten"},
        {"values": [1], "counts": [1], "edges": [0, 1]},
        {"counts": [1]},
        {"edges": [1]},
        {"counts": [1], "edges": [1]},
        {"counts": [], "edges": [1]},
        {"counts": [1, 2], "edges": [0, 2, 1]},
        {"counts": [-1], "edges": [0, 1]},
        {"counts": [1], "edges": [0, math.nan]},
        {"counts": 1, "edges": 2},
        {"counts": ["a"], "edges": [0, 1]},
    ],
)
def test_what_is_no_histogram_is_refused_with_its_key(run: ActiveRun, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="the-key"):
        run.log_histogram("the-key", **arguments)
    assert media_of(run) == []


class Odd:
    def item(self) -> float:
        raise KeyError("no item")


def test_odd_values_raise_nothing_but_usage_errors(run: ActiveRun) -> None:
    own: list[Any] = [1.0]
    own.append(own)
    for values in ([Odd()], own):
        with pytest.raises(UsageError, match="'k'"):
            run.log_histogram("k", values)
    with pytest.raises(UsageError, match="'k'"):
        run.log({"k": Odd()})
    run.log_table("k", [[Odd()]], columns=["a"])
    run.log_params({"odd": Odd()})
