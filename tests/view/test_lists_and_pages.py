"""What front ends draw, over a real store: the list of runs, a run's page, its charts and the overview."""

import json
import math
from pathlib import Path

import pytest
from workbench.lifecycle.edits import edit_archived
from workbench.view.charts import metric_charts
from workbench.view.fresh import refresh
from workbench.view.overview import overview
from workbench.view.run_list import asked_for, list_columns, matching_names, parse_sort, run_list
from workbench.view.run_page import run_page, to_json_dict
from workbench_store.errors import NotFound, UsageError
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.processes import host_id
from workbench_store.records import SortKey
from workbench_store.states import RunState
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

from tests.store.journals import fresh, make_run, write_points

HOSTILE = 'it\'s "x"; DROP TABLE runs \x1b[31m\u202e \ud800'


@pytest.fixture
def layout(here: Path) -> WorkspaceLayout:
    return open_workspace()


@pytest.fixture
def store(layout: WorkspaceLayout) -> Store:
    """Four runs: digits-0 to digits-3, the last two Failed, number 3 with everything that a run can have."""
    for number in range(4):
        journals = layout.run(f"digits-{number}").journals
        journals.mkdir(parents=True)
        writer = JournalWriter(journals, "script")
        writer.event("run", name=f"digits-{number}", id="i", kind="script", experiment="digits", created=100.0 + number)
        state = "Failed" if number > 1 else "Completed"
        writer.event("state", state="Running", generation=1, judged=False, seq=1)
        writer.event("params", params={"lr": number / 10, "opt": "adam", "seed": 3 - number})
        for step in range(20):
            writer.points(200.0 + step, step, ("loss", "system/cpu_percent"), (float(number * step), 50.0))
        if number == 3:
            _everything(writer)
        writer.event("state", state=state, generation=1, judged=False, seq=2, reason="so it was", exit_code=number)
        writer.close()
    other = JournalWriter(layout.run("digits-3").journals, "client", 1)
    other.points(300.0, 0, ("loss",), (math.nan,))
    other.close()
    store = Store(layout)
    store.refresh()
    return store


def _everything(writer: JournalWriter) -> None:
    writer.event("tags", set={"team": "vision", HOSTILE: HOSTILE}, remove=[])
    writer.event("params", params={HOSTILE: HOSTILE, "nested": {"a": [1, None]}, "nan": math.nan})
    writer.event("stage", stage="run", status="started", detail={"why": HOSTILE})
    writer.event("stage", stage="validate", status="done", seconds=0.5, detail={})
    writer.event("input", name="data", type="uri_file", mode="ro_mount", path="a.csv", resolved="/a.csv")
    writer.event("output", name="model", type="uri_folder", mode="rw_mount", path=HOSTILE)
    writer.event("artifact", path="outputs/m.bin", kind="output", size=3, hash="ab")
    writer.event("snapshot", snapshot="0" * 32, files=2, bytes=10, upstream_hash=None, excluded={"*.pyc": 3})
    writer.event("environment", key="k", label="py", found="cache", python="/p", substituted=["x"], seconds=1.0)
    writer.event("lost", points=7, reason="full")
    writer.event("warning", text=HOSTILE)


def names(store: Store, filter: str, sort: SortKey | None = None) -> list[str]:
    return [row.name for row in run_list(store, list_columns(store), filter=filter, sort=sort).rows]


def test_the_list_shows_common_columns_newest_first(store: Store) -> None:
    columns = list_columns(store)
    assert columns.metrics == ("loss",) and columns.params[:3] == ("lr", "opt", "seed")
    assert set(columns.all_metrics) == {"loss", "system/cpu_percent"}
    assert columns.titles()[:3] == ("loss", "lr", "opt")
    assert list_columns(store, ["loss", "lr"], ["lr"]).titles() == ("loss", "metric.lr", "param.lr")
    found = run_list(store, columns)
    assert [row.name for row in found.rows] == ["digits-3", "digits-2", "digits-1", "digits-0"]
    assert [row.metrics for row in found.rows] == [(57.0,), (38.0,), (19.0,), (0.0,)]
    assert found.rows[1].params == (0.2, "adam", 1) and found.rows[1].state is RunState.FAILED


