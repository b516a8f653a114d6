"""What docs/spec.md claims of azure-ai-ml is so: what it accepts when it reads a file, and what it refuses."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from workbench.spec import load_job
from workbench.spec.errors import SpecErrors

from tests.azure.conftest import JOBS

pytestmark = pytest.mark.slow

ENVIRONMENT = {"environment": "azureml:AzureML-sklearn-1.5@latest"}
PLAIN: dict[str, Any] = {"command": "echo", **ENVIRONMENT}


class Case(NamedTuple):
    """A file's content, whether azure-ai-ml reads it, and whether it is read here."""

    content: dict[str, Any] | str
    there: bool
    here: bool


#: By the row of the table in docs/spec.md.
CASES = {
    "`environment` left out": [Case({"command": "echo"}, False, True)],
    "inline environment without image and build": [
        Case({"command": "echo", "environment": {"conda_file": {"dependencies": ["python=3.11"]}}}, True, True),
        Case({"command": "echo", "environment": {"os_type": "linux"}}, True, False),
    ],
    "image and build together": [
        Case({"command": "echo", "environment": {"image": "x", "build": {"path": "./context"}}}, True, False)
    ],
    "`conda_file` beside `build`": [
        Case(
            {"command": "echo", "environment": {"build": {"path": "./context"}, "conda_file": {"dependencies": []}}},
            True,
            False,
        )
    ],
    "`compute` left out": [Case(PLAIN, True, True)],
    "undeclared `${{inputs.x}}`": [Case({**PLAIN, "command": "echo ${{inputs.x}}"}, True, False)],
    "missing local input, or a file where a folder is wanted": [
        Case({**PLAIN, "inputs": {"d": {"path": "./nowhere"}}}, True, False),
        Case({**PLAIN, "inputs": {"d": {"path": "./file"}}}, True, False),
    ],
    "`azureml:NAME` without version or label": [
        Case({**PLAIN, "inputs": {"d": {"path": "azureml:iris"}}}, True, False)
    ],
    "a workspace in a long URI": [
        Case(
            {**PLAIN, "inputs": {"d": {"path": f"azureml://subscriptions/s/resourcegroups/r/workspaces/w/{rest}"}}},
            True,
            True,
        )
        for rest in ("datastores/d/paths/p",)
    ],
    "`azureml:NAME@latest`": [Case({**PLAIN, "inputs": {"d": {"path": "azureml:iris@latest"}}}, True, True)],
    "an unknown `${{...}}` in an output's `path`": [
        Case({**PLAIN, "outputs": {"d": {"path": "azureml://datastores/d/paths/${{foo}}"}}}, True, False),
    ],
    "`path_on_compute` that is not on the machine that submits": [
        Case({**PLAIN, "inputs": {"d": {"path": "azureml:iris:1", "path_on_compute": "/mnt/nowhere"}}}, False, True)
    ],
    "names of inputs and outputs": [
        Case({**PLAIN, "inputs": {"a-b": 1}}, True, False),
        Case({**PLAIN, "inputs": {"1a": 1}}, True, False),
        Case({**PLAIN, "outputs": {"a-b": None}}, True, False),
    ],
    "`name`": [Case({**PLAIN, "name": "a b/ö"}, True, False)],
    "a key given twice": [
        Case(f"command: one\ncommand: two\nenvironment: {ENVIRONMENT['environment']}\n", True, False)
    ],
    "`shm_size: 5x`, `timeout: 1.5`, `timeout: -1`, `instance_count: 0`": [
        Case({**PLAIN, "resources": {"shm_size": "5x"}}, True, False),
        Case({**PLAIN, "limits": {"timeout": 1.5}}, True, False),
        Case({**PLAIN, "limits": {"timeout": -1}}, True, False),
        Case({**PLAIN, "resources": {"instance_count": 0}}, True, False),
    ],
    "lists and nulls in `environment_variables`": [
        Case({**PLAIN, "environment_variables": {"A": [1]}}, True, False),
        Case({**PLAIN, "environment_variables": {"A": None}}, True, False),
    ],
    "dates, and keys that are no text, in `environment_variables`": [
        Case(f"command: echo\nenvironment: {ENVIRONMENT['environment']}\n{extra}\n", True, False)
        for extra in ("environment_variables: {A: 2024-01-01}", "environment_variables: {1: x}")
    ],
    "empty `command`": [Case({**PLAIN, "command": ""}, True, False), Case({**PLAIN, "command": " "}, True, False)],
    "any other `${{...}}` in `command`, or one that is not closed": [
        Case({**PLAIN, "command": "echo ${{foo.x}}"}, True, False),
        Case({**PLAIN, "command": "echo ${{inputs.x"}, True, False),
    ],
    "an output called `default`": [Case({**PLAIN, "outputs": {"default": {"type": "uri_folder"}}}, True, False)],
    "empty `compute`, empty paths of inputs and outputs, inputs without a path": [
        Case({**PLAIN, "compute": ""}, True, False),
        Case({**PLAIN, "inputs": {"d": {"path": ""}}}, True, False),
        Case({**PLAIN, "inputs": {"d": {"type": "uri_file"}}}, True, False),
        Case({**PLAIN, "outputs": {"d": {"path": ""}}}, True, False),
    ],
    "`build` without `path`, or without its Dockerfile": [
        Case({"command": "echo", "environment": {"build": {"dockerfile_path": "D"}}}, True, False),
        Case({"command": "echo", "environment": {"build": {"path": "./empty"}}}, True, False),
    ],
    "`azureml:a:1:2`": [Case({"command": "echo", "environment": "azureml:a:1:2"}, True, False)],
    "conda file that holds no mapping": [
        Case({"command": "echo", "environment": {"image": "x", "conda_file": "./list.yml"}}, True, False)
    ],
}
#: Rows about what is given beside a file, or about files that no test should make azure-ai-ml read.
ELSEWHERE = {
    "`--set inputs.x=...` where the file neither declares nor uses `x`",
    "alias bombs, nesting beyond 64 levels, more than 1 MiB",
    "an output whose `path` is in the workspace",
}
#: What the text above the table says of both.
ALIKE = {
    "an output's version without a name": Case({**PLAIN, "outputs": {"o": {"version": "1"}}}, False, False),
    "an output's version with a name": Case({**PLAIN, "outputs": {"o": {"name": "n", "version": 1}}}, True, True),
    "a date as description": Case(
        f"command: echo\ndescription: 2024-01-01\nenvironment: {ENVIRONMENT['environment']}\n", False, False
    ),
    "a null as description": Case({**PLAIN, "description": None}, False, False),
    "a null as tag": Case({**PLAIN, "tags": {"a": None}}, True, True),
    "a null as input": Case({**PLAIN, "inputs": {"a": None}}, False, False),
}
ALL = [(row, case) for row, cases in CASES.items() for case in cases] + list(ALIKE.items())


