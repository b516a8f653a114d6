"""A run before it is made: what its plan will say, what of the job is secret, and everything that can be refused."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from workbench_store.cache_root import usable_cache
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.redaction import redacted
from workbench_store.secrets import looks_secret_name

from workbench.compute.registry import get_compute
from workbench.data.secret_urls import without_secrets
from workbench.lifecycle.input_plan import plan_inputs
from workbench.lifecycle.output_plan import plan_outputs
from workbench.lifecycle.plan import Plan
from workbench.spec import (
    CommandJob,
    Input,
    Problem,
    SpecErrors,
    execution_refusals,
    is_remote,
    literal_text,
    resolve_command,
)
from workbench.spec.processes import processes_of

#: The longest argument or variable of a program, with the zero at its end (Linux: MAX_ARG_STRLEN, execve(2)).
_LONGEST_TEXT = 131_072
SECRETS_PROPERTY = "workbench.secret_variables"


class Earlier(Struct, frozen=True):
    """What a run takes over from an earlier one: its snapshot's id, its environment as its plan has it, what git
    said of the code then, and the earlier run's files."""

    snapshot: str | None
    environment: Mapping[str, Any] | None
    git: Mapping[str, str]
    files: RunLayout


class Draft(Struct, frozen=True):
    """A run before it is made. `job` holds no secret values; `secrets` holds them. `warnings` go to the run's page."""

    job: CommandJob
    plan: Plan
    secrets: dict[str, str]
    earlier: Earlier | None
    warnings: list[str]


def make_draft(
    layout: WorkspaceLayout,
    job: CommandJob,
    name: str,
    earlier: Earlier | None,
    strict_python: bool,
    allow_downloads: bool,
) -> Draft:
    """Everything that can be refused, in one look. Raises as `submit` does."""
    problems = execution_refusals(job)
    if problems:
        raise SpecErrors(problems)
    compute = get_compute(layout, job.compute)
    usable_cache()
    data, outputs = plan_inputs(layout, job, name), plan_outputs(layout, job, name)
    inputs = tuple(data.inputs)
    seen = {item.name: literal_text(item.value) if item.value is not None else str(item.resolved) for item in inputs}
    given = job.environment_variables.items()
    secrets = {key: value for key, value in given if looks_secret_name(key) or redacted(value) != value}
    environment = environment_of(job) if earlier is None else earlier.environment
    command = resolve_command(
        job.command,
        seen,
        {item.name: item.resolved for item in outputs},
        [item.name for item in inputs if not item.literal],
    )
    _check_lengths(command, job.environment_variables)
    plan = Plan(
        name=name,
        id="",
        experiment="",
        compute=compute.entry,
        command=command,
        python=sys.executable,
        inputs=inputs,
        outputs=outputs,
        variables={key: value for key, value in job.environment_variables.items() if key not in secrets},
        secrets=tuple(secrets),
        timeout=job.limits.timeout if job.limits else None,
        environment=environment,
        strict_python=strict_python,
        allow_downloads=allow_downloads,
        processes=processes_of(job),
    )
    return Draft(_without_secrets(job, secrets), plan, {**secrets, **data.secrets}, earlier, data.warnings)


def _check_lengths(command: str, variables: Mapping[str, str]) -> None:
    """Raise SpecErrors for texts that no program can be given."""
    texts = {"command": command}
    texts |= {f"environment_variables.{name}": f"{name}={value}" for name, value in variables.items()}
    sizes = {field: len(os.fsencode(text)) for field, text in texts.items()}
    problems = [
        Problem("", 0, 0, field, f"is {size:,} bytes long with what is put into it; give long texts by a file")
        for field, size in sizes.items()
        if size >= _LONGEST_TEXT
    ]
    if problems:
        raise SpecErrors(problems)


def environment_of(job: CommandJob) -> dict[str, Any] | None:
    """The definition of the environment that the job asks for, as a plan keeps it. Raises EnvironmentFailed."""
    if job.environment is None:
        return None
    from workbench.environment import define, definition_to_dict

    return definition_to_dict(define(job.environment, job.base_dir))


def _without_secrets(job: CommandJob, secrets: dict[str, str]) -> CommandJob:
    """The job as it is stored: of variables that look like secrets only the names are kept, in a property; of URLs that
    hold one, what is left without it."""
    job = replace(job, inputs={name: _without_secret_url(given) for name, given in job.inputs.items()})
    if not secrets:
        return job
    kept = {key: value for key, value in job.environment_variables.items() if key not in secrets}
    properties = {**job.properties, SECRETS_PROPERTY: ",".join(sorted(secrets))}
    return replace(job, environment_variables=kept, properties=properties)


def _without_secret_url(given: "Input | str | int | float | bool") -> "Input | str | int | float | bool":
    if not isinstance(given, Input) or given.path is None or not is_remote(str(given.path)):
        return given
    return replace(given, path=without_secrets(str(given.path)))
