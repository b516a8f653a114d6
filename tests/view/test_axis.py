"""The upright axis of a chart: round numbers where there are any, and a place for every finite number."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from workbench.view.axis import ticks

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0288, 0.5, ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        (0.0577, 1.0, ["0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-3.0, 12.0, ["0", "5", "10"]),
        (0.91, 0.93, ["0.910", "0.915", "0.920", "0.925", "0.930"]),
        (1e8, 5e8, ["1e8", "2e8", "3e8", "4e8", "5e8"]),
        (2.5, 2.5, ["2.5"]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in ticks(low, high)] == labels


@given(FINITE, FINITE)
@example(-1e308, 1e308)
@example(0.0, 5e-324)
@example(1e15, 1e15 + 1)
@example(1.0, math.nextafter(1.0, 2.0))
def test_ticks_of_any_range_lie_on_the_axis_and_ascend(one: float, other: float) -> None:
    low, high = sorted((one, other))
    marks = ticks(low, high)
    places = [place for place, _ in marks]
    assert 1 <= len(marks) <= 7 and places == sorted(places) and all(0 <= place <= 1 for place in places)
    assert all(len(label) <= 12 for _, label in marks)
    span = high / 2 - low / 2
    for place, label in marks[:: max(1, len(marks) - 1)]:
        if low < high and max(-low, high) < 1e307:
            assert abs(float(label) / 2 - (low / 2 + span * place)) <= max(
                span, abs(low) / 1e3, abs(high) / 1e3, 5e-324
            )
