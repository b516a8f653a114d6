"""`workbench sql` and `workbench ls --where`, as users type them."""

import csv
import io
import json
import math
import subprocess
import sys

import pytest

import workbench as wb
from tests.cli.terminal import Workbench


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
        ["three", "0.001", table.stdout.splitlines()[2].split()[2]],
        ["two", "0.95", "0.01"],
    ]
    rows = list(csv.DictReader(io.StringIO(workbench("sql", asked, "--csv").stdout)))
    assert [(row["name"], row["accuracy"]) for row in rows] == [("one", "0.8"), ("three", ""), ("two", "0.95")]
    found = json.loads(workbench("sql", asked, "--json").stdout)
    assert [column["name"] for column in found["columns"]] == ["name", "accuracy", "lr", "created"]
    assert [(row["name"], row["accuracy"]) for row in found["rows"]] == [("one", 0.8), ("three", None), ("two", 0.95)]
    assert found["rows"][0]["created"].endswith("Z")


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
def test_archived_runs_are_listed_when_the_condition_speaks_of_them(workbench: Workbench) -> None:
    assert workbench("archive", "two").returncode == 0
    found = {
        condition: {run["name"] for run in json.loads(workbench("ls", "--json", "--where", condition).stdout)["runs"]}
        for condition in ("params.lr < 0.1", "params.lr < 0.1 and archived", "params.lr < 0.1 and not archived")
    }
    assert list(found.values()) == [{"three"}, {"two"}, {"three"}]


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
