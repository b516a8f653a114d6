"""`workbench sql` and `workbench ls --where`, as users type them."""

import csv
import io
import json
import math
import subprocess
import sys
import time
from typing import Any

import pytest

import workbench as wb
from tests.cli.terminal import Workbench

pytestmark = pytest.mark.slow


@pytest.fixture
def runs(here: object) -> None:
    for name, lr, accuracy in (("one", 0.1, 0.8), ("two", 0.01, 0.95), ("three", 0.001, math.nan)):
        with wb.start_run(experiment="e", name=name) as run:
            run.log_params({"lr": lr, "team": "vi\x1b[31msion"})
            run.log({"accuracy": accuracy})


@pytest.mark.usefixtures("runs")
def test_rows_as_a_table_as_csv_and_as_json(workbench: Workbench) -> None:
    asked = "SELECT name, metrics.accuracy, params.lr, created FROM runs ORDER BY name"
    table = workbench("sql", asked)
    assert table.returncode == 0
    assert [line.split()[:3] for line in table.stdout.splitlines()] == [
        ["name", "accuracy", "lr"],
        ["one", "0.8", "0.1"],
        ["three", "NaN", "0.001"],
        ["two", "0.95", "0.01"],
    ]
    rows = list(csv.DictReader(io.StringIO(workbench("sql", asked, "--csv").stdout)))
    assert [(row["name"], row["accuracy"]) for row in rows] == [("one", "0.8"), ("three", "nan"), ("two", "0.95")]
    found = json.loads(workbench("sql", asked, "--json").stdout)
    assert [column["name"] for column in found["columns"]] == ["name", "accuracy", "lr", "created"]
    assert [(row["name"], row["accuracy"]) for row in found["rows"]] == [("one", 0.8), ("three", None), ("two", 0.95)]
    assert found["rows"][0]["created"].endswith("Z")


def test_no_number_and_no_value_are_two_things(workbench: Workbench, here: object) -> None:
    with wb.start_run() as run:
        run.log({"a": math.nan, "b": math.inf, "c": -math.inf})
    asked = "SELECT value FROM points UNION ALL SELECT NULL ORDER BY value NULLS FIRST"
    assert [line.strip() for line in workbench("sql", asked).stdout.splitlines()] == ["value", "", "-∞", "∞", "NaN"]
    assert workbench("sql", asked, "--csv").stdout.splitlines() == ["value", '""', "-inf", "inf", "nan"]
    assert [row["value"] for row in json.loads(workbench("sql", asked, "--json").stdout)["rows"]] == [None] * 4
    nested = workbench("sql", "SELECT [NULL, 'nan'::DOUBLE] AS n", "--csv").stdout
    assert nested.splitlines()[1] == '"[null, NaN]"'


