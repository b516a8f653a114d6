"""What Python builds is what a file says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from workbench.spec import (
    BuildContext,
    Environment,
    Input,
    MpiDistribution,
    Output,
    PyTorchDistribution,
    RayDistribution,
    SpecErrors,
    SshJobService,
    TensorFlowDistribution,
    UserIdentityConfiguration,
    command,
    job_to_dict,
    load_job,
    with_inputs,
)
from workbench.spec.builder import checked

from workbench import Workspace

FILE = """\
name: one
display_name: One
description: all fields
experiment_name: e
tags: {a: b}
properties: {p: q}
code: ./src
command: python train.py --lr ${{inputs.lr}} --data ${{inputs.data}} --out ${{outputs.model}}
inputs:
  lr: 0.1
  data: {type: uri_file, path: ./src/train.py, mode: download}
outputs:
  model: {type: uri_folder, mode: upload}
environment:
  image: python:3.11
  conda_file: ./conda.yml
environment_variables: {SEED: 1}
compute: azureml:cpu-cluster
distribution: {type: pytorch, process_count_per_instance: 1}
resources: {instance_count: 1, instance_type: x, locations: [y], docker_args: --ipc=host, shm_size: 2g}
limits: {timeout: 60}
queue_settings: {job_tier: spot, priority: low}
identity: {type: user_identity}
services: {shell: {type: ssh, port: 22}}
parent_job_name: p
"""


@pytest.fixture
def project(here: Path) -> Path:
    (here / "src").mkdir()
    (here / "src" / "train.py").write_text("print('x')\n")
    (here / "conda.yml").write_text("dependencies: [python=3.11]\n")
    return here


def test_every_argument_gives_the_files_field(project: Path) -> None:
    (project / "job.yml").write_text(FILE)
    built = command(
        name="one",
        display_name="One",
        description="all fields",
        experiment_name="e",
        tags={"a": "b"},
        properties={"p": "q"},
        code=Path("src"),
        command="python train.py --lr ${{inputs.lr}} --data ${{inputs.data}} --out ${{outputs.model}}",
        inputs={"lr": 0.1, "data": Input(type="uri_file", path=Path("src/train.py"), mode="download")},
        outputs={"model": Output(mode="upload")},
        environment=Environment(image="python:3.11", conda_file="conda.yml"),
        environment_variables={"SEED": 1},
        compute="cpu-cluster",
        distribution=PyTorchDistribution(process_count_per_instance=1),
        instance_count=1,
        instance_type="x",
        locations=["y"],
        docker_args="--ipc=host",
        shm_size="2g",
        timeout=60,
        job_tier="Spot",
        priority="low",
        identity=UserIdentityConfiguration(),
        services={"shell": SshJobService(port=22)},
        parent_job_name="p",
    )
    assert job_to_dict(built) == job_to_dict(load_job("job.yml"))


@pytest.mark.parametrize(
    "distribution",
    [
        MpiDistribution(process_count_per_instance=2),
        TensorFlowDistribution(worker_count=2, parameter_server_count=1),
        RayDistribution(port=1),
    ],
)
def test_distributions(distribution: Any) -> None:
    assert command(command="echo", distribution=distribution).distribution == distribution


def test_a_build_context(project: Path) -> None:
    (project / "src" / "Dockerfile").write_text("FROM scratch\n")
    job = command(command="echo", environment=Environment(build=BuildContext(path="src")))
    assert job_to_dict(job)["environment"] == {"build": {"path": str(project / "src")}}


def test_inputs_of_primitive_types_are_their_default() -> None:
    job = command(
        command="echo ${{inputs.lr}}",
        inputs={
            "lr": Input(type="number", default=0.5, min=0, max=1),  # type: ignore[arg-type]
            "limit": Input(type="integer", optional=True),  # type: ignore[arg-type]
        },
    )
    assert job.inputs == {"lr": 0.5}


@pytest.mark.parametrize(
    "given",
    [
        {"type": "number"},
        {"type": "number", "default": 2, "max": 1},
        {"type": "string", "default": "c", "enum": ["a", "b"]},
    ],
)
def test_a_default_that_will_not_do(given: dict[str, Any]) -> None:
    with pytest.raises(SpecErrors, match=r"inputs\.x"):
        command(command="echo ${{inputs.x}}", inputs={"x": Input(**given)})


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({}, "command"),
        ({"command": "echo", "code": "./nowhere"}, "code"),
        ({"command": "echo ${{inputs.lr}}"}, "command"),
        ({"command": "echo", "environment": "sklearn"}, "environment"),
        ({"command": "echo", "inputs": {"a": object()}}, "inputs.a"),
        ({"command": "echo", "inputs": {"a": None}}, "inputs.a"),
        ({"command": "echo", "timeout": "soon"}, "limits.timeout"),
        ({"command": "echo", "distribution": {"type": "dask"}}, "distribution.type"),
        ({"command": "echo", "name": "a/b"}, "name"),
    ],
)
def test_mistakes(arguments: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecErrors) as raised:
        command(**arguments)
    assert [(problem.file, problem.path) for problem in raised.value.problems] == [("command()", path)]


def test_rebinding_inputs() -> None:
    job = command(command="echo ${{inputs.lr}}", inputs={"lr": 0.1})
    other = with_inputs(job, {"lr": 0.2})
    assert (job.inputs["lr"], other.inputs["lr"]) == (0.1, 0.2)
    assert job.on("azureml:cpu").compute == "cpu"


@pytest.mark.parametrize("name", ["curated:1", "AzureML-sklearn-1.5@latest", "a.b-c_d:2024.01"])
def test_environments_may_be_named_as_in_azure_ai_ml(name: str) -> None:
    assert command(command="true", environment=name).environment == f"azureml:{name}"
    assert command(command="true", environment=f"azureml:{name}").environment == f"azureml:{name}"


@pytest.mark.parametrize("name", ["curated", "mcr.microsoft.com/image:1", "file:nowhere.yml", "a:b:c"])
def test_what_is_no_name_of_an_environment(name: str) -> None:
    with pytest.raises(SpecErrors, match="environment"):
        command(command="true", environment=name)


def test_a_job_is_called_to_set_its_inputs(project: Path) -> None:
    job = command(command="echo ${{inputs.lr}} ${{inputs.data}}", name="one", inputs={"lr": 0.1, "data": "x"})
    other = job(lr=Input(type="number", default=0.5))  # type: ignore[arg-type]
    assert (other.inputs, other.name) == ({"lr": 0.5, "data": "x"}, None)
    assert (job.inputs, job.name) == ({"lr": 0.1, "data": "x"}, "one")
    assert job(data=Input(type="uri_folder", path="src")).inputs["data"].path == str(project / "src")  # type: ignore[union-attr]
    with pytest.raises(SpecErrors, match="did you mean 'lr'") as raised:
        job(lrr=1, dta=2)
    assert [problem.nearest for problem in raised.value.problems] == ["lr", "data"]


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("name", "sweep/lr-0.1", "name"),
        ("name", "../../elsewhere", "name"),
        ("name", "", "name"),
        ("experiment_name", 5, "experiment_name"),
        ("command", None, "command"),
        ("command", ["a"], "command"),
        ("inputs", {"lr": None}, "inputs.lr"),
        ("inputs", {"lr": [1]}, "inputs.lr"),
        ("inputs", 3, "inputs"),
        ("outputs", {"o": "./x"}, "outputs.o"),
        ("environment_variables", [1], "environment_variables"),
        ("tags", {"a": [1]}, "tags.a"),
        ("limits", 3, "limits"),
        ("code", "./nowhere", "code"),
    ],
)
def test_fields_that_are_set_later_are_checked_when_the_job_is_submitted(
    project: Path, field: str, value: Any, path: str
) -> None:
    job = command(command="echo ${{inputs.lr}}", inputs={"lr": 0.1})
    setattr(job, field, value)
    before = sorted(project.rglob("*"))
    with pytest.raises(SpecErrors) as raised:
        Workspace(project / "w").submit(job)
    assert path in [problem.path for problem in raised.value.problems]
    assert not list((project / "w" / ".workbench" / "runs").iterdir())
    assert [place for place in sorted(project.rglob("*")) if "w" not in place.relative_to(project).parts] == before


def test_fields_that_are_set_later_may_be_whatever_an_argument_may_be(project: Path) -> None:
    job = command(command="echo ${{inputs.lr}}", inputs={"lr": 0.1})
    job.inputs["lr"] = np.float64(0.5)
    job.environment_variables = {"EPOCHS": 3, "WIDTH": np.int64(4)}  # type: ignore[dict-item]
    job.code = "./src"
    job.environment = {"conda_file": {"dependencies": ["python=3.11"]}}  # type: ignore[assignment]
    again = checked(job)
    assert (again.inputs, again.environment_variables) == ({"lr": 0.5}, {"EPOCHS": "3", "WIDTH": "4"})
    assert again.code == project / "src" and isinstance(again.environment, Environment)
    assert checked(again) == again


def test_a_path_is_no_literal_unless_the_job_finds_it(project: Path) -> None:
    assert command(command="ls ${{inputs.d}}", inputs={"d": project}).inputs == {"d": str(project)}
    with pytest.raises(SpecErrors, match="uri_folder"):
        command(command="ls ${{inputs.d}}", inputs={"d": Path("src")})
