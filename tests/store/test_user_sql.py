"""SQL that users write: what it gives, what it may not do, and how it points at what is wrong."""

import hashlib
import math
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workbench_store.errors import StoreBusy, UsageError, WorkbenchError
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.store import Store
from workbench_store.user_sql.session import matching, query
from workbench_store.user_sql.statement import QueryError
from workbench_store.user_sql.views import VIEWS
from workbench_store.workspace import open_workspace

from tests.store.journals import fresh, make_run, python, write_points

pytestmark = pytest.mark.slow

RUNS: dict[str, tuple[dict[str, Any], dict[str, str], float]] = {
    "a": (
        {"lr": 0.1, "opt": "adam", "warm": True, "model.depth": 2, "mixed": 1},
        {"team": "vision", "seed": "9"},
        0.95,
    ),
    "b": ({"lr": 0.05, "opt": "sgd", "warm": False, "model.depth": 3, "mixed": "auto"}, {"team": "text"}, 0.91),
    "c": ({"lr": 1e-05, "opt": "a\"b'c", "mixed": 10}, {"seed": "10"}, 0.5),
    "d": ({}, {}, math.nan),
}


@pytest.fixture(scope="module")
def four_runs(tmp_path_factory: pytest.TempPathFactory) -> WorkspaceLayout:
    """Four runs with parameters of several types, tags, and a metric whose name needs quotation marks."""
    layout = open_workspace(explicit=str(tmp_path_factory.mktemp("four-runs") / "ws"))
    for name, (params, tags, accuracy) in RUNS.items():
        journals = make_run(layout, name)
        writer = JournalWriter(journals, "client")
        writer.event("params", params=params)
        writer.event("tags", set=tags, remove=[])
        writer.event("archived", archived=False)
        writer.close()
        write_points(journals, "accuracy", [(0, 0, 1.0, 0.1), (0, 1, 2.0, accuracy)])
        write_points(journals, "val/loss", [(0, 0, 1.0, 1.0 - accuracy)])
        write_points(journals, "accuracy", [(1, 0, 1.0, 0.0)])
    fresh(layout)
    return layout


@pytest.fixture
def store(layout: WorkspaceLayout, four_runs: WorkspaceLayout) -> Store:
    """A workspace of the test's own with the four runs."""
    shutil.copytree(four_runs.root, layout.root, dirs_exist_ok=True)
    return Store(layout)


def rows(store: Store, text: str) -> list[tuple[Any, ...]]:
    with store.query(text) as result:
        return result.rows()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("metrics.accuracy > 0.9", "ab"),
        ("metrics.accuracy > 0.9 and (params.lr < 0.1 or tags.team = 'vision')", "ab"),
        ('metrics."val/loss" < 0.1', "ab"),
        ('metrics."val/loss" < 0.1 and params.lr = 0.1', "a"),
        ("params.lr < 0.06", "bc"),
        ("params.lr BETWEEN 0.05 AND 0.1", "ab"),
        ("params.lr IN (0.1, 1e-5)", "ac"),
        ("0.05 <= params.lr", "ab"),
        ("params.lr * 10 > 0.4", "ab"),
        ("params.lr > -1", "abc"),
        ("params.opt = 'adam'", "a"),
        ("params.opt LIKE 'a%'", "ac"),
        ("params.opt < 0.5", ""),
        ("params.warm", "a"),
        ("params.warm = false", "b"),
        ("params.model.depth = 3", "b"),
        ('params."model.depth" > 2', "b"),
        ("params.mixed > 5", "c"),
        ("params.mixed = 'auto'", "b"),
        ("params.lr IS NULL", "d"),
        ("tags.seed > 9.5", "c"),
        ("tags.seed = '10'", "c"),
        ("PARAMS.lr < 0.06 AND runs.params.opt = 'sgd'", "b"),
        ("name = 'a' -- and what follows is said to nobody", "a"),
        ("name in (select run from points where value between 0.93 and 1)", "a"),
        ("exists (select 1 from params p where p.run = runs.name and p.key = 'warm' and p.value = 'true')", "a"),
        ("isnan(metrics.accuracy)", "d"),
        ('metrics.accuracy > metrics."val/loss"', "ab"),
        ("metrics.accuracy * 2 > abs(-1)", "ab"),
        ("metrics.accuracy > 1e-3::DOUBLE", "abc"),
        ("params.mixed > metrics.accuracy * 2", "c"),
        ("abs(params.lr - 0.1) < 1e-9", "a"),
        ("params.lr IS NOT DISTINCT FROM 0.1", "a"),
        ("not metrics.accuracy > 0.9", "c"),
        ("true", "abcd"),
        ("null", ""),
    ],
)
def test_conditions(store: Store, condition: str, expected: str) -> None:
    assert "".join(store.matching(condition).names) == expected


