"""Questions that no list expects: every filter, every order, text that is no text, and series with holes."""

import itertools
import math

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from workbench.view.filter import parse_filter
from workbench_store.errors import NotFound, UsageError
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.queries.conditions import COLUMNS
from workbench_store.records import Condition, Operator, RunQuery, SortKey
from workbench_store.store import Store

from tests.store.journals import fresh, make_run, write_points

pytestmark = pytest.mark.slow

PARAMS: dict[str, object] = {
    "unicode": "naïve ünïcode",
    "path": "C:\\data\\new",
    "quotes": 'say "hi"',
    "quoted": '"whole"',
    "number": 0.1,
    "number-text": "0.1",
    "flag": True,
    "none": None,
    "list": [1, 2],
    "huge": 10**30,
    "nan": math.nan,
}
OPERATORS: list[Operator] = ["=", "!=", "<", "<=", ">", ">=", "~"]


@pytest.fixture
def store(layout: WorkspaceLayout) -> Store:
    """Two runs, of which one holds everything and the other nothing."""
    journals = make_run(layout, "full")
    writer = JournalWriter(journals, "client")
    writer.event("params", params=PARAMS)
    writer.event("tags", set={"who": "Ünal"}, remove=[])
    writer.close()
    write_points(journals, "loss", [(0, 0, 1.0, 0.5)])
    write_points(journals, "bad", [(0, 0, 1.0, math.nan)])
    make_run(layout, "bare")
    return fresh(layout)


def names(store: Store, text: str) -> list[str]:
    return store.runs(RunQuery(parse_filter(text).alternatives)).names


@pytest.mark.parametrize(
    "text",
    [
        "param.unicode=naïve",
        'param.unicode="NAÏVE ÜNÏCODE"',
        "param.path=C:\\data\\new",
        "param.path~\\data\\",
        "param.number=0.1",
        "param.number-text=0.1",
        "param.number<0.2",
        "param.flag=true",
        "param.flag=1",
        "tags.who=ünal",
        "metric.bad=nan",
    ],
)
def test_a_filter_finds_what_was_written(store: Store, text: str) -> None:
    expected = ["full"] if text != "param.unicode=naïve" else []
    assert names(store, text) == expected


def test_quotes_in_a_value_are_compared_as_they_are(store: Store) -> None:
    for key in ("quotes", "quoted"):
        found = RunQuery(alternatives=((Condition("param", key, "=", str(PARAMS[key])),),))
        assert store.runs(found).names == ["full"]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(), max_size=40) | st.from_regex(r"-?[a-z]{0,8}\.?[a-z]{0,4}(<=|>=|!=|[:=<>~])\S{0,6}"))
@example("\ud800")
@example("lr=\udcff")
@example("tags.\udcff:x")
@example("name:\x00")
@example("exit~1")
@example("created>9" + "9" * 400 + "d")
@example("duration<nan")
@example("metric.loss=1e999")
def test_whatever_parses_can_be_asked(store: Store, text: str) -> None:
    try:
        alternatives = parse_filter(text).alternatives
    except UsageError:
        return
    assert set(store.runs(RunQuery(alternatives)).names) <= {"full", "bare"}


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_column_takes_every_comparison(store: Store, operator: Operator) -> None:
    values: tuple[str | float, ...] = ("text", math.inf)
    for column, value in ((column, value) for column in COLUMNS for value in values):
        condition = Condition("column", column, operator, value)
        negated = Condition("column", column, operator, value, negated=True)
        found = [store.runs(RunQuery(alternatives=((one,),))).names for one in (condition, negated)]
        assert sorted(found[0] + found[1]) == ["bare", "full"], column


def test_every_column_orders(store: Store) -> None:
    for column, descending in itertools.product(COLUMNS, (False, True)):
        found = store.runs(RunQuery(sort=SortKey("column", column, descending)))
        assert sorted(found.names) == ["bare", "full"], column


