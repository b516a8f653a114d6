"""Lists, filters, orders and series, with names that try to be something else."""

import math

import pytest
from workbench_store.errors import NotFound
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import Condition, RunQuery, SortKey
from workbench_store.store import Store

from tests.store.journals import fresh, make_run, write_points

HOSTILE = ["it's", 'say "hi"', "; DROP TABLE runs; --", "$1", "?", "naïve ünïcode 🦉", "[bold]x[/bold]", "\x1b[31mred"]


def with_params(layout: WorkspaceLayout, name: str, params: dict[str, object], tags: dict[str, str]) -> None:
    writer = JournalWriter(make_run(layout, name), "client")
    writer.event("params", params=params)
    writer.event("tags", set=tags, remove=[])
    writer.close()


@pytest.fixture
def store(layout: WorkspaceLayout) -> Store:
    for number in range(5):
        with_params(
            layout, f"run-{number}", {"lr": number / 10, "opt": "adam" if number % 2 else "sgd"}, {"n": str(number)}
        )
        journals = layout.run(f"run-{number}").journals
        write_points(journals, "loss", [(0, step, 1.0, float(number * step)) for step in range(number + 1)])
    return fresh(layout)


def names(store: Store, *conditions: Condition) -> set[str]:
    return set(store.runs(RunQuery(alternatives=(conditions,))).names)


def test_conditions(store: Store) -> None:
    assert names(store, Condition("any", "lr", ">", 0.25)) == {"run-3", "run-4"}
    assert names(store, Condition("param", "opt", "=", "ADAM")) == {"run-1", "run-3"}
    assert names(store, Condition("metric", "loss", ">=", 9.0)) == {"run-3", "run-4"}
    assert names(store, Condition("tag", "n", "=", "2")) == {"run-2"}
    assert names(store, Condition("tag", "n", "=", "2", negated=True)) == {"run-0", "run-1", "run-3", "run-4"}
    assert names(store, Condition("text", "", "~", "RUN-3")) == {"run-3"}
    with_params(store.layout, "run-9", {}, {"n": "11"})
    with_params(store.layout, "run-8", {}, {"n": "none"})
    store.refresh()
    assert names(store, Condition("tag", "n", ">=", 4.0)) == {"run-4", "run-9"}, "as numbers"
    assert names(store, Condition("tag", "n", ">", "4")) == {"run-8"}, "by their letters"
    assert names(store, Condition("any", "nothing", ">", 0.0)) == set()
    either = RunQuery(alternatives=((Condition("any", "lr", "=", 0.1),), (Condition("any", "lr", "=", 0.4),)))
    assert set(store.runs(either).names) == {"run-1", "run-4"}


def test_order_and_window(store: Store) -> None:
    falling = RunQuery(sort=SortKey("metric", "loss", True))
    assert store.runs(falling).names == ["run-4", "run-3", "run-2", "run-1", "run-0"]
    rising = RunQuery(sort=SortKey("param", "lr", False), offset=1, limit=2)
    table = store.runs(rising)
    assert table.names == ["run-1", "run-2"] and table.total == 5


def test_columns_beside_the_runs(store: Store) -> None:
    table = store.runs(RunQuery(sort=SortKey("column", "name", False), metrics=("loss", "none"), params=("opt", "lr")))
    assert table.rows[3].metrics == (9.0, None) and table.rows[3].params == ("adam", 0.3)
    assert store.keys() == (["loss"], ["lr", "opt"])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(layout: WorkspaceLayout, text: str) -> None:
    with_params(layout, "r", {text: text}, {text: text})
    write_points(layout.run("r").journals, text, [(0, 0, 1.0, 7.0)])
    store = fresh(layout)
    assert store.params("r") == {text: text} and store.run("r").tags == {text: text}
    assert store.series("r", text).values == [7.0]
    table = store.runs(RunQuery(metrics=(text,), params=(text,), sort=SortKey("metric", text)))
    assert table.rows[0].metrics == (7.0,) and table.rows[0].params == (text,)
    assert names(store, Condition("metric", text, "=", 7.0), Condition("param", text, "=", text)) == {"r"}
    assert names(store, Condition("tag", text, "~", text)) == {"r"}


def test_names_and_prefixes(store: Store) -> None:
    assert store.resolve("run-1") == "run-1"
    with pytest.raises(NotFound, match="5 runs"):
        store.resolve("run")
    with pytest.raises(NotFound, match="run-"):
        store.resolve("rum-1")
    with pytest.raises(NotFound):
        store.resolve("")
    with pytest.raises(NotFound):
        store.run("run")


def test_a_thinned_series_keeps_its_ends_and_extremes(layout: WorkspaceLayout) -> None:
    values = [float((step * 7919) % 1000) for step in range(10_000)]
    values[1234], values[8765] = -50.0, 5000.0
    write_points(make_run(layout, "r"), "k", [(0, step, 1.0, value) for step, value in enumerate(values)])
    series = fresh(layout).series("r", "k", max_points=200)
    assert len(series) <= 200 and series.total == 10_000
    assert series.steps == sorted(series.steps) and series.steps[0] == 0 and series.steps[-1] == 9999
    assert min(series.values) == -50.0 and max(series.values) == 5000.0
    assert fresh(layout).series("r", "nothing").total == 0


def test_a_metric_of_several_runs_is_that_of_each(layout: WorkspaceLayout) -> None:
    expected = {}
    for number, count in enumerate((0, 1, 3, 400, 5000)):
        journals = make_run(layout, f"r{number}")
        values = [math.nan if step % 7 == 3 else math.sin(step * number) for step in range(count)]
        write_points(journals, "loss", [(0, step, float(step), value) for step, value in enumerate(values)])
        write_points(journals, "other", [(0, 0, 0.0, 9.0)])
        write_points(journals, "loss", [(1, 0, 0.0, 7.0)])
    store = fresh(layout)
    for number in range(1, 5):
        expected[f"r{number}"] = store.series(f"r{number}", "loss", max_points=200)
    found = store.series_of_runs([f"r{number}" for number in range(5)] + ["nobody"], "loss", max_points=200)
    assert found.keys() == expected.keys()
    for name, one in found.items():
        known = expected[name]
        assert (one.steps, one.times, one.total) == (known.steps, known.times, known.total)
        assert [value for value in one.values if value == value] == [value for value in known.values if value == value]
    assert store.series_of_runs([], "loss") == {} == store.series_of_runs(["r1"], "nothing")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition("any", "v", "=", 2.1, written="2.10"), {"text", "number"}),
        (Condition("param", "v", "=", 2.1, written="2.1"), {"number", "other"}),
        (Condition("param", "v", "!=", 2.1, written="2.10"), {"other"}),
        (Condition("param", "v", "<", 3.0, written="3"), {"text", "number", "other"}),
        (Condition("param", "v", "=", 2.1), {"text", "number", "other"}),
    ],
)
def test_a_parameter_given_as_text_is_equal_to_that_text_alone(
    layout: WorkspaceLayout, condition: Condition, expected: set[str]
) -> None:
    for name, value in (("text", "2.10"), ("other", "2.1"), ("number", 2.1)):
        writer = JournalWriter(make_run(layout, name), "client")
        writer.event("params", params={"v": value})
        writer.close()
    assert names(fresh(layout), condition) == expected
