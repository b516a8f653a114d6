"""azure-ai-ml's own objects are taken as jobs, and nothing of them is lost."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workbench.spec import builder, job_to_dict, load_job
from workbench.spec import settings as own
from workbench.spec.azure_objects import is_azure_object
from workbench.spec.errors import SpecErrors
from workbench_store.errors import UsageError
from workbench_store.states import RunState

import workbench
from tests.azure.conftest import JOBS
from workbench import Workspace

pytestmark = pytest.mark.slow

FILES = sorted(path.name for path in JOBS.glob("valid/*.yml"))
#: What azure-ai-ml itself changes when it reads a file; everything else must come out the same.
CHANGED: dict[str, dict[str, Any]] = {
    # It has no class for other services: it makes the first of its own, ssh.
    "cloud-only-fields.yml": {"services.other": {"type": "ssh", "port": 3000}},
    # It fills in its default.
    "distributed-tensorflow.yml": {"distribution.parameter_server_count": 0},
    # An environment without a place in a workspace has no name there.
    "environment-file.yml": {"environment.name": None, "environment.version": None},
}
#: Files that only Workbench takes.
REFUSED = {"environment-left-out.yml"}
#: A folder that has to be there for azure-ai-ml to read the file: what an input's `path_on_compute` names.
NEEDED = {"uri-forms.yml": "data/weights"}


def changed(name: str, data: dict[str, Any]) -> dict[str, Any]:
    for place, value in CHANGED.get(name, {}).items():
        field, _, key = place.partition(".")
        data[field][key] = value
        if value is None:
            del data[field][key]
    return data


@pytest.mark.parametrize("name", FILES)
def test_what_azure_reads_is_what_is_read_here(name: str, jobs: Path) -> None:
    from azure.ai.ml import load_job as azure_load_job

    Path(NEEDED.get(name, ".")).mkdir(parents=True, exist_ok=True)
    if name in REFUSED:
        with pytest.raises(Exception, match="Missing data for required field"):
            azure_load_job(name)
        return
    theirs = load_job(azure_load_job(name))
    assert job_to_dict(theirs) == changed(name, job_to_dict(load_job(name)))
    assert theirs.base_dir == jobs / "valid"


def arguments(inputs: type[Any], outputs: type[Any]) -> dict[str, Any]:
    """One call of `command()`, with either package's classes."""
    return {
        "command": "python train.py ${{inputs.lr}} ${{inputs.data}} ${{outputs.model}}",
        "code": "../src",
        "environment": "AzureML-sklearn-1.5@latest",
        "inputs": {
            "lr": 0.1,
            "epochs": 3,
            "title": "a run",
            "fast": True,
            "momentum": inputs(type="number", default=0.5),
            "rounds": inputs(type="integer", default=4),
            "word": inputs(type="string", default="w"),
            "flag": inputs(type="boolean", default=False),
            "data": inputs(type="uri_folder", path="../data/folder", mode="download"),
            "plain": inputs(path="../data/folder"),
            "table": inputs(type="uri_file", path=str(JOBS / "data" / "table.csv")),
            "far": inputs(type="mltable", path="azureml://datastores/d/paths/p/", mode="eval_mount"),
            "web": inputs(type="uri_file", path="https://example.org/iris.csv"),
        },
        "outputs": {
            "model": outputs(type="custom_model", mode="upload", name="m", version="3"),
            "far": outputs(path="azureml://datastores/d/paths/o/"),
            "bare": outputs(),
        },
        "environment_variables": {"A": "1"},
        "compute": "cpu-cluster",
        "display_name": "shown",
        "description": "What it is for.",
        "experiment_name": "trials",
        "tags": {"team": "vision"},
        "instance_count": 2,
        "instance_type": "Standard_DS3_v2",
        "shm_size": "4g",
        "docker_args": "--ipc=host",
        "locations": ["westeurope"],
        "timeout": 60,
        "job_tier": "spot",
        "priority": "low",
    }