#: What DuckDB writes of each type, and what is to be seen of it: in CSV, and in JSON where that is not the same.
ODD: dict[str, tuple[str, Any] | str] = {
    "'0001-01-01'::TIMESTAMP": "0001-01-01T00:00:00",
    "'-infinity'::TIMESTAMPTZ": "-infinity",
    "'infinity'::TIMESTAMP": "infinity",
    "'infinity'::DATE": "infinity",
    "'290000-01-01'::DATE": "290000-01-01",
    "'0044-03-15 (BC)'::DATE": "0044-03-15 (BC)",
    "'290000-01-01'::TIMESTAMP": "290000-01-01 00:00:00",
    "'2020-01-02'::TIMESTAMP_S": "2020-01-02T00:00:00",
    "'2020-01-02 00:00:00.5'::TIMESTAMP_MS": "2020-01-02T00:00:00.500000",
    "'-infinity'::TIMESTAMP_NS": "-infinity",
    "'2020-01-02 00:00:00.000001'::TIMESTAMP_NS": "2020-01-02T00:00:00.000001",
    "'9999-12-31 23:59:59+00'::TIMESTAMPTZ": "9999-12-31T23:59:59Z",
    "'0001-01-01 00:00:00+00'::TIMESTAMPTZ": "0001-01-01 00:00:00+00",
    "'24:00:00'::TIME": "24:00:00",
    "'12:00:00+15:59'::TIMETZ": "12:00:00+15:59",
    "INTERVAL 10000000 YEAR": "10000000 years",
    "INTERVAL 2147483647 DAY": "2147483647 days",
    "INTERVAL 2 HOUR": "2:00:00",
    "[INTERVAL 10000000 YEAR, NULL]": ('["10000000 years", null]', ["10000000 years", None]),
    "170141183460469231731687303715884105727::HUGEINT": ("1701" + "41183460469231731687303715884105727", 2**127 - 1),
    "340282366920938463463374607431768211455::UHUGEINT": ("340282366920938463463374607431768211455", 2**128 - 1),
    "1.10::DECIMAL(38, 2)": "1.10",
    "'490da5da-fb07-4e6c-9d9e-1513ec38b4cb'::UUID": "490da5da-fb07-4e6c-9d9e-1513ec38b4cb",
    "'\\x00\\xffa'::BLOB": "\\x00\\xFFa",
    "'1010'::BIT": "1010",
    "'inf'::FLOAT": ("inf", None),
    "[[NULL], NULL, ['nan'::DOUBLE]]": ("[[null], null, [NaN]]", [[None], None, [None]]),
    "{'a': 1, 'b': {'c': [NULL]}}": ('{"a": 1, "b": {"c": [null]}}', {"a": 1, "b": {"c": [None]}}),
    "MAP([1, 2], ['a', NULL])": ('{"1": "a", "2": null}', {"1": "a", "2": None}),
    "union_value(n := 2)": ("2", 2),
    "'a'::ENUM('a', 'INTERVAL')": "a",
    "'INTERVAL'::ENUM('a', 'INTERVAL')": "INTERVAL",
    """'{"a": 1}'::JSON""": '{"a": 1}',
    "(INTERVAL 10000000 YEAR)::VARIANT": "10000000 years",
    "12345678901234567890::BIGNUM": "12345678901234567890",
    "NULL": ("", None),
}


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_whatever_duckdb_can_give_can_be_printed(workbench: Workbench, zone: str) -> None:
    east = {} if zone == "America/New_York" else {"'0001-01-01 00:00:00+00'::TIMESTAMPTZ": "0001-01-01T00:00:00Z"}
    east |= {"'9999-12-31 23:59:59+00'::TIMESTAMPTZ": "9999-12-31 23:59:59+00"} if east else {}
    expected = [one if isinstance(one, tuple) else (one, one) for one in (ODD | east).values()]
    asked = "SELECT " + ", ".join(f'{literal} AS "{number}"' for number, literal in enumerate(ODD))
    table, lines, found = (workbench("sql", asked, *words, TZ=zone) for words in ([], ["--csv"], ["--json"]))
    assert [done.returncode for done in (table, lines, found)] == [0, 0, 0], table.stderr + found.stderr
    assert len(table.stdout.splitlines()) == 2 and "10000000 years" in table.stdout
    assert list(csv.reader(io.StringIO(lines.stdout)))[1] == [text for text, _ in expected]
    assert list(json.loads(found.stdout)["rows"][0].values()) == [value for _, value in expected]


@pytest.mark.usefixtures("runs")
def test_a_query_from_standard_input_cut_to_a_few_rows(workbench: Workbench) -> None:
    done = workbench("sql", "-", "--limit", "1", input="SELECT name\nFROM runs -- all of them\nORDER BY name;\n")
    assert done.stdout.split() == ["name", "one"]
    assert "1 of 3 rows" in done.stderr


@pytest.mark.usefixtures("runs")
def test_errors_show_the_place_and_end_as_wrong_usage(workbench: Workbench) -> None:
    done = workbench("sql", "SELECT nme FROM runs")
    assert (done.returncode, done.stdout) == (2, "")
    assert "line 1, column 8" in done.stderr and "       ^" in done.stderr and "Traceback" not in done.stderr
    assert workbench("sql").returncode == 2
    assert workbench("sql", "SELECT 1", "--timeout", "0").returncode == 2
    slow = workbench("sql", "SELECT count(*) FROM range(1000000000) a, range(1000000000) b", "--timeout", "0.2")
    assert slow.returncode == 2 and "--timeout" in slow.stderr