@pytest.mark.parametrize(
    ("filter", "numbers"),
    [
        ("", "3210"),
        ("state:failed", "32"),
        ("-state:failed", "10"),
        ("loss>=38", "32"),
        ("lr<0.15 seed>2", "0"),
        ("lr=0.1 | digits-3", "31"),
        ("exp:digit opt=ADAM", "3210"),
        ("exp=digit", ""),
        ("tag:team=vision", "3"),
        ("exit=2", "2"),
        ("created<1h", ""),
        ("metric.lr>0", ""),
        ("param.loss>0", ""),
        ('name:"s-2"', "2"),
        ("vision", "3"),
    ],
)
def test_filters_find_runs(store: Store, filter: str, numbers: str) -> None:
    expected = [f"digits-{number}" for number in numbers]
    assert names(store, filter) == matching_names(store, filter) == expected


def test_a_window_on_the_list_knows_the_whole(store: Store) -> None:
    found = run_list(store, list_columns(store), filter="lr>0", offset=1, limit=1)
    assert (found.total, found.offset, [row.name for row in found.rows]) == (3, 1, ["digits-2"])
    assert run_list(store, list_columns(store), offset=100).rows == ()


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("name", "digits-0"),
        ("loss", "digits-3"),
        ("seed", "digits-3"),
        ("params.lr", "digits-0"),
        ("metric.loss", "digits-3"),
        ("age", "digits-3"),
        ("state", "digits-0"),
    ],
)
def test_a_list_is_sorted_by_what_is_named(store: Store, text: str, first: str) -> None:
    columns = list_columns(store)
    rising = parse_sort(text, columns)
    assert names(store, "", rising)[0] == first
    turned = parse_sort(text, columns, descending=not rising.descending)
    assert names(store, "", turned)[-1] == first


def test_columns_are_those_of_the_runs_that_are_listed(layout: WorkspaceLayout) -> None:
    for name, experiment in (("o1", "old"), ("o2", "old"), ("n1", "new")):
        journals = make_run(layout, name)
        writer = JournalWriter(journals, "client")
        writer.event("tags", set={"of": experiment}, remove=[])
        writer.event("params", params={f"{experiment}_{key}": 1 for key in "abcd"})
        writer.close()
        for key in "abcde":
            write_points(journals, f"{experiment}_{key}", [(0, 0, 1.0, 1.0)])
    store = fresh(layout)
    asked = asked_for(store, "tag:of=new")
    columns = list_columns(store, among=asked)
    assert columns.metrics == ("new_a", "new_b", "new_c", "new_d") and columns.params == ("new_a", "new_b", "new_c")
    assert "old_a" in columns.all_metrics and [row.name for row in run_list(store, columns, asked=asked).rows] == ["n1"]
    columns = list_columns(store, among=asked_for(store, "metric.new_e>0"))
    assert columns.metrics == ("new_e", "new_a", "new_b", "new_c")
    assert list_columns(store, sort=SortKey("metric", "new_e")).metrics == ("new_e", "old_a", "old_b", "old_c")
    assert list_columns(store, ["old_a"], among=asked).metrics == ("old_a",)
    edit_archived(layout, ["o1", "o2"], True)
    store = fresh(layout)
    assert list_columns(store, among=asked_for(store, "")).metrics == ("new_a", "new_b", "new_c", "new_d")
    assert list_columns(store, among=asked_for(store, "archived:yes")).metrics[0] == "old_a"


def test_an_unknown_column_is_named_with_those_there_are(store: Store) -> None:
    with pytest.raises(UsageError, match="speed") as raised:
        parse_sort("speed", list_columns(store))
    assert "loss" in str(raised.value) and "lr" in str(raised.value)