def test_keys_get_their_own_names_and_types(store: Store) -> None:
    asked = (
        'SELECT r.name, r.params.lr, params.opt AS o, metrics."val/loss", params.warm FROM runs r ORDER BY params.lr'
    )
    with store.query(asked) as result:
        assert result.columns == ("name", "lr", "o", "val/loss", "warm")
        assert result.types == ("VARCHAR", "DOUBLE", "VARCHAR", "DOUBLE", "BOOLEAN")
        assert [row[:3] for row in result][:2] == [("c", 1e-05, "a\"b'c"), ("b", 0.05, "sgd")]


VERSIONS = {
    "v1": {"version": "2.10", "seed": 2**64 + 1, "width": "64", "mixed": True, "depth": 5},
    "v2": {"version": "2.1", "seed": 2**64 + 3, "width": "128", "mixed": 1, "depth": 5},
    "v3": {"version": "0012", "seed": 7, "width": "1e3", "mixed": 0.5, "depth": 7},
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("params.version = '2.10'", "v1"),
        ("params.version IN ('2.1', '12')", "v2"),
        ("params.version <> '2.1'", "v1v3"),
        ("params.version IS NOT DISTINCT FROM '0012'", "v3"),
        ("params.version < 3", "v1v2"),
        ("params.seed = '18446744073709551617'", "v1"),
        ("params.width = '64'", "v1"),
        ("params.width > 100", "v2v3"),
    ],
)
def test_text_that_reads_as_a_number_is_told_from_another(
    layout: WorkspaceLayout, condition: str, expected: str
) -> None:
    store = versions(layout)
    assert "".join(sorted(store.matching(condition).names)) == expected


def test_a_number_is_one_thing_wherever_it_is_written(layout: WorkspaceLayout) -> None:
    store = versions(layout)
    asked = "SELECT params.depth, count(*) FROM runs GROUP BY params.depth HAVING params.depth = '5'"
    assert rows(store, asked) == [(5.0, 2)]
    assert rows(store, "SELECT max(x.params.seed) FROM (SELECT * FROM runs) x") == [("7",)]
    with pytest.raises(QueryError, match="no run has a parameter 'sed'"):
        rows(store, "SELECT x.params.sed FROM (SELECT * FROM runs) x")
    with store.query("SELECT ended - created AS took FROM runs") as result, pytest.raises(UsageError, match="took"):
        result.polars()


def versions(layout: WorkspaceLayout) -> Store:
    for name, params in VERSIONS.items():
        writer = JournalWriter(make_run(layout, name), "client")
        writer.event("params", params=params)
        writer.close()
    return fresh(layout)


def test_parameters_are_shown_as_they_were_given(layout: WorkspaceLayout) -> None:
    asked = "SELECT params.version, params.seed, params.width, params.mixed FROM runs ORDER BY name"
    assert rows(versions(layout), asked) == [
        ("2.10", "18446744073709551617", "64", "true"),
        ("2.1", "18446744073709551619", "128", "1"),
        ("0012", "7", "1e3", "0.5"),
    ]