@pytest.mark.usefixtures("runs")
def test_values_cannot_steer_the_terminal(workbench: Workbench) -> None:
    done = workbench("sql", "SELECT params.team, params FROM runs")
    assert done.returncode == 0 and "\x1b" not in done.stdout and "sion" in done.stdout


def test_the_views_are_listed(workbench: Workbench) -> None:
    assert "metrics" in workbench("sql", "--views").stdout


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--where", "metrics.accuracy > 0.9"], {"two"}),
        (["--where", "params.lr < 0.1 and experiment = 'e'"], {"two", "three"}),
        (["--where", "isnan(metrics.accuracy)"], {"three"}),
        (["lr<0.1", "--where", "metrics.accuracy > 0"], {"two"}),
        (["accuracy>0"], {"one", "two"}),
        (["--where", "name = 'nobody'"], set()),
    ],
)
def test_lists_by_a_condition(workbench: Workbench, words: list[str], expected: set[str]) -> None:
    listed = json.loads(workbench("ls", "--json", *words).stdout)
    assert {run["name"] for run in listed["runs"]} == expected
    assert listed["total"] == len(expected)


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("condition", ["", "  ", "name = 'one') OR (true"])
def test_what_is_no_condition_lists_nothing(workbench: Workbench, condition: str) -> None:
    done = workbench("ls", "--where", condition)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.usefixtures("runs")
def test_archived_runs_are_listed_when_the_condition_speaks_of_them(workbench: Workbench) -> None:
    assert workbench("archive", "two").returncode == 0
    found = {
        condition: {run["name"] for run in json.loads(workbench("ls", "--json", "--where", condition).stdout)["runs"]}
        for condition in ("params.lr < 0.1", "params.lr < 0.1 and archived", "params.lr < 0.1 and not archived")
    }
    assert list(found.values()) == [{"three"}, {"two"}, {"three"}]


def test_a_parameter_that_is_none_is_null_whatever_others_gave(here: object) -> None:
    given: dict[str, dict[str, Any]]
    given = {"n": {"sched": None, "wd": None}, "t": {"sched": "null", "wd": 0.1}, "c": {"sched": "cosine"}, "no": {}}
    for name, params in given.items():
        with wb.start_run(name=name, params=params):
            pass

    def names(condition: str) -> set[str]:
        return {run.name for run in wb.Workspace().runs(condition)}

    others: set[str] = set()
    for another in ("x1", "x2"):
        assert names("params.sched IS NULL") == {"n", "no"} | others and names("params.sched = 'null'") == {"t"}
        assert names("params.wd IS NULL") == {"n", "c", "no"}
        assert names("params.wd IS NOT NULL") == {"t"} | others
        with wb.start_run(name=another, params={"wd": "auto"}):
            others.add(another)
        run_and_value = wb.Workspace().query("SELECT run, value FROM params WHERE key = 'sched' ORDER BY run")
        assert run_and_value.rows() == [("c", "cosine"), ("n", None), ("t", "null")]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("asked", "told"), [("SHOW TABLES", "DESCRIBE runs"), ("PIVOT points ON key USING max(value)", "ON key IN ('loss'")]
)
def test_what_is_no_select_is_told_what_to_ask(workbench: Workbench, asked: str, told: str) -> None:
    done = workbench("sql", asked)
    assert (done.returncode, done.stdout) == (2, "") and told in done.stderr


@pytest.mark.usefixtures("runs")
def test_a_condition_removes_what_it_lists(workbench: Workbench) -> None:
    assert workbench("archive", "two").returncode == 0
    found = {}
    for words in (
        ["--where", "params.lr < 0.1"],
        ["--where", "params.lr < 0.1 and archived"],
        ["--all", "lr<0.1"],
        ["--all", "lr<0.1 archived:all"],
    ):
        found[" ".join(words)] = set(workbench("rm", *words, "--preview").stdout.split())
    assert list(found.values()) == [{"three"}, {"two"}, {"three"}, {"two", "three"}]


