"""Jobs built in Python, with azure-ai-ml's names and arguments, checked as files are."""

import math
import os
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from workbench.spec.dump import job_to_dict, plain_value
from workbench.spec.environments import Environment, named_environment
from workbench.spec.errors import SpecErrors
from workbench.spec.fields import fields_of
from workbench.spec.job import CommandJob
from workbench.spec.load import job_from_python
from workbench.spec.plain import plain_scalar, plain_words
from workbench.spec.ports import PRIMITIVES, Input, Output
from workbench.spec.problems import Problem, nearest_name
from workbench.spec.settings import Distribution, Identity, Service


def command(
    *,
    command: str | None = None,
    code: str | PathLike[str] | None = None,
    environment: str | Environment | Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Output | Mapping[str, Any] | None] | None = None,
    environment_variables: Mapping[str, Any] | None = None,
    compute: str | None = None,
    name: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    experiment_name: str | None = None,
    tags: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    distribution: Distribution | Mapping[str, Any] | None = None,
    instance_count: int | None = None,
    instance_type: str | None = None,
    locations: list[str] | None = None,
    docker_args: str | list[str] | None = None,
    shm_size: str | None = None,
    timeout: int | None = None,
    identity: Identity | Mapping[str, Any] | None = None,
    is_deterministic: bool = True,
    services: Mapping[str, Service | Mapping[str, Any]] | None = None,
    job_tier: str | None = None,
    priority: str | None = None,
    parent_job_name: str | None = None,
) -> CommandJob:
    """A command job; paths start at the current folder, `timeout` is in seconds. Raises SpecErrors.

    `is_deterministic` is taken for compatibility; it has a meaning in pipelines only.
    """
    given = {
        "command": command,
        "code": code,
        "environment": named_environment(environment),
        "inputs": _plain_inputs(inputs or {}),
        "outputs": outputs,
        "environment_variables": _plain_variables(environment_variables),
        "compute": compute,
        "name": name,
        "display_name": display_name,
        "description": description,
        "experiment_name": experiment_name,
        "tags": plain_words(tags),
        "properties": plain_words(properties),
        "distribution": distribution,
        "resources": _resources(instance_count, instance_type, locations, docker_args, shm_size),
        "limits": {"timeout": timeout},
        "queue_settings": {"job_tier": job_tier, "priority": priority},
        "identity": identity,
        "services": services,
        "parent_job_name": parent_job_name,
    }
    return job_from_python(_given_only(given), Path.cwd())


def _resources(
    instance_count: int | None,
    instance_type: str | None,
    locations: list[str] | None,
    docker_args: str | list[str] | None,
    shm_size: str | None,
) -> dict[str, Any]:
    return {
        "instance_count": instance_count,
        "instance_type": instance_type,
        "locations": locations,
        "docker_args": docker_args,
        "shm_size": shm_size,
    }


_NESTED = ("resources", "limits", "queue_settings")
_NOTHING: Any = object()


def _given_only(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in _NESTED:
            value = {key: item for key, item in value.items() if item is not None}
        if value is None or value == {}:
            continue
        found[name] = plain_value(value)
    return found


def checked(job: CommandJob) -> CommandJob:
    """The job as it is read again: whoever loaded or built it may have set its fields since, to what no file may say.

    What is relative by now starts at the job's own folder. Raises SpecErrors.
    """
    try:
        return job_from_python(_set_fields(job), job.base_dir)
    except SpecErrors as error:
        raise SpecErrors([replace(problem, file="submit()") for problem in error.problems]) from error


def _set_fields(job: CommandJob) -> dict[str, Any]:
    data = {name: plain_value(getattr(job, name)) for name in fields_of(CommandJob)}
    data["environment"] = plain_value(named_environment(job.environment))
    data["inputs"] = _plain_inputs(job.inputs)
    data["environment_variables"] = _plain_variables(job.environment_variables)
    data |= {name: plain_words(getattr(job, name)) for name in ("tags", "properties")}
    unset = [name for name, value in data.items() if value is None or (isinstance(value, dict) and not value)]
    return {name: value for name, value in data.items() if name not in unset}


def plain_input(name: str, value: Any) -> Any:
    """An input as a file would say it; an Input of a primitive type is its default."""
    if not isinstance(value, Input):
        return _path_text(name, value) if isinstance(value, PathLike) else plain_scalar(value)
    if value.type not in PRIMITIVES:
        return plain_value(value)
    if value.default is None:
        if value.optional:
            return _NOTHING
        raise _wrong(name, f"an input of type {value.type} needs a default")
    _check_bounds(name, value)
    return value.default


def _path_text(name: str, path: PathLike[str]) -> str:
    """A literal is text, which the job would take from its own folder."""
    text = fspath(path)
    if not os.path.isabs(text):
        raise _wrong(
            name,
            f"{text} is a relative path, and a literal is passed on as it stands; as data it is "
            f'Input(type="uri_folder", path="{text}") or Input(type="uri_file", path="{text}")',
        )
    return text


def _plain_variables(variables: Any) -> Any:
    if not isinstance(variables, Mapping):
        return plain_value(variables)
    return {name: plain_scalar(value) for name, value in variables.items()}


def _check_bounds(name: str, value: Input) -> None:
    default = value.default
    if isinstance(default, int | float) and not isinstance(default, bool):
        low = -math.inf if value.min is None else value.min
        high = math.inf if value.max is None else value.max
        if not low <= default <= high:
            raise _wrong(name, f"{default} is not between {low} and {high}")
    if value.enum and default not in value.enum:
        raise _wrong(name, f"{default!r} is not one of the allowed values", tuple(map(str, value.enum)))


def _wrong(name: str, message: str, allowed: tuple[str, ...] = ()) -> SpecErrors:
    return SpecErrors([Problem("command()", 0, 0, f"inputs.{name}", message, allowed)])


def with_inputs(job: CommandJob, inputs: Mapping[str, Any]) -> CommandJob:
    """A copy of a job with these inputs in place of its own of those names. Raises SpecErrors."""
    data = job_to_dict(job)
    return job_from_python(data | {"inputs": {**data.get("inputs", {}), **_plain_inputs(inputs)}}, job.base_dir)


def with_known_inputs(job: CommandJob, inputs: Mapping[str, Any]) -> CommandJob:
    """The same without a name of its own, for inputs that the job has. Raises SpecErrors, also for others."""
    declared = tuple(job.inputs)
    unknown = [
        Problem(
            "command()", 0, 0, f"inputs.{name}", "the job has no such input", declared, nearest_name(name, declared)
        )
        for name in inputs
        if name not in declared
    ]
    if unknown:
        raise SpecErrors(unknown)
    return with_inputs(replace(job, name=None), inputs)


def _plain_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(inputs, Mapping):
        raise SpecErrors([Problem("command()", 0, 0, "inputs", f"must be a mapping, not {inputs!r}", ())])
    plain = {name: plain_input(name, value) for name, value in inputs.items()}
    return {name: value for name, value in plain.items() if value is not _NOTHING}