def test_the_views_metrics_and_params_are_tables_with_columns_of_their_own(store: Store) -> None:
    assert rows(store, "SELECT metrics.rank FROM metrics WHERE metrics.key = 'accuracy' AND run = 'a' ORDER BY 1") == [
        (0,),
        (1,),
    ]
    joined = "SELECT params.number, r.metrics.accuracy FROM params JOIN runs r ON r.name = params.run WHERE key = 'lr'"
    assert sorted(rows(store, joined)) == [(1e-05, 0.5), (0.05, 0.91), (0.1, 0.95)]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_view_has_the_columns_that_are_promised(store: Store, view: Any) -> None:
    with store.query(f"SELECT * FROM {view.name}") as result:
        assert result.columns == tuple(name for name, _ in view.columns)
        assert len(result) == len(result.rows())


def test_points_are_all_there(store: Store) -> None:
    assert rows(
        store, "SELECT count(*), sum(value) FROM points WHERE key = 'accuracy' AND rank = 0 AND run <> 'd'"
    ) == [(6, pytest.approx(0.3 + 0.95 + 0.91 + 0.5))]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT nme FROM runs", ["line 1, column 8", "nme", "Did you mean name"]),
        ("SELECT name\nFROM runs\nWHERE ünd = 1", ["line 3, column 7", "WHERE ünd = 1", "      ^"]),
        ("SELECT params.lrr FROM runs", ["column 8", "parameter 'lrr'", "Did you mean lr?"]),
        ("SELECT params.lr, metrics.acuracy FROM runs", ["column 19", "Did you mean accuracy?"]),
        ("SELECT params.lr, 'é', nme FROM runs", ["column 24"]),
        ("SELECT name FRM runs", ["column 17", "syntax error"]),
        ("SELECT name FROM runz", ["column 18", "runs"]),
        ("SELECT params.opt::INT, 1 FROM runs", ["adam"]),
        ("SELECT 'abc", ["unterminated"]),
        ("SELECT fo(name) FROM runs", ["column 8", "fo"]),
        ("", ["one SELECT"]),
        (" -- nothing", ["one SELECT"]),
        ("SELECT '\x1b[31m' || nme FROM runs", ["nme"]),
    ],
)
def test_errors_point_at_the_place(store: Store, text: str, told: list[str]) -> None:
    with pytest.raises(QueryError) as caught:
        store.query(text)
    assert [part for part in told if part not in str(caught.value)] == []
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("condition", "column", "about"),
    [
        ("metrics.accuracy >", 18, "'>'"),
        ("name = 'a') OR (true", 11, "')'"),
        ("name = (", 8, "'('"),
        ("a b c", 5, "'c'"),
    ],
)
def test_a_condition_that_is_not_whole_is_pointed_at(store: Store, condition: str, column: int, about: str) -> None:
    with pytest.raises(QueryError) as caught:
        store.matching(condition)
    first, *shown = caught.value.message.replace('"', "'").splitlines()
    assert first.startswith(f"line 1, column {column}: ") and about in first
    assert shown == [f"    {condition}".replace('"', "'"), " " * (column + 3) + "^"]


@pytest.mark.parametrize(
    ("sample", "most"),
    [
        ("USING SAMPLE 1", 1),
        ("TABLESAMPLE 100%", 99),
        ("USING SAMPLE 100 PERCENT (bernoulli)", 99),
        ("USING SAMPLE 2 ROWS", 2),
    ],
)
def test_a_sample_can_be_asked_for(store: Store, sample: str, most: int) -> None:
    there = len(store.query("SELECT name FROM runs"))
    assert len(store.query(f"SELECT name FROM runs {sample}")) == min(most, there) > 0


def test_a_statement_may_name_tables_of_its_own(store: Store) -> None:
    asked = """WITH RECURSIVE Best AS (SELECT name FROM RUNS WHERE metrics.accuracy > 0.9),
        number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 3)
        SELECT count(*) FROM best b, number, (WITH inner_one AS (FROM best) FROM inner_one) c"""
    assert rows(store, asked) == [(12,)]
    assert len(rows(store, "SELECT * FROM (DESCRIBE runs)")) == len(VIEWS[0].columns)


def test_an_error_in_a_condition_shows_the_condition_alone(store: Store) -> None:
    with pytest.raises(QueryError) as caught:
        store.matching("metrics.accuracy > 0.9\n and nme = 1")
    assert caught.value.message == "line 2, column 6: there is no column 'nme' here\n     and nme = 1\n         ^"