@pytest.mark.usefixtures("runs")
def test_the_python_api_takes_conditions_filters_and_queries() -> None:
    workspace = wb.Workspace()
    assert [run.name for run in workspace.runs("metrics.accuracy > 0.9")] == ["two"]
    assert [run.name for run in workspace.runs(filter="name:one")] == ["one"]
    with workspace.query("SELECT name, params.lr FROM runs ORDER BY 2") as result:
        assert result.rows() == [("three", 0.001), ("two", 0.01), ("one", 0.1)]


def test_a_list_of_runs_with_thousands_of_metrics_takes_little_memory(workbench: Workbench, here: object) -> None:
    keys = {f"layer{number}/norm": float(number) for number in range(5000)}
    with wb.start_run(name="wide") as run:
        run.log(keys)
    limited = ["-c", "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)); "]
    limited[1] += "from workbench.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, *limited, "ls", "--json"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["runs"][0]["metrics"] == keys


@pytest.fixture
def close(here: object) -> None:
    """Runs whose numbers are the same to one digit."""
    for name, lr, version, accuracy in (("a", 0.14, "10.4", 0.1), ("b", 0.1, "10", 0.9), ("c", 0.06, "9.6", math.nan)):
        with wb.start_run(name=name, params={"lr": lr}, tags={"version": version}, system_metrics=False) as run:
            run.log({"accuracy": accuracy})


@pytest.mark.usefixtures("close")
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("params.lr = 0.1 and name in (select run from params where key = 'lr')", ["b"]),
        ("params.lr = 0.1 and exists (select 1 from tags p where p.run = name)", ["b"]),
        ("metrics.accuracy > 0.5 and name in (select run from metrics where metrics.count >= 1)", ["b"]),
        ("tags.version > 9.7 and name in (select run from tags)", ["a", "b"]),
        ("name in (select p.run from params p join runs r on r.name = p.run where r.params.lr = 0.06)", ["c"]),
        ("name in (with x as (select name from runs where params.lr < 0.1) select name from x)", ["c"]),
        ("name in (select run from params where number = 0.1)", ["b"]),
        ("name in (select run from tags where value = '10')", ["b"]),
        ("params['lr'] = '0.1'", ["b"]),
    ],
)
def test_a_table_elsewhere_in_a_condition_changes_no_key(
    workbench: Workbench, condition: str, expected: list[str]
) -> None:
    done = workbench("ls", "--where", condition, "--json")
    assert sorted(run["name"] for run in json.loads(done.stdout)["runs"]) == expected, done.stderr


@pytest.mark.usefixtures("close")
@pytest.mark.parametrize(
    ("condition", "remedy"),
    [
        ("name in (select run from params where key = 'lr' and value = 0.1)", "number"),
        ("name in (select p.run from params p where p.value <> 0.1)", "number"),
        ("name in (select run from tags where value in (10, 11))", "TRY_CAST"),
        ("params['lr'] = 0.1", "params.lr"),
        ("tags['version'] = 10", "tags.version"),
        ("metrics.nothing > 0.5 and name in (select run from metrics)", "metric 'nothing'"),
    ],
)
def test_a_text_is_not_rounded_to_the_number_that_it_is_compared_with(
    workbench: Workbench, condition: str, remedy: str
) -> None:
    done = workbench("ls", "--where", condition)
    assert done.returncode == 2 and remedy in done.stderr and "^" in done.stderr, done.stderr


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_how_long_a_run_has_taken_so_far_is_the_same_everywhere(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, here: object, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    with wb.start_run(name="on", system_metrics=False):
        done = workbench("sql", "SELECT duration < 60 AND duration >= 0 AS fits FROM runs", "--csv")
        assert done.stdout.split() == ["fits", "True"], done
        for words in (("duration<60s",), ("--where", "duration between 0 and 60")):
            assert [run["name"] for run in json.loads(workbench("ls", *words, "--json").stdout)["runs"]] == ["on"]
    monkeypatch.undo()
    time.tzset()
