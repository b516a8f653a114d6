"""Ingest loses nothing and doubles nothing, in whatever order and however often it is killed."""

import math
import random
import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.rebuild import rebuild
from workbench_store.records import MetricSummary
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

from tests.store.journals import Point, fresh, make_run, python, the_summary, write_points

POINTS = st.lists(
    st.tuples(
        st.just(0),
        st.integers(0, 5),
        st.floats(0, 100),
        st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf]),
    ),
    min_size=1,
    max_size=25,
)


def summarized(points: list[Point], pieces: int) -> MetricSummary:
    """The summary when the points come in so many journals, each ingested by itself."""
    with TemporaryDirectory() as folder:
        layout = open_workspace(explicit=folder)
        journals = make_run(layout, "r")
        store = Store(layout)
        for number in range(pieces):
            part = points[number::pieces]
            if part:
                write_points(journals, "loss", part)
                store.refresh()
        return the_summary(layout, "r", "loss")


def same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        one == other or (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)
    )


@settings(max_examples=8)
@given(POINTS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_summary(points: list[Point], pieces: int, dice: random.Random) -> None:
    once = summarized(points, 1)
    shuffled = points[:]
    dice.shuffle(shuffled)
    again = summarized(shuffled, pieces)
    for name in ("count", "finite", "last", "last_step", "last_time", "min", "min_step", "max", "max_step", "mean"):
        assert same(getattr(once, name), getattr(again, name)), name
    # And it is right, by the words of the contract.
    finite = [value for *_, value in points if math.isfinite(value)]
    greatest = max(step for _, step, *_ in points)
    latest = max(when for _, step, when, _ in points if step == greatest)
    assert (once.count, once.finite, once.last_step, once.last_time) == (len(points), len(finite), greatest, latest)
    assert any(same(once.last, value) for _, step, when, value in points if (step, when) == (greatest, latest))
    assert same(once.min, min(finite, default=None)) and same(once.max, max(finite, default=None))


def test_equal_steps_are_all_kept_in_order_of_time(layout: WorkspaceLayout) -> None:
    journals = make_run(layout, "r")
    write_points(journals, "k", [(0, 1, 3.0, 30.0), (0, 1, 1.0, 10.0), (0, 0, 9.0, 5.0), (0, 1, 2.0, math.nan)])
    series = fresh(layout).series("r", "k")
    assert series.steps == [0, 1, 1, 1] and series.times == [9.0, 1.0, 2.0, 3.0]
    assert series.values[1] == 10.0 and math.isnan(series.values[2]) and series.total == 4


def test_ranks_are_kept_apart(layout: WorkspaceLayout) -> None:
    journals = make_run(layout, "r")
    for rank in range(3):
        write_points(journals, "k", [(rank, step, 1.0, float(rank)) for step in range(rank + 1)])
    store = fresh(layout)
    found = [(one.rank, one.count, one.last) for one in store.metrics("r", rank=None)]
    assert found == [
        (0, 1, 0.0),
        (1, 2, 1.0),
        (2, 3, 2.0),
    ]
    assert store.series("r", "k", rank=2).values == [2.0, 2.0, 2.0]


def test_looking_again_brings_nothing(layout: WorkspaceLayout) -> None:
    write_points(make_run(layout, "r"), "k", [(0, step, 1.0, 1.0) for step in range(1000)])
    store = Store(layout)
    assert store.refresh().points == 1000
    assert not store.refresh().changed
    assert not Store(layout).refresh().changed
    assert the_summary(layout, "r", "k").count == 1000


def test_two_stores_double_nothing(layout: WorkspaceLayout) -> None:
    journals = make_run(layout, "r")
    one, other = Store(layout), Store(layout)
    for step in range(5):
        write_points(journals, "k", [(0, step, 1.0, 1.0)])
        one.refresh()
        write_points(journals, "k", [(0, step, 2.0, 1.0)])
        other.refresh()
    assert one.refresh().elsewhere or the_summary(layout, "r", "k").count == 10
    assert the_summary(layout, "r", "k").count == 10
    assert len(fresh(layout).series("r", "k")) == 10


def test_a_torn_record_waits_for_its_rest(layout: WorkspaceLayout) -> None:
    journals = make_run(layout, "r")
    write_points(journals, "k", [(0, 0, 1.0, 1.0), (0, 1, 1.0, 2.0)])
    path = next(journals.glob("client*"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    store = Store(layout)
    assert store.refresh().points == 1
    assert not store.refresh().changed
    path.write_bytes(whole)
    assert store.refresh().points == 1
    record = store.run("r")
    assert record.gap_bytes == 0 and the_summary(layout, "r", "k").count == 2


def test_damage_is_counted_on_the_run(layout: WorkspaceLayout) -> None:
    journals = make_run(layout, "r")
    writer = JournalWriter(journals, "client")
    writer.points(1.0, 0, ("k",), (1.0,))
    with writer.path.open("ab") as file:
        file.write(b"garbage" * 10)
    store = Store(layout)
    store.refresh()
    writer.points(1.0, 1, ("k",), (2.0,))
    writer.close()
    store.refresh()
    assert store.run("r").gap_bytes == 70
    assert the_summary(layout, "r", "k").count == 2
    rebuild(layout)
    assert Store(layout).run("r").gap_bytes == 70 and the_summary(layout, "r", "k").count == 2


def test_events_make_the_run_whatever_their_order(layout: WorkspaceLayout) -> None:
    journals = make_run(layout, "r")
    for number in (2, 1):
        writer = JournalWriter(journals, "client")
        writer.event("params", params={"lr": number, "name": "x" * number})
        writer.event("tags", set={"a": str(number)}, remove=["gone"])
        writer.close()
    record = fresh(layout).run("r")
    assert str(record.state) == "Running" and record.tags == {"a": "1"}
    assert fresh(layout).params("r") == {"lr": 1, "name": "x"}


INGESTER = """
import sys
from workbench_store.store import Store
from workbench_store.workspace import open_workspace
store = Store(open_workspace(explicit=sys.argv[1]))
print("ready", flush=True)
while True:
    store.refresh()
"""


@pytest.mark.slow
def test_kill_minus_nine_while_ingesting(layout: WorkspaceLayout, tmp_path: Path) -> None:
    journals, dice, written = make_run(layout, "r"), random.Random(1), 0
    writer = JournalWriter(journals, "client")
    for _ in range(15):
        process = python(INGESTER, str(layout.root))
        assert process.stdout is not None and process.stdout.readline() == "ready\n", process.communicate()
        end = time.monotonic() + dice.uniform(0.0, 0.15)
        while time.monotonic() < end:
            for _ in range(200):
                writer.points(1.0, written, ("a", "b"), (float(written), 0.0))
                written += 1
        process.send_signal(signal.SIGKILL)
        process.communicate()
    writer.close()
    series = fresh(layout).series("r", "a")
    assert series.steps == list(range(written)) and series.values == [float(step) for step in range(written)]
    assert the_summary(layout, "r", "b").count == written


@pytest.mark.parametrize("damage", ["delete", "scribble", "truncate"])
def test_a_rebuilt_store_is_the_same(layout: WorkspaceLayout, damage: str) -> None:
    for name in ("one", "two"):
        write_points(make_run(layout, name), "k", [(0, step, 1.0, step / 2) for step in range(500)])
    before = [(row.name, row.state) for row in fresh(layout).runs().rows]
    summary = the_summary(layout, "one", "k")
    if damage == "delete":
        layout.store.unlink()
    elif damage == "scribble":
        layout.store.write_bytes(b"\xff" * 50_000)
    else:
        layout.store.write_bytes(layout.store.read_bytes()[:5000])
    rebuild(layout)
    assert [(row.name, row.state) for row in Store(layout).runs().rows] == before
    assert the_summary(layout, "one", "k") == summary


def test_what_two_onlookers_tell_of_one_death_counts_once(layout: WorkspaceLayout) -> None:
    folder = make_run(layout, "r")
    for _ in range(2):
        judge = JournalWriter(folder, "judge")
        judge.event("state", state="Failed", generation=1, judged=True, seq=1, lost=5)
        judge.close()
    later = JournalWriter(folder, "judge")
    later.event("state", state="Failed", generation=2, judged=True, seq=1, lost=3)
    later.close()
    assert fresh(layout).run("r").lost_points == 8