def test_keys_that_are_taken_for_columns_are_told_as_they_are_written(store: Store) -> None:
    for condition, mention in (
        ("accuracy > 0.5", "metrics.accuracy"),
        ('"val/loss" < 1', 'metrics."val/loss"'),
        ("lr < 0.1", "params.lr"),
        ("team = 'text'", "tags.team"),
    ):
        with pytest.raises(QueryError) as caught:
            store.matching(condition)
        assert caught.value.remedy is not None and f"Did you mean {mention}?" in caught.value.remedy


def test_a_condition_may_begin_with_where_and_a_table_may_be_misspelt(store: Store) -> None:
    plain = store.matching("params.opt = 'adam'").names
    assert plain == ["a"] == store.matching("where params.opt = 'adam'").names
    assert store.matching("\n WHERE\n params.opt = 'adam'").names == plain
    with pytest.raises(QueryError, match="line 1, column 7: there is no column 'wherever'"):
        store.matching("where wherever = 1")
    for condition, near in (("tag.team = 'text'", "tags"), ("metric.loss < 1", "metrics"), ("param.lr = 1", "params")):
        with pytest.raises(QueryError, match="line 1, column 1: there is no table") as caught:
            store.matching(condition)
        assert str(caught.value.remedy).startswith(f"Did you mean {near}?")
    with pytest.raises(QueryError, match="there is no table 'r' here"):
        store.query("SELECT r.name FROM runs")


def test_states_in_another_letter_case_are_told(store: Store) -> None:
    for condition in ("state = 'completed'", "r.state IN ('Failed', 'CANCELED')"):
        with pytest.raises(QueryError, match=r"Did you mean '(Completed|Canceled)'"):
            store.query(f"SELECT name FROM runs r WHERE {condition}")
    assert rows(store, "SELECT count(*) FROM runs WHERE state <> 'Completed' AND experiment <> 'completed'")
    for own in (
        "SELECT name FROM (SELECT name, 'completed' AS state FROM runs) WHERE state = 'completed'",
        "WITH s AS (SELECT 'completed' AS state, count(*) FROM runs) FROM s WHERE s.state = 'completed'",
        "WITH runs(state) AS (SELECT 'completed') SELECT state FROM runs WHERE state = 'completed'",
        "SELECT r.name FROM runs r, (SELECT 'failed') AS own(state) WHERE own.state = 'failed'",
    ):
        assert rows(store, own)
    assert rows(store, "WITH own AS (SELECT 'failed' AS s) SELECT s FROM own WHERE s = 'failed'") == [("failed",)]


def hostile(store: Path) -> list[str]:
    """What must be refused; `store` is the database's file."""
    return [
        "DELETE FROM store.runs",
        "WITH gone AS (DELETE FROM store.runs RETURNING *) SELECT * FROM gone",
        "WITH more AS (INSERT INTO store.tags VALUES (1, 'a', 'b') RETURNING *) SELECT * FROM more",
        f"DETACH store; ATTACH '{store}' AS store; DELETE FROM store.runs",
        f"SELECT 1; ATTACH '{store}' AS mine",
        "SELECT 1; DELETE FROM store.runs --",
        f"ATTACH '{store}' AS mine",
        "DETACH store",
        f"SELECT * FROM read_blob('{store}')",
        f"SELECT * FROM read_text('{store}')",
        f"SELECT content FROM READ_TEXT('{store}')",
        f"SELECT * FROM '{store}'",
        "SELECT * FROM read_csv('/etc/passwd', header=false)",
        "SELECT * FROM (SELECT * FROM read_csv_auto('/etc/passwd'))",
        "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * FROM '/etc/passwd.csv'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('runs')",
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM pragma_storage_info('runs')",
        "SELECT getenv('HOME')",
        "SELECT current_setting('temp_directory')",
        "SELECT write_log('x')",
        f"COPY (SELECT 1) TO '{store}.csv'",
        f"EXPORT DATABASE '{store}.out'",
        "SET memory_limit = '10GB'",
        "RESET lock_configuration",
        "PRAGMA enable_profiling",
        "CHECKPOINT store",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CREATE TABLE store.mine AS SELECT 1",
        "CREATE SECRET (TYPE http)",
        "CALL pragma_version()",
        "EXPLAIN ANALYZE SELECT 1",
        "PREPARE x AS SELECT 1",
        "SELECT * FROM hidden_in_python",
        "SELECT * FROM store.runs",
        "SELECT * FROM store.main.points",
        "SELECT name FROM runs WHERE EXISTS (SELECT 1 FROM store.secret_events)",
        "WITH mine AS (SELECT * FROM store.main.events) SELECT * FROM mine",
        "WITH runs AS (SELECT 1) SELECT * FROM store.runs",
        "SELECT * FROM (WITH duckdb_tables AS (SELECT 1) SELECT 1), duckdb_tables",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM duckdb_tables",
        "SELECT * FROM duckdb_tables()",
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM (SHOW ALL TABLES)",
        "SELECT * FROM (SHOW TABLES)",
    ]