@pytest.mark.parametrize("sort", [SortKey("metric", "loss", False), SortKey("param", "unicode", True)])
def test_runs_without_the_value_come_last(store: Store, sort: SortKey) -> None:
    assert store.runs(RunQuery(sort=sort)).names == ["full", "bare"]
    other = SortKey(sort.kind, sort.name, not sort.descending)
    assert store.runs(RunQuery(sort=other)).names == ["full", "bare"]


def test_every_parameter_comes_back_in_its_column(store: Store) -> None:
    table = store.runs(RunQuery(sort=SortKey("column", "name", True), params=tuple(PARAMS)))
    kept = dict(zip(PARAMS, table.rows[0].params, strict=True))
    assert math.isnan(float(str(kept.pop("nan"))))
    assert kept == {key: value for key, value in PARAMS.items() if key != "nan"}
    assert table.rows[1].params == (None,) * len(PARAMS)


def test_windows_cover_the_list_once(layout: WorkspaceLayout) -> None:
    for number in range(23):
        make_run(layout, f"run-{number:02}")
    store = fresh(layout)
    for sort in (SortKey(), SortKey("column", "experiment", False), SortKey("metric", "none", True)):
        every = store.runs(RunQuery(sort=sort)).names
        pieces = [store.runs(RunQuery(sort=sort, offset=offset, limit=5)) for offset in range(0, 30, 5)]
        assert [name for piece in pieces for name in piece.names] == every and len(set(every)) == 23
        assert {piece.total for piece in pieces} == {23}


@pytest.mark.parametrize("text", ["\udcff", "fu\x00", "%", "_", "fu' OR '1'='1", "ful*", "\x1b[31m", "x" * 10_000])
def test_what_is_no_name_is_not_found(store: Store, text: str) -> None:
    with pytest.raises(NotFound):
        store.resolve(text)
    with pytest.raises(NotFound):
        store.run(text)
    assert store.series("full", text).total == 0 and store.params(text) == {} and store.metrics(text) == []


def test_a_name_near_a_run_is_offered(store: Store) -> None:
    with pytest.raises(NotFound, match="Did you mean full"):
        store.resolve("fuul")


@pytest.mark.parametrize("hole", [math.nan, math.inf, -math.inf])
def test_a_thinned_series_with_holes_keeps_its_extremes(layout: WorkspaceLayout, hole: float) -> None:
    values = [math.sin(step / 50) for step in range(4000)]
    values[1235], values[2222] = 9.0, -9.0
    for step in range(0, 4000, 10):
        values[step] = hole
    write_points(make_run(layout, "r"), "k", [(0, step, 1.0, value) for step, value in enumerate(values)])
    series = fresh(layout).series("r", "k", max_points=100)
    assert {9.0, -9.0} <= set(series.values)
    assert (series.steps[0], series.steps[-1], series.total) == (0, 3999, 4000)
    assert series.steps == sorted(set(series.steps)) and len(series) <= 100


def test_a_thinned_series_of_nothing_but_holes_still_has_its_ends(layout: WorkspaceLayout) -> None:
    write_points(make_run(layout, "r"), "k", [(0, step, 1.0, math.nan) for step in range(1000)])
    series = fresh(layout).series("r", "k", max_points=20)
    assert series.steps[0] == 0 and series.steps[-1] == 999 and all(map(math.isnan, series.values))
    assert 2 <= len(series) <= 20


@pytest.mark.parametrize("most", [1, 2, 3, 5, 10, 999, 1000, 5000])
def test_no_more_points_than_asked_for(layout: WorkspaceLayout, most: int) -> None:
    write_points(make_run(layout, "r"), "k", [(0, step, 1.0, float(step % 7)) for step in range(1000)])
    series = fresh(layout).series("r", "k", max_points=most)
    assert (series.steps[0], series.steps[-1]) == (0, 999) and len(series) <= max(4, most)
