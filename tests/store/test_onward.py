"""The time that records bear where the machine's clock is set back."""

from hypothesis import given
from hypothesis import strategies as st
from workbench_store.journal.onward import Onward

CLOCK = st.lists(st.floats(1.7e9, 1.9e9), min_size=1, max_size=50)


@given(CLOCK, st.floats(0.0, 1.9e9))
def test_what_comes_later_looks_later_and_else_it_is_the_clocks_time(clock: list[float], latest: float) -> None:
    onward, said = Onward(latest), [latest]
    for now in clock:
        said.append(onward.stamp(now))
        assert said[-1] > said[-2] and said[-1] >= now
        assert said[-1] == now or now <= said[-2]


def test_time_goes_on_as_it_did_after_the_clock_was_set_back() -> None:
    onward = Onward()
    before = [onward.stamp(1000.0 + number) for number in range(3)]
    after = [onward.stamp(500.0 + number) for number in range(3)]
    assert [round(time, 3) for time in before + after] == [1000.0, 1001.0, 1002.0, 1002.0, 1003.0, 1004.0]
    assert onward.stamp(2000.0) == 2000.0, "once the clock has caught up it counts again"