def test_the_table_has_these_rows() -> None:
    text = (JOBS.parents[2] / "docs" / "spec.md").read_text()
    table = text[text.index("## Where we differ from Azure ML") :].splitlines()
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table if line.startswith("| ")][1:]
    assert set(rows) == {*CASES, *ELSEWHERE}


@pytest.mark.parametrize(("row", "case"), ALL, ids=[f"{row}-{number}" for number, (row, _) in enumerate(ALL)])
def test_a_claim(row: str, case: Case, here: Path) -> None:
    from azure.ai.ml import load_job as azure_load_job

    (here / "file").write_text("x")
    for folder in ("context", "empty"):
        (here / folder).mkdir()
    (here / "context" / "Dockerfile").write_text("FROM python\n")
    (here / "context" / "requirements.txt").write_text("")
    (here / "list.yml").write_text("- a\n")
    (here / "job.yml").write_text(case.content if isinstance(case.content, str) else json.dumps(case.content))
    try:
        azure_load_job("job.yml")
        there = True
    except Exception:
        there = False
    try:
        load_job("job.yml")
        read_here = True
    except SpecErrors:
        read_here = False
    assert (there, read_here) == (case.there, case.here)


def test_a_fraction_is_cut_off_there(here: Path) -> None:
    from azure.ai.ml import load_job as azure_load_job

    (here / "job.yml").write_text(json.dumps({**PLAIN, "limits": {"timeout": 1.5}}))
    assert azure_load_job("job.yml").limits.timeout == 1


def test_why_a_version_without_a_name_is_refused_there(here: Path) -> None:
    from azure.ai.ml import load_job as azure_load_job

    (here / "job.yml").write_text(json.dumps({**PLAIN, "outputs": {"o": {"version": "1"}}}))
    with pytest.raises(Exception, match="name is required when output version is specified"):
        azure_load_job("job.yml")