def test_nothing_else_can_be_read_or_changed(store: Store, layout: WorkspaceLayout, tmp_path: Path) -> None:
    hidden_in_python = {"a": [1]}
    assert hidden_in_python  # a name that DuckDB would look up in this function, if it were let
    with store.query("SELECT 1"):  # what one query leaves in `tmp` is there before
        pass
    before = hashlib.sha256(layout.store.read_bytes()).hexdigest()
    files = sorted(path for path in tmp_path.rglob("*") if "duckdb" not in path.parts)
    for text in hostile(layout.store):
        for written in (text, f"/* ; */ {text} ;", f"-- a comment\n{text}\n-- and another"):
            with pytest.raises(WorkbenchError):
                query(layout, written).close()
    assert hashlib.sha256(layout.store.read_bytes()).hexdigest() == before
    assert sorted(path for path in tmp_path.rglob("*") if "duckdb" not in path.parts) == files


@pytest.mark.parametrize(
    "condition",
    [
        "1=1) UNION ALL SELECT name FROM runs WHERE (1=1",
        "1=1) ORDER BY (name",
        "1=1) LIMIT (1",
        "name = 'a') OR (name = 'b'",
        "(name = 'a')) OR ((true)",
        "archived /* ) */) -- (",
        "true); DELETE FROM store.runs; SELECT (1",
        "name in (select filename from read_text('/etc/passwd'))",
        "",
        "-- ",
    ],
)
def test_a_condition_stays_a_condition(store: Store, condition: str) -> None:
    with pytest.raises(QueryError):
        store.matching(condition)


def test_a_query_that_never_ends_is_ended(store: Store, layout: WorkspaceLayout) -> None:
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range = -1"
    with pytest.raises(QueryError, match="more than"):
        query(layout, endless, seconds=0.2)
    with pytest.raises(QueryError, match="more than"):
        matching(layout, f"({endless}) = 0", seconds=0.2)
    assert len(fresh(layout).runs().names) == 4  # the file is free


@pytest.mark.parametrize(
    "text",
    [
        "SELECT list(repeat('x', 1000) || range) FROM range(100000000)",
        "SELECT list_sum(range(2000000000))",
        "SELECT length(repeat('x', 3000000000))",
    ],
)
def test_a_query_that_takes_too_much_memory_is_ended(store: Store, text: str) -> None:
    with pytest.raises(QueryError, match="more memory than a query may have"):
        store.query(text, seconds=60)


@pytest.mark.parametrize("depth", [100, 300, 600, 3000])
@pytest.mark.parametrize("shape", [("1", "+1", ""), ("1", "", "abs("), ("SELECT 1", ")", "SELECT * FROM (")])
def test_a_query_nested_deep_is_answered_or_refused(store: Store, depth: int, shape: tuple[str, str, str]) -> None:
    inner, after, before = shape
    text = before * depth + inner + (after or ")") * depth
    text = text if text.startswith("SELECT") else f"SELECT {text}"
    try:
        assert len(rows(store, text)) == 1
    except QueryError as error:
        assert depth > 100 and "Traceback" not in str(error) and "SET " not in str(error)


