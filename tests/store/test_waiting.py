"""What waits for room on the disk: in order, within its memory, and counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench_store.journal import waiting as module
from workbench_store.journal.waiting import OWN, Waiting

RECORDS = st.tuples(st.integers(1, 40), st.integers(0, 5), st.sampled_from(["media", "artifact", "state", "params"]))
#: A record that comes, or one that is written (None).
STEPS = st.lists(st.one_of(RECORDS, st.none()), max_size=80)


@given(STEPS)
def test_what_comes_is_written_in_order_or_counted(steps: list[tuple[int, int, str] | None]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "HELD_BYTES", 100)
        waiting, came, written = Waiting(), [], []
        for number, step in enumerate(steps):
            if step is not None:
                size, points, event = step
                came.append((number, points, event))
                waiting.add(bytes([number]) * size, points, "" if points else event)
            elif waiting:
                written.append(waiting.first()[0])
                waiting.written()
        while waiting:
            written.append(waiting.first()[0])
            waiting.written()
    assert written == sorted(set(written)), "in order, and once"
    missing = [one for one in came if one[0] not in written]
    assert waiting.lost.points == sum(points for _, points, _ in missing)
    assert waiting.lost.records == sum(1 for _, points, event in missing if not points and event not in OWN)
    sizes = [step[0] for step in steps if step is not None and not step[1] and step[2] in ("state", "params")]
    if sum(sizes) + 40 <= 100:
        assert not [event for _, points, event in missing if not points and event in ("state", "params")]


def test_what_is_never_written_is_lost() -> None:
    waiting = Waiting()
    for points, event in ((3, ""), (0, "media"), (4, ""), (0, "state")):
        waiting.add(b"x", points, event)
    lost = waiting.all_lost()
    assert (lost.points, lost.records, lost.all_records, bool(waiting)) == (7, 1, 4, False)
