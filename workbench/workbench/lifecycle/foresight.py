"""What `run` would refuse by name on this machine, though the file is valid: told before anybody runs it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from workbench_store.errors import WorkbenchError
from workbench_store.layout import WorkspaceLayout
from workbench_store.snapshot.ignore import read_rules

from workbench.compute.registry import get_compute
from workbench.environment import define
from workbench.lifecycle.input_plan import plan_inputs
from workbench.lifecycle.output_plan import plan_outputs
from workbench.lifecycle.submission import check_name
from workbench.spec import CommandJob, Input, is_remote
from workbench.spec.checks import Check, Finding


def refusals_here(layout: WorkspaceLayout) -> Check:
    """A check whose findings are warnings. The workspace need not be there: nothing is made."""

    def check(job: CommandJob) -> Iterator[Finding]:
        environment = job.environment
        if environment is not None:
            yield from _refused("environment", lambda: define(environment, job.base_dir))
        if isinstance(job.code, Path):
            yield from _refused("code", partial(read_rules, job.code))
        yield from _refused("compute", lambda: get_compute(layout, job.compute))
        yield from _data(layout, job)
        if job.name is not None:
            yield from _refused("name", partial(check_name, layout, job.name))

    return check


def _data(layout: WorkspaceLayout, job: CommandJob) -> Iterator[Finding]:
    """Names that inputs and outputs have, and places that they cannot be brought from or to."""
    name = job.name or "run"
    for key, given in job.inputs.items():
        if isinstance(given, Input) and given.path is not None and is_remote(str(given.path)):
            one = replace(job, inputs={key: given})
            yield from _refused(f"inputs.{key}.path", partial(plan_inputs, layout, one, name))
    for key, output in job.outputs.items():
        alone = replace(job, outputs={key: output})
        yield from _refused(f"outputs.{key}", partial(plan_outputs, layout, alone, name))


def _refused(field: str, attempt: Callable[[], object]) -> Iterator[Finding]:
    try:
        attempt()
    except WorkbenchError as error:
        said = error.message.removeprefix(f"{field}: ")
        message = said if error.remedy is None else f"{said}. {error.remedy}"
        yield Finding(field, message, severity="warning")