def both(**more: tuple[Any, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same job built with both packages, as plain data; `more` are arguments for one and for the other."""
    import azure.ai.ml as azure

    theirs = arguments(azure.Input, azure.Output) | {name: pair[0] for name, pair in more.items()}
    ours = arguments(workbench.Input, workbench.Output) | {name: pair[1] for name, pair in more.items()}
    return job_to_dict(load_job(azure.command(**theirs))), job_to_dict(builder.command(**ours))


def test_every_argument_of_the_builder(jobs: Path) -> None:
    theirs, ours = both()
    assert theirs == ours
    assert theirs["inputs"]["momentum"] == 0.5 and theirs["inputs"]["flag"] is False
    assert theirs["inputs"]["data"]["path"] == str(jobs / "data/folder")


def test_ports_have_the_modes_of_their_component(jobs: Path) -> None:
    import azure.ai.ml as azure

    built = azure.command(
        command="c ${{inputs.data}} ${{inputs.own}} ${{outputs.kept}} ${{outputs.own}} ${{outputs.bare}}",
        environment="azureml:e@latest",
        inputs={name: azure.Input(type="uri_folder", mode="download") for name in ("data", "own")},
        outputs={"kept": azure.Output(mode="upload"), "own": azure.Output(mode="upload"), "bare": azure.Output()},
    )
    far = "azureml://datastores/d/paths/p/"
    used = built.component(data=azure.Input(path=far), own=azure.Input(path=far, mode="ro_mount"))
    used.outputs.own = azure.Output(mode="rw_mount")
    found = job_to_dict(load_job(used))
    assert {name: one["mode"] for name, one in found["inputs"].items()} == {"data": "download", "own": "ro_mount"}
    modes = {name: one["mode"] for name, one in found["outputs"].items()}
    assert modes == {"kept": "upload", "own": "rw_mount", "bare": "rw_mount"}


def test_every_kind_of_distribution_identity_and_service(jobs: Path) -> None:
    import azure.ai.ml as azure
    from azure.ai.ml import entities as theirs

    distributions = [
        (
            azure.PyTorchDistribution(process_count_per_instance=2),
            own.PyTorchDistribution(process_count_per_instance=2),
        ),
        (azure.MpiDistribution(process_count_per_instance=2), own.MpiDistribution(process_count_per_instance=2)),
        (
            azure.TensorFlowDistribution(worker_count=2, parameter_server_count=1),
            own.TensorFlowDistribution(worker_count=2, parameter_server_count=1),
        ),
    ]
    for pair in distributions:
        found = both(distribution=pair)
        assert found[0] == found[1]
    identities = [
        (theirs.UserIdentityConfiguration(), own.UserIdentityConfiguration()),
        (theirs.AmlTokenConfiguration(), own.AmlTokenConfiguration()),
        (theirs.ManagedIdentityConfiguration(client_id="c"), own.ManagedIdentityConfiguration(client_id="c")),
    ]
    for pair in identities:
        found = both(identity=pair)
        assert found[0] == found[1]
    services = (
        {
            "shell": theirs.SshJobService(ssh_public_keys="k", nodes="all"),
            "board": theirs.TensorBoardJobService(log_dir="logs"),
            "editor": theirs.VsCodeJobService(),
            "lab": theirs.JupyterLabJobService(port=8888),
        },
        {
            "shell": own.SshJobService(ssh_public_keys="k", nodes="all"),
            "board": own.TensorBoardJobService(log_dir="logs"),
            "editor": own.VsCodeJobService(),
            "lab": own.JupyterLabJobService(port=8888),
        },
    )
    found = both(services=services)
    assert found[0] == found[1]


def test_every_kind_of_environment(jobs: Path) -> None:
    from azure.ai.ml import entities as theirs

    content = {"name": "small", "dependencies": ["python=3.11"]}
    pairs: list[tuple[Any, Any]] = [
        (theirs.Environment(image="i"), workbench.Environment(image="i")),
        (
            theirs.Environment(image="i", conda_file=content, tags={"a": "b"}, description="d"),
            workbench.Environment(image="i", conda_file=content, tags={"a": "b"}, description="d"),
        ),
        (
            theirs.Environment(image="i", conda_file="../environment/conda.yml", name="n", version="2"),
            workbench.Environment(image="i", conda_file="../environment/conda.yml", name="n", version="2"),
        ),
        (
            theirs.Environment(
                build=theirs.BuildContext(path="../environment/context", dockerfile_path="gpu.Dockerfile")
            ),
            workbench.Environment(
                build=workbench.BuildContext(path="../environment/context", dockerfile_path="gpu.Dockerfile")
            ),
        ),
        ("azureml:mine:3", "azureml:mine:3"),
        ("mine@latest", "azureml:mine@latest"),
    ]
    registered = "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"
    for pair in [*pairs, (registered, registered)]:
        found = both(environment=pair)
        assert found[0] == found[1]


def test_a_conda_file_that_was_changed_in_the_object_is_its_content(jobs: Path) -> None:
    from azure.ai.ml import command, entities

    environment = entities.Environment(image="i", conda_file="../environment/conda.yml")
    job = load_job(command(command="true", environment=environment))
    assert job_to_dict(job)["environment"]["conda_file"] == str(jobs / "environment/conda.yml")
    environment.conda_file["dependencies"].append("humanize")
    job = load_job(command(command="true", environment=environment))
    assert "humanize" in job_to_dict(job)["environment"]["conda_file"]["dependencies"]


def test_a_call_that_rebinds_inputs_and_attributes_that_are_set_later(jobs: Path) -> None:
    from azure.ai.ml import Input, command

    first = command(
        command="echo ${{inputs.lr}}", environment="e@latest", inputs={"lr": 0.1, "d": Input(path="../data/folder")}
    )
    again = first(lr=0.2)
    assert job_to_dict(load_job(again))["inputs"]["lr"] == 0.2 and job_to_dict(load_job(first))["inputs"]["lr"] == 0.1
    first.inputs.d.mode = "download"
    first.inputs.lr = 7
    first.set_resources(instance_count=3)
    first.set_limits(timeout=9)
    found = job_to_dict(load_job(first))
    assert found["inputs"] == {
        "lr": 7,
        "d": {"type": "uri_folder", "path": str(jobs / "data/folder"), "mode": "download"},
    }
    assert found["resources"] == {"instance_count": 3} and found["limits"] == {"timeout": 9}


def test_numbers_in_tags_are_texts(jobs: Path) -> None:
    from azure.ai.ml import command

    given = {"fold": 1, "debug": True, "lr": 0.1, "name": "x"}
    theirs = command(command="true", environment="azureml:e:1", tags=given)
    assert theirs._validate().passed
    texts = {"fold": "1", "debug": "True", "lr": "0.1", "name": "x"}
    assert load_job(theirs).tags == texts == workbench.command(command="true", tags=given).tags


def test_a_command_job_entity(jobs: Path) -> None:
    from azure.ai.ml import Input, Output, entities

    job = entities.CommandJob(
        command="echo ${{inputs.lr}}",
        code="../src",
        environment="azureml:AzureML-sklearn-1.5@latest",
        inputs={"lr": 0.1, "d": Input(type="uri_file", path="../data/table.csv")},
        outputs={"o": Output(type="uri_file")},
        limits=entities.CommandJobLimits(timeout=5),
        tags={"a": "b"},
        name="entity",
    )
    found = job_to_dict(load_job(job))
    assert found["inputs"]["d"]["path"] == str(jobs / "data/table.csv") and found["inputs"]["lr"] == 0.1
    assert found["outputs"] == {"o": {"type": "uri_file", "mode": "rw_mount"}} and found["limits"] == {"timeout": 5}
    assert found["name"] == "entity" and found["code"] == str(jobs / "src")


def test_a_component_that_is_used(jobs: Path) -> None:
    from azure.ai.ml import load_component

    text = (
        "type: command\nname: train\ncommand: python train.py ${{inputs.lr}} $[[${{inputs.extra}}]]\ncode: ../../src\n"
        "environment: azureml:AzureML-sklearn-1.5@latest\n"
        "inputs:\n  lr: {type: number, default: 0.5}\n  extra: {type: string, optional: true}\n"
    )
    folder = jobs / "valid" / "component"
    folder.mkdir()
    (folder / "component.yml").write_text(text)
    found = job_to_dict(load_job(load_component(str(folder / "component.yml"))()))
    assert found["inputs"] == {"lr": 0.5} and found["code"] == str(jobs / "src")


def test_overrides_count_for_objects_too(jobs: Path) -> None:
    from azure.ai.ml import command

    job = command(command="echo ${{inputs.lr}}", environment="e@latest", inputs={"lr": 0.1})
    found = load_job(job, overrides=["inputs.lr=3"], params_override=[{"display_name": "other"}])
    assert found.inputs["lr"] == 3 and found.display_name == "other"


def refused(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(SpecErrors, match=words):
        load_job(make())


def test_what_is_no_command_is_refused_by_name(jobs: Path) -> None:
    from azure.ai.ml import command, entities
    from azure.ai.ml.sweep import Uniform

    job = command(command="echo ${{inputs.lr}}", environment="e@latest", inputs={"lr": 0.1})
    refused(lambda: job(lr=Uniform(0, 1)), "inputs.lr.*sweep")
    refused(lambda: entities.PipelineJob(), "PipelineJob is not run yet")
    refused(lambda: entities.Environment(image="x"), "Environment is not run yet")
    refused(lambda: command(command="echo ${{inputs.x}}", environment="e@latest"), "not declared")
    with pytest.raises(UsageError, match="a job is wanted"):
        Workspace().submit(object())


def test_one_is_submitted_and_runs(jobs: Path) -> None:
    from azure.ai.ml import Input, Output, command

    job = command(
        command="cat ${{inputs.table}} > ${{outputs.copy}}/t.csv; echo ${{inputs.lr}}",
        environment=None,
        inputs={"lr": Input(type="number", default=0.25), "table": Input(type="uri_file", path="../data/table.csv")},
        outputs={"copy": Output(type="uri_folder")},
    )
    run = Workspace().submit(job)
    assert run.wait(60) is RunState.COMPLETED and run.logs() == "0.25\n"
    assert (run.outputs["copy"] / "t.csv").read_text() == (jobs / "data/table.csv").read_text()


def test_the_package_is_not_loaded_to_find_that_out() -> None:
    code = (
        "import sys, json\nfrom workbench.spec.azure_objects import is_azure_object\n"
        "print(json.dumps([is_azure_object(object()), any(name.startswith('azure') for name in sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == [False, False]
    assert not is_azure_object("azure.ai.ml")
