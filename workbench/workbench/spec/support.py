"""What local compute does with a valid job: which fields it does not use, and what it refuses to run."""

from collections.abc import Iterator
from typing import NamedTuple

from workbench.spec.checks import Finding
from workbench.spec.environments import Environment
from workbench.spec.job import CommandJob
from workbench.spec.paths import is_remote, scheme
from workbench.spec.ports import Input
from workbench.spec.problems import Problem
from workbench.spec.processes import distribution_refusals, processes_of


class Note(NamedTuple):
    """A field that is accepted and not used, and why."""

    field: str
    text: str


_UNUSED_RESOURCES = {
    "instance_type": "local compute has one kind of node",
    "max_instance_count": "local compute has one node",
    "locations": "local compute is where you are",
    "shm_size": "there is no container on local compute",
    "docker_args": "there is no container on local compute",
    "properties": "local compute has none",
}


def execution_notes(job: CommandJob) -> list[Note]:
    """The fields that are valid and that local compute does not use, in the order of the spec."""
    return list(_notes(job))


def _notes(job: CommandJob) -> Iterator[Note]:
    if job.environment is None:
        yield Note("environment", "left out: the Python that submits runs the command; Azure ML needs one")
    if isinstance(job.environment, Environment):
        yield from _environment_notes(job.environment)
    for name, given in job.inputs.items():
        if isinstance(given, Input):
            yield from _input_notes(f"inputs.{name}", given)
    for name, output in job.outputs.items():
        if output.name is not None or output.version is not None:
            yield Note(f"outputs.{name}.name", "outputs are not registered as data assets")
    for field, why in _UNUSED_RESOURCES.items():
        if job.resources is not None and getattr(job.resources, field) is not None:
            yield Note(f"resources.{field}", f"unused: {why}")
    instances = processes_of(job).instances
    if instances > 1:
        yield Note("resources.instance_count", f"{instances} groups of processes on this machine")
    for field, why in (
        ("services", "a local run is reached without them"),
        ("identity", "a local run acts as you"),
        ("queue_settings", "runs start in the order they come"),
        ("parent_job_name", "runs have no parents yet"),
    ):
        if getattr(job, field):
            yield Note(field, f"unused: {why}")


def _environment_notes(environment: Environment) -> Iterator[Note]:
    if environment.name is not None or environment.version is not None:
        yield Note("environment.name", "shown only: an inline environment is known by its content")
    for field in ("os_type", "inference_config", "auto_delete_setting", "datastore"):
        if getattr(environment, field) is not None:
            yield Note(f"environment.{field}", "unused on local compute")


def _input_notes(path: str, given: Input) -> Iterator[Note]:
    for field in ("path_on_compute", "datastore"):
        if getattr(given, field) is not None:
            yield Note(f"{path}.{field}", "unused on local compute")


def execution_refusals(job: CommandJob) -> list[Problem]:
    """What the job asks for that is not executed yet; empty if local compute can run it."""
    return [Problem("", 0, 0, finding.path, finding.message) for finding in _refusals(job)]


def execution_findings(job: CommandJob) -> Iterator[Finding]:
    """The same as warnings, for `check_job`: the spec is valid, and cannot run here yet."""
    for finding in _refusals(job):
        yield finding._replace(severity="warning")


def _refusals(job: CommandJob) -> Iterator[Finding]:
    if isinstance(job.code, str):
        yield Finding("code", f"code from {scheme(job.code)} is not fetched yet; name a local folder")
    for name, given in job.inputs.items():
        if isinstance(given, Input):
            yield from _input_refusals(f"inputs.{name}", given)
    for name, output in job.outputs.items():
        if output.path is not None and is_remote(str(output.path)):
            where = scheme(str(output.path))
            message = f"an output is not written to {where} yet; leave path out, or name a local one"
            yield Finding(f"outputs.{name}.path", message)
    yield from distribution_refusals(job)


def _input_refusals(path: str, given: Input) -> Iterator[Finding]:
    if given.path is not None and is_remote(str(given.path)):
        message = f"an input from {scheme(str(given.path))} is not fetched yet; name a local path"
        yield Finding(f"{path}.path", message)
    if given.mode in ("eval_mount", "eval_download"):
        message = f"{given.mode} is not executed yet; ro_mount, download and direct are"
        yield Finding(f"{path}.mode", message)
