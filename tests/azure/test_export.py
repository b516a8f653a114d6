"""`workbench export azureml`: what is written is read by azure-ai-ml itself, and says what the run's job said."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from workbench.cli.exit_codes import ExitCode
from workbench.lifecycle.azure_export import export_azureml
from workbench.spec import job_to_dict, load_job
from workbench_store.errors import EnvironmentFailed, SpecError

from tests.azure.conftest import JOBS
from workbench import Workspace

pytestmark = pytest.mark.slow

FILES = sorted(path.name for path in JOBS.glob("valid/*.yml"))
#: What local compute cannot run, so that there is no run to export; `test_objects` converts these.
NOT_RUN = {"code-remote.yml", "distributed-ray.yml", "outputs.yml", "remote-inputs.yml", "uri-forms.yml"}
NO_ENVIRONMENT_HERE = {"environment-build.yml", "environment-resource-id.yml"}
NO_ENVIRONMENT_HERE |= {"environment-version.yml"}
#: What azure-ai-ml changes when it reads a file, as in `test_objects`.
READ_OTHERWISE = {"cloud-only-fields.yml": "services", "distributed-tensorflow.yml": "distribution"}
#: Fields that are the service's, or named for it.
NAMED = ("name", "compute", "display_name", "experiment_name", "code", "environment")


@pytest.fixture
def workbench(here: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "workbench", *words]
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ})

    return call


def read_by_azure(file: Path) -> dict[str, Any]:
    """The job that azure-ai-ml finds in the file, as plain data."""
    from azure.ai.ml import load_job as azure_load_job

    return job_to_dict(load_job(azure_load_job(file)))


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", FILES)
def test_a_run_of_every_file_comes_back_the_same(name: str, jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")  # what becomes of the run does not matter: its environment would fail
    monkeypatch.setenv("WORKBENCH_CONDA", "")
    workspace = Workspace(str(jobs))
    job = load_job(name)
    try:
        run = workspace.submit(job, compute="local")
    except (SpecError, EnvironmentFailed):
        assert name in NOT_RUN | NO_ENVIRONMENT_HERE
        return
    assert name not in NOT_RUN | NO_ENVIRONMENT_HERE
    run.cancel()
    run.wait(60)
    wanted = job_to_dict(job)
    named = None if "environment" in wanted else "azureml:named@latest"
    image = "some/image" if name == "environment-packages-alone.yml" else None
    done = export_azureml(
        workspace.layout, run.name, jobs / "out" / "here", compute="cpu", environment=named, image=image
    )
    found = read_by_azure(done.job)
    assert found["compute"] == "cpu" and found["environment"] and "name" not in found
    for field in {*wanted, *found} - {*NAMED, READ_OTHERWISE.get(name, "")}:
        assert found.get(field) == wanted.get(field), field
    for field in ("display_name", "experiment_name"):
        assert found[field] == wanted.get(field, found[field])
    if "code" in wanted:
        code = Path(wanted["code"])
        assert tree(done.folder / "code") == (tree(code) if code.is_dir() else {code.name: code.read_bytes()})
        assert found["code"] == str(done.folder / "code")
    if isinstance(wanted.get("environment"), dict) and "conda_file" in wanted["environment"]:
        assert read_conda(found["environment"]) == read_conda(wanted["environment"])
    elif name != "environment-left-out.yml":
        assert found["environment"] == wanted["environment"]
    assert all(not os.path.isabs(path) for path in paths_in(yaml.safe_load(done.job.read_text())))


def read_conda(environment: dict[str, Any]) -> Any:
    given = environment["conda_file"]
    return given if isinstance(given, dict) else yaml.safe_load(Path(given).read_text())


def paths_in(data: Any) -> list[str]:
    """Every text under a key that names a path."""
    if isinstance(data, list):
        return [path for item in data for path in paths_in(item)]
    if not isinstance(data, dict):
        return []
    own = [data[key] for key in ("path", "code", "conda_file") if isinstance(data.get(key), str)]
    return own + [path for value in data.values() for path in paths_in(value)]


JOB = """
name: one
command: echo ${{inputs.lr}} > ${{outputs.kept}}/x
code: ./src
inputs: {lr: 0.1, data: {path: ./data}}
outputs: {kept: {path: ./results}, cloud: , asset: {name: model, version: 3}}
environment_variables: {HF_TOKEN: hunter2, PLAIN: text}
"""


@pytest.fixture
def ran(here: Path, workbench: Callable[..., subprocess.CompletedProcess[str]]) -> Path:
    """A run named `one`, of a job without an environment; its code has been changed since."""
    (here / "src").mkdir()
    (here / "src" / "train.py").write_text("as it was\n")
    (here / "src" / "tool.sh").write_text("#!/bin/sh\n")
    (here / "src" / "tool.sh").chmod(0o755)
    (here / "data").mkdir()
    (here / "data" / "d.csv").write_text("1\n")
    (here / "job.yml").write_text(JOB)
    done = workbench("run", "job.yml")
    assert done.returncode == 0, done.stderr
    (here / "src" / "train.py").write_text("changed\n")
    return here


def test_what_the_service_needs_is_asked_for(ran: Path, workbench: Callable[..., Any]) -> None:
    lacks = workbench("export", "azureml", "one", "--compute", "cpu")
    assert lacks.returncode == ExitCode.REFUSED and "--environment" in lacks.stderr
    assert "the Python that submitted it" in lacks.stderr
    lacks = workbench("export", "azureml", "one", "--environment", "azureml:e@latest")
    assert lacks.returncode == ExitCode.REFUSED and "--compute" in lacks.stderr
    named = workbench("export", "azureml", "one", "--compute", "bad name!", "--environment", "azureml:e@latest")
    assert named.returncode == ExitCode.REFUSED and "'bad name!' cannot be" in named.stderr
    wrong = workbench("export", "azureml", "one", "--compute", "cpu", "--environment", "just a name")
    assert wrong.returncode == ExitCode.BAD_SPEC and "not how an environment is written" in wrong.stderr
    assert "--environment" in wrong.stderr and "spec.json" not in wrong.stderr
    deep = workbench("export", "azureml", "one", "--compute", "cpu", "--to", "deep/er/place")
    assert deep.returncode == ExitCode.REFUSED
    assert [path.name for path in ran.iterdir() if "azureml" in path.name or "deep" in path.name] == []


def test_a_folder_behind_a_link(ran: Path, tmp_path: Path, workbench: Callable[..., Any]) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (ran / "link").symlink_to(tmp_path / "far" / "away")
    done = workbench("export", "azureml", "one", "--compute", "cpu", "--environment", "e@latest", "--to", "link/out")
    assert done.returncode == 0, done.stderr
    found = read_by_azure(tmp_path / "far/away/out/job.yml")
    assert found["inputs"]["data"]["path"] == str(ran / "data") and found["environment"] == "azureml:e@latest"


def test_the_files_of_a_named_environment_go_along(ran: Path, workbench: Callable[..., Any]) -> None:
    (ran / "envs").mkdir()
    (ran / "envs" / "packages.yml").write_text("dependencies: [python=3.11, {pip: [humanize]}]\n")
    (ran / "envs" / "e.yml").write_text("image: some/image\nconda_file: packages.yml\n")
    words = ["export", "azureml", "one", "--compute", "cpu", "--environment", "file:envs/e.yml"]
    assert workbench(*words, "--to", "out").returncode == 0
    written = yaml.safe_load((ran / "out/job.yml").read_text())["environment"]
    assert written == {"image": "some/image", "conda_file": "conda.yml"}
    assert yaml.safe_load((ran / "out/conda.yml").read_text())["dependencies"] == ["python=3.11", {"pip": ["humanize"]}]
    (ran / "envs" / "packages.yml").write_text("dependencies: ['numpy=1.2|1.3']\n")
    told = workbench(*words, "--to", "odd")
    assert told.returncode == 0 and "goes along as it is" in told.stderr
    assert (ran / "odd/conda.yml").read_bytes() == (ran / "envs/packages.yml").read_bytes()
    (ran / "envs" / "packages.yml").unlink()
    gone = workbench(*words, "--to", "gone")
    assert gone.returncode != 0 and "packages.yml" in gone.stderr and not (ran / "gone").exists()
    (ran / "envs" / "e.yml").write_text("build: {path: ../data}\n")
    (ran / "data" / "Dockerfile").write_text("FROM some/image\n")
    assert workbench(*words, "--to", "built").returncode == 0
    assert (ran / "built/context/d.csv").is_file()


def test_code_as_it_was_and_nothing_secret(ran: Path, workbench: Callable[..., Any]) -> None:
    done = workbench("export", "azureml", "one", "--compute", "cpu", "--environment", "azureml:e@latest", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["folder"] == str(ran / "one-azureml") and said["secrets"] == ["HF_TOKEN"]
    assert (ran / "one-azureml/code/train.py").read_text() == "as it was\n"
    assert os.access(ran / "one-azureml/code/tool.sh", os.X_OK)
    assert all(b"hunter2" not in content for content in tree(ran / "one-azureml").values())
    assert "HF_TOKEN" in done.stderr and "--set environment_variables.HF_TOKEN=" in done.stderr
    found = read_by_azure(Path(said["job"]))
    assert found["environment_variables"] == {"PLAIN": "text"} and "properties" not in found
    assert found["display_name"] == "one" and found["inputs"]["data"]["path"] == str(ran / "data")
    assert "path" not in found["outputs"]["kept"] and "outputs.kept" in done.stderr
    assert found["outputs"]["asset"] == {"type": "uri_folder", "mode": "rw_mount", "name": "model", "version": "3"}
    words = ["export", "azureml", "one", "--compute", "cpu", "--environment", "azureml:e@latest"]
    again = workbench(*words)
    assert again.returncode == ExitCode.REFUSED and "is there already" in again.stderr
    assert workbench(*words, "--to", "deep/er/place").returncode == 0
    assert read_by_azure(ran / "deep/er/place/job.yml")["inputs"]["data"]["path"] == str(ran / "data")


WORDS = ["--compute", "cpu", "--environment", "azureml:e@latest"]


def test_files_that_look_like_secrets_are_named(ran: Path, workbench: Callable[..., Any]) -> None:
    (ran / "src" / ".env").write_text("A=1\n")
    (ran / "src" / "settings.py").write_text("password = 'correct-horse-battery'\n")
    (ran / "data" / "id_rsa").write_text("x\n")
    assert workbench("run", "job.yml", "--set", "name=two", "--set", "outputs.asset.version=4").returncode == 0
    done = workbench("export", "azureml", "two", *WORDS, "--json")
    assert done.returncode == 0, done.stderr
    named = [one["path"] for one in json.loads(done.stdout)["secret_files"]]
    assert named == ["code/.env", "code/settings.py", str(ran / "data/id_rsa")]
    assert all(f"{path} looks like a secret" in done.stderr for path in named)
    assert json.loads(workbench("export", "azureml", "one", *WORDS, "--to", "x", "--json").stdout)["secret_files"] == [
        {"path": str(ran / "data/id_rsa"), "why": "files of this name hold secrets"}
    ]


def test_a_url_that_held_a_secret_is_to_be_given(here: Path, workbench: Callable[..., Any]) -> None:
    job = "name: web\ncommand: echo ${{inputs.a}}\ninputs: {a: {type: uri_file, path: 'http://127.0.0.1:9/f?token=hush'}}\n"
    (here / "job.yml").write_text(job)
    workbench("run", "job.yml", WORKBENCH_DATA_RETRIES="0")
    done = workbench("export", "azureml", "web", *WORDS, "--json")
    assert done.returncode == 0, done.stderr
    assert "inputs.a lacks what looked like a secret" in done.stderr
    assert "--set inputs.a.path=..." in done.stderr and json.loads(done.stdout)["to_set"] == ["inputs.a.path"]
    assert all(b"hush" not in content for content in tree(here / "web-azureml").values())


def test_fields_that_hold_a_secret_as_it_was_given_are_named(here: Path, workbench: Callable[..., Any]) -> None:
    (here / "job.yml").write_text(
        "name: held\ncommand: echo ${{inputs.u}}\ninputs: {u: 'https://bob:litsecret@h.example/x'}\n"
        "environment_variables: {DATABASE_URL: 'postgresql://app:s3cretpw@db/prod', MODE: fast}\n"
    )
    assert workbench("run", "job.yml").returncode == 0
    done = workbench("export", "azureml", "held", *WORDS, "--json")
    assert done.returncode == 0, done.stderr
    assert "inputs.u holds what looks like a secret" in done.stderr and "litsecret" not in done.stderr
    assert json.loads(done.stdout)["to_set"] == ["environment_variables.DATABASE_URL"]
    assert all(b"s3cretpw" not in content for content in tree(here / "held-azureml").values())


def test_serverless_is_no_compute(ran: Path, workbench: Callable[..., Any]) -> None:
    words = ["--compute", "serverless", "--environment", "azureml:e@latest", "--to", "out"]
    assert workbench("export", "azureml", "one", *words).returncode == 0
    assert "compute" not in read_by_azure(ran / "out/job.yml")


def test_data_that_is_gone_or_changed(ran: Path, workbench: Callable[..., Any]) -> None:
    words = ["export", "azureml", "one", "--compute", "cpu", "--environment", "azureml:e@latest", "--to", "out"]
    (ran / "data" / "d.csv").rename(ran / "d.csv")
    (ran / "data").rmdir()
    gone = workbench(*words)
    assert gone.returncode == ExitCode.REFUSED and str(ran / "data") in gone.stderr and not (ran / "out").exists()
    (ran / "data").mkdir()
    (ran / "data" / "d.csv").write_text("other data\n")
    changed = workbench(*words)
    assert changed.returncode == 0 and "has changed since" in changed.stderr


def test_what_is_not_uploaded_with_a_table_is_told(here: Path, workbench: Callable[..., Any]) -> None:
    (here / "table").mkdir()
    (here / "other.csv").write_text("1\n")
    parts = "paths:\n  - file: ../other.csv\n  - file: azureml://datastores/lake/paths/x.csv\n  - file: ./MLTable\n"
    (here / "table" / "MLTable").write_text(parts)
    (here / "job.yml").write_text("name: t\ncommand: echo\ninputs: {t: {type: mltable, path: ./table}}\n")
    assert workbench("run", "job.yml").returncode == 0
    told = workbench("export", "azureml", "t", *WORDS).stderr
    assert told.count("a part of inputs.t is") == 2
    assert f"a part of inputs.t is {here / 'other.csv'}: it is not in the table's folder" in told
    assert "a part of inputs.t is azureml://datastores/lake/paths/x.csv: the service must know" in told


def submitted(here: Path, environment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with a run named `env` of a job with that environment; that cannot be made here."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("WORKBENCH_CONDA", "")
    (here / "e.yml").write_text(f"name: env\ncommand: 'true'\nenvironment: {json.dumps(environment)}\n")
    workspace = Workspace()
    run = workspace.submit("e.yml")
    run.cancel()
    run.wait(60)
    return workspace


def test_a_conda_file_is_as_it_was(here: Path, monkeypatch: pytest.MonkeyPatch, workbench: Callable[..., Any]) -> None:
    (here / "extra.txt").write_text("tomli==2.0.1\n")
    conda = {"channels": ["conda-forge"], "dependencies": ["python=3.11", {"pip": ["humanize==4.0", "-r extra.txt"]}]}
    (here / "conda.yml").write_text(json.dumps(conda))
    submitted(here, {"conda_file": "conda.yml"}, monkeypatch)
    (here / "conda.yml").write_text("dependencies: [python=3.9]\n")
    lacks = workbench("export", "azureml", "env", "--compute", "cpu")
    assert lacks.returncode == ExitCode.REFUSED and "--image" in lacks.stderr
    done = workbench("export", "azureml", "env", "--compute", "cpu", "--image", "python:3.11")
    assert done.returncode == 0 and "written out" in done.stderr, done.stderr
    found = read_by_azure(here / "env-azureml/job.yml")["environment"]
    assert found["image"] == "python:3.11"
    pip = ["humanize==4.0", "tomli==2.0.1"]
    wanted = {"channels": ["conda-forge"], "dependencies": ["python=3.11", "pip", {"pip": pip}]}
    assert yaml.safe_load(Path(found["conda_file"]).read_text()) == wanted


def test_what_a_conda_file_has_on_this_machine_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, workbench: Callable[..., Any]
) -> None:
    for folder in ("pk", "wheels"):
        (here / folder).mkdir()
    for file in ("cons.txt", "wheels/pk-1.0-py3-none-any.whl"):
        (here / file).touch()
    local = [
        "-c cons.txt",
        "--constraint=cons.txt",
        "-e ./pk",
        "--editable pk",
        "--find-links wheels",
        f"-f {here}/wheels",
        f"pk @ file://{here}/pk",
        "--extra-index-url file:///index",
        "wheels/pk-1.0-py3-none-any.whl",
    ]
    remote = [
        "-c https://example.org/cons.txt",
        "-e git+https://example.org/pk",
        "--index-url https://example.org/simple",
        "pk2 @ https://example.org/pk2.whl",
        "--pre",
        "humanize==4.0",
    ]
    conda = {"channels": ["conda-forge", "file:///channel"], "dependencies": ["python=3.11", {"pip": local + remote}]}
    submitted(here, {"image": "some/image", "conda_file": conda}, monkeypatch)
    done = workbench("export", "azureml", "env", "--compute", "cpu")
    assert done.returncode == 0, done.stderr
    notes = [line for line in done.stderr.splitlines() if "on this machine: the service will not find it" in line]
    assert len(notes) == len(local) + 1 and all(any(line in note for note in notes) for line in local), notes


def test_a_build_context_goes_along(here: Path, monkeypatch: pytest.MonkeyPatch, workbench: Callable[..., Any]) -> None:
    (here / "context").mkdir()
    (here / "context" / "Dockerfile").write_text("FROM python:3.11\n")
    (here / "context" / "requirements.txt").write_text("humanize\n")
    submitted(here, {"build": {"path": "context"}}, monkeypatch)
    done = workbench("export", "azureml", "env", "--compute", "cpu", "--to", "one")
    assert done.returncode == 0 and "changed" not in done.stderr
    assert tree(here / "one/context") == tree(here / "context")
    assert read_by_azure(here / "one/job.yml")["environment"]["build"]["path"] == str(here / "one/context")
    (here / "context" / "requirements.txt").write_text("tomli\n")
    assert "has changed since" in workbench("export", "azureml", "env", "--compute", "cpu", "--to", "two").stderr
    (here / "context").rename(here / "elsewhere")
    gone = workbench("export", "azureml", "env", "--compute", "cpu", "--to", "three")
    assert gone.returncode == ExitCode.REFUSED and not (here / "three").exists()


def test_a_scripts_own_run_has_no_job(here: Path, workbench: Callable[..., Any]) -> None:
    code = "import workbench\nwith workbench.start_run(name='own', system_metrics=False): pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    refused = workbench("export", "azureml", "own", "--compute", "cpu")
    assert refused.returncode == ExitCode.REFUSED and "opened by a script" in refused.stderr
    assert workbench("export", "azureml", "nobody", "--compute", "cpu").returncode == ExitCode.NOT_FOUND