def test_what_cannot_be_interrupted_is_ended_too(store: Store, layout: WorkspaceLayout) -> None:
    """One call of a function, which DuckDB does not look into, would take minutes."""
    with pytest.raises(QueryError, match="took more than 1 s"):
        store.query("SELECT levenshtein(repeat('a', 400000), repeat('b', 400000))", seconds=1)
    assert len(fresh(layout).runs().names) == 4  # the file is free


ASKING = """
import sys
from workbench_store.store import Store
from workbench_store.workspace import open_workspace
print("asking", flush=True)
Store(open_workspace(explicit=sys.argv[1])).query("SELECT count(*) FROM range(10000000000) a, range(1000) b", seconds=4)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_who_asked_and_is_stopped_or_killed_does_not_keep_the_store(
    store: Store, layout: WorkspaceLayout, how: signal.Signals
) -> None:
    with python(ASKING, str(layout.root)) as asker:
        try:
            assert asker.stdout is not None and asker.stdout.readline() == "asking\n"
            lock = FileLock(layout.store_lock)
            deadline = time.monotonic() + 30
            while lock.try_acquire() and time.monotonic() < deadline:
                lock.release()
                time.sleep(0.01)
            asker.send_signal(how)
            write_points(layout.run("a").journals, "late", [(0, 0, 3.0, 1.0)])
            assert "late" in {one.key for one in fresh(layout).metrics("a")}
        finally:
            asker.kill()


def test_a_result_needs_the_store_no_more(store: Store, layout: WorkspaceLayout) -> None:
    with store.query("SELECT name FROM runs ORDER BY name") as result:
        write_points(layout.run("a").journals, "late", [(0, 0, 3.0, 1.0)])
        assert "late" in {one.key for one in fresh(layout).metrics("a")}  # written while the result is held
        assert [name for (name,) in result] == list("abcd")


def test_a_large_result_comes_in_parts(store: Store) -> None:
    with store.query("SELECT range AS n FROM range(100000)") as result:
        assert len(result) == 100000
        assert sum(n for (n,) in result) == 99999 * 50000


def test_arrow_pandas_and_polars(store: Store) -> None:
    with store.query("SELECT name, params.lr, metrics FROM runs ORDER BY name") as result:
        assert result.arrow().column("name").to_pylist() == list("abcd")
        assert result.pandas()["lr"].tolist()[:3] == [0.1, 0.05, 1e-05]
        assert result.polars()["name"].to_list() == list("abcd")


def test_forms_that_need_a_package_name_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with store.query("SELECT 1") as result:
        for form in (result.arrow, result.pandas, result.polars):
            with pytest.raises(UsageError, match="is not installed here"):
                form()


@pytest.fixture
def held(store: Store, layout: WorkspaceLayout) -> Iterator[None]:
    """Another program has the store's file open for writing."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(layout.store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    yield
    holder.communicate("")


def test_a_file_that_another_program_holds_is_said_to_be(store: Store, layout: WorkspaceLayout, held: None) -> None:
    with pytest.raises(StoreBusy, match="PID"):
        query(layout, "SELECT 1 FROM runs")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from(list("SELECT namefromrunsparams.lr'\"();-/*=<> 1,\n\\é")), max_size=40))
def test_any_text_ends_in_rows_or_a_clear_error(store: Store, text: str) -> None:
    try:
        store.query(text, 2.0).close()
    except WorkbenchError as error:
        assert error.message
    try:
        assert set(store.matching(text).names) <= set("abcd")
    except WorkbenchError as error:
        assert error.message


def test_only_the_column_says_which_archived_runs_are_meant(layout: WorkspaceLayout) -> None:
    for name in ("there", "away"):
        writer = JournalWriter(make_run(layout, name), "client")
        writer.event("tags", set={"archived": "no"}, remove=[])
        writer.event("archived", archived=name == "away")
        writer.close()
    store = fresh(layout)
    assert not store.matching("tags.archived = 'no'").asks_archived
    assert store.matching("runs.archived or name = 'x'").asks_archived
