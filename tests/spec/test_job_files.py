"""Real-looking job files; `tests/data/jobs/expected.json` is the golden table of what is said of each."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from workbench.spec import (
    check_job,
    execution_notes,
    execution_refusals,
    job_from_dict,
    job_to_dict,
    job_to_yaml,
    load_job,
)
from workbench.spec.errors import SpecErrors
from workbench.spec.report import problems_to_json, render_problems

JOBS = Path(__file__).parents[1] / "data" / "jobs"
EXPECTED: dict[str, dict[str, Any]] = json.loads((JOBS / "expected.json").read_text("utf-8"))
VALID = [name for name in EXPECTED if name.startswith("valid/")]
INVALID = [name for name in EXPECTED if name.startswith("invalid/")]


@pytest.fixture(autouse=True)
def in_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(JOBS)


def placed(value: Any) -> Any:
    """The value with the folder of the job files taken out of it."""
    return json.loads(json.dumps(value).replace(str(JOBS), "<jobs>"))


def test_the_table_names_every_file() -> None:
    found = {path.relative_to(JOBS).as_posix() for path in JOBS.glob("*/*.yml")}
    assert {name for name in found if name.startswith(("valid/", "invalid/"))} == set(EXPECTED)


@pytest.mark.parametrize("name", VALID)
def test_a_valid_file(name: str) -> None:
    job = load_job(name)
    assert placed(job_to_dict(job)) == EXPECTED[name]["job"]
    assert [note.field for note in execution_notes(job)] == EXPECTED[name]["notes"]
    refused = [[problem.path, problem.message] for problem in execution_refusals(job)]
    assert refused == EXPECTED[name]["refused"]
    # What cannot run yet is a warning of `check_job`, as is a reference in $[[ ]] to what is not declared.
    warned = {(problem.severity, problem.path) for problem in check_job(name)} - {("warning", "command")}
    assert warned == {("warning", path) for path, _ in refused}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_file(name: str) -> None:
    problems = check_job(name)
    said = [
        f"{problem.file}:{problem.line}:{problem.column}: {problem.severity}: "
        f"{problem.path}: {problem.message}" + (f" [{problem.nearest}]" if problem.nearest else "")
        for problem in problems
    ]
    assert placed(said) == EXPECTED[name]["problems"]
    with pytest.raises(SpecErrors) as raised:
        load_job(name)
    assert raised.value.problems == tuple(problem for problem in problems if problem.severity == "error")


@pytest.mark.parametrize("name", VALID)
def test_a_job_survives_being_written_down(name: str, tmp_path: Path) -> None:
    job = load_job(name)
    data = job_to_dict(job)
    assert job_to_dict(job_from_dict(json.loads(json.dumps(data)), job.base_dir)) == data
    copy = tmp_path / "copy.yml"
    copy.write_text(job_to_yaml(job), "utf-8")
    assert job_to_dict(load_job(copy)) == data


@pytest.mark.parametrize("name", INVALID)
def test_reports_are_plain_and_whole(name: str) -> None:
    problems = check_job(name)
    text = render_problems(problems)
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.count(": error: ") + text.count(": warning: ") >= len(problems)
    assert [item["message"] for item in problems_to_json(problems)] == [item.message for item in problems]


def test_a_report_says_what_was_meant() -> None:
    assert render_problems(check_job("invalid/unknown-key.yml")).startswith(
        "invalid/unknown-key.yml:2:1: error: enviroment: 'enviroment' is not a field that is known here\n"
        "  did you mean 'environment'?\n"
        "  allowed: type, command, code,"
    )


def test_the_allowed_modes_are_those_of_the_type() -> None:
    (problem,) = [item for item in check_job("invalid/mode-of-another-type.yml") if item.severity == "error"]
    assert problem.allowed == ("ro_mount", "download", "direct")


def test_paths_start_at_the_files_own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    job = load_job(os.path.relpath(JOBS / "valid/literals.yml"))
    assert job.code == JOBS / "src"
    assert job.base_dir.resolve() == JOBS / "valid"
    with (JOBS / "valid/literals.yml").open("rb") as file:
        assert load_job(file).code == JOBS / "src"
