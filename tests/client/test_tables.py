"""Tables in every form that a script has them in come back cell by cell, with the types of their columns."""

import datetime
import math
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workbench.client.active_run import ActiveRun
from workbench.client.media import tables
from workbench_store.errors import UsageError

from tests.client.media import json_of, media_of

pytestmark = pytest.mark.slow

CELLS = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=5)
TABLES = st.integers(0, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6).map(lambda rows: (width, rows))
)


def logged(run: ActiveRun) -> Any:
    return json_of(run, media_of(run, "table")[-1])


def as_json(cell: Any) -> Any:
    if isinstance(cell, float) and not math.isfinite(cell):
        return "NaN" if math.isnan(cell) else "Infinity" if cell > 0 else "-Infinity"
    return cell.encode("utf-8", "replace").decode() if isinstance(cell, str) else cell


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TABLES)
def test_cells_come_back_whatever_the_form(run: ActiveRun, table: tuple[int, list[list[Any]]]) -> None:
    width, rows = table
    names = [f"c{number}" for number in range(width)]
    expected = [[as_json(cell) for cell in row] for row in rows]
    run.log_table("k", rows, columns=names)
    first = logged(run)
    assert first["rows"] == expected and [column["name"] for column in first["columns"]] == names
    if rows and width:
        run.log_table("k", [dict(zip(names, row, strict=True)) for row in rows])
        assert logged(run) == first
        columns = zip(*rows, strict=True)
        run.log_table("k", {name: list(column) for name, column in zip(names, columns, strict=True)})
        assert logged(run) == first


class Frame:
    """What pandas' data frames can do."""

    columns = ("a", "b", "a")

    def to_dict(self, orient: str) -> dict[str, Any]:
        assert orient == "split"
        return {"columns": ["a", ("b", 1), "a"], "data": [[1, "x", 2.5], [3, "y", math.nan]], "index": [0, 1]}


class Indexed:
    """A pandas data frame whose rows have labels."""

    columns = ("acc",)

    def __init__(self, names: list[str | None], entries: list[Any]) -> None:
        self.index = SimpleNamespace(names=names)
        self._entries = entries

    def to_dict(self, orient: str) -> dict[str, Any]:
        return {"columns": ["acc"], "data": [[0.5], [0.6]], "index": self._entries}


@pytest.mark.parametrize(
    ("names", "entries", "columns", "first"),
    [
        (["class"], ["cat", "dog"], ["class", "acc"], ["cat", 0.5]),
        ([None], ["mean", "std"], ["index", "acc"], ["mean", 0.5]),
        ([None], [3, 5], ["index", "acc"], [3, 0.5]),
        (["a", None], [("x", 1), ("y", 2)], ["a", "1", "acc"], ["x", 1, 0.5]),
        (["acc"], ["cat", "dog"], ["acc", "acc'"], ["cat", 0.5]),
        ([None], [0, 1], ["acc"], [0.5]),
    ],
)
def test_the_labels_of_rows_are_columns(
    run: ActiveRun, names: list[str | None], entries: list[Any], columns: list[str], first: list[Any]
) -> None:
    run.log_table("k", Indexed(names, entries))
    table = logged(run)
    assert [column["name"] for column in table["columns"]] == columns and table["rows"][0] == first


class Arrow:
    def to_pydict(self) -> dict[str, Any]:
        return {"a": [1, None], "b": [datetime.date(2026, 1, 2), None]}


class Series:
    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def to_list(self) -> list[Any]:
        return self.values


class Polars(dict[str, Series]):
    columns = ("a", "b")

    def to_dicts(self) -> list[dict[str, Any]]:
        raise AssertionError


@pytest.mark.parametrize(
    ("table", "kinds", "rows"),
    [
        (Frame(), {"a": "number", "b.1": "text", "a'": "number"}, [[1, "x", 2.5], [3, "y", "NaN"]]),
        (Arrow(), {"a": "number", "b": "text"}, [[1, "2026-01-02"], [None, None]]),
        (Polars(a=Series([1]), b=Series([True])), {"a": "number", "b": "boolean"}, [[1, True]]),
        ({"a": numpy.array([1, 2]), "b": numpy.array([0.5, numpy.inf])}, {"a": "number", "b": "number"}, None),
        ({"a": (1, "x"), "b": [None, None]}, {"a": "mixed", "b": "empty"}, [[1, None], ["x", None]]),
        ([{"a": 1}, {"b": 2}], {"a": "number", "b": "number"}, [[1, None], [None, 2]]),
        ({"a": [object]}, {"a": "text"}, [["<class 'object'>"]]),
        ({"a": [2**70, numpy.float32(0.5)]}, {"a": "mixed"}, [["0x400000000000000000"], [0.5]]),
        ({}, {}, []),
    ],
)
def test_forms_and_types(run: ActiveRun, table: Any, kinds: dict[str, str], rows: list[list[Any]] | None) -> None:
    run.log_table("k", table, step=3)
    found = logged(run)
    assert {column["name"]: column["type"] for column in found["columns"]} == kinds
    assert rows is None or found["rows"] == rows
    assert media_of(run)[0].detail == {"rows": len(found["rows"]), "columns": len(kinds)}


def test_an_array_takes_names(run: ActiveRun) -> None:
    run.log_table("k", numpy.arange(6).reshape(3, 2), columns=["x", "y"])
    assert logged(run)["rows"] == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("text", None),
        (5, None),
        (None, None),
        ([[1]], None),
        ([[1], [1, 2]], ["a"]),
        ([1, 2], ["a"]),
        ({"a": [1], "b": [1, 2]}, None),
        ({"a": "text"}, None),
        ({"a": 5}, None),
        ({"a": [1]}, ["b"]),
        ([[1]], "a"),
        ([[1]], [1]),
        ([[0]] * (tables.MOST_ROWS + 1), ["a"]),
        ([[0] * 1001], [str(number) for number in range(1001)]),
        ([["x" * 10_000]] * 2_000, ["a"]),
    ],
)
def test_what_is_no_table_is_refused_with_its_key(run: ActiveRun, table: Any, columns: Any) -> None:
    with pytest.raises(UsageError, match="the-key"):
        run.log_table("the-key", table, columns=columns)
    assert media_of(run) == []