def test_a_page_holds_the_whole_run_and_is_json(store: Store, layout: WorkspaceLayout) -> None:
    page = run_page(layout, store, "digits-3")
    found = json.loads(json.dumps(to_json_dict(page)))
    assert (found["state"], found["exit_code"], found["reason"], found["lost_points"]) == ("Failed", 3, "so it was", 7)
    assert [stage["stage"] for stage in found["stages"]] == ["validate", "run"]
    assert [(one["key"], one["rank"], one["count"]) for one in found["metrics"]] == [
        ("loss", 0, 20),
        ("loss", 1, 1),
        ("system/cpu_percent", 0, 20),
    ]
    assert found["inputs"][0]["resolved"] == "/a.csv" and found["outputs"][0]["name"] == "model"
    assert found["artifacts"] == [{"path": "outputs/m.bin", "kind": "output", "size": 3, "hash": "ab"}]
    assert found["snapshot"]["excluded"] == {"*.pyc": 3} and found["snapshot"]["files"] == []
    assert found["environment"]["found"] == "cache" and found["tags"]["team"] == "vision"
    assert found["created"] == "1970-01-01T00:01:43.000Z" and found["spec"] is None


def test_a_page_is_fresh_without_a_refresh(store: Store, layout: WorkspaceLayout) -> None:
    writer = JournalWriter(layout.run("digits-0").journals, "client")
    writer.points(1.0, 99, ("loss",), (-1.0,))
    writer.close()
    page = run_page(layout, store, "digits-0")
    assert next(one for one in page.metrics if one.key == "loss").last == -1.0


@pytest.mark.parametrize("name", ["digits", "", ".", "../runs/digits-0", "digits-0/", "./digits-0", "a\x00", HOSTILE])
def test_a_page_of_no_run_is_not_found(store: Store, layout: WorkspaceLayout, name: str) -> None:
    with pytest.raises(NotFound):
        run_page(layout, store, name)
    assert len(Store(layout).runs().rows) == 4


def test_charts_have_a_line_for_each_rank(store: Store) -> None:
    (chart,) = metric_charts(store, "digits-3", max_points=10)
    assert chart.key == "loss" and [series.rank for series in chart.series] == [0, 1]
    assert chart.last == 57.0 and len(chart.series[0]) <= 10
    (system,) = metric_charts(store, "digits-3", max_points=10, system=True)
    assert system.key == "system/cpu_percent"
    assert metric_charts(store, "digits", max_points=10) == ()


def test_the_overview_counts_states(store: Store) -> None:
    found = overview(store)
    assert found.total == 4 and found.states == ((RunState.COMPLETED, 2), (RunState.FAILED, 2))


def test_an_empty_workspace_has_empty_views(layout: WorkspaceLayout) -> None:
    store = Store(layout)
    refresh(layout, store)
    columns = list_columns(store)
    assert run_list(store, columns).rows == () and columns.all_metrics == () and overview(store).total == 0


def test_a_refresh_judges_scripts_that_are_gone(layout: WorkspaceLayout) -> None:
    files = layout.run("gone")
    files.journals.mkdir(parents=True)
    files.control.mkdir()
    files.identity.write_text(json.dumps({"name": "gone", "id": "i", "kind": "script", "host": host_id()}))
    writer = JournalWriter(files.journals, "script")
    writer.event("run", name="gone", id="i", kind="script", experiment="e")
    writer.event("state", state="Running", generation=1, judged=False, seq=1)
    writer.close()
    lock, store = FileLock(files.script_lock), Store(layout)
    lock.acquire()
    refresh(layout, store)
    assert store.run("gone").state is RunState.RUNNING
    lock.release()
    assert refresh(layout, store).changed
    assert store.run("gone").state is RunState.FAILED and store.run("gone").ended is not None
