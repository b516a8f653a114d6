"""What `run` would refuse by name on this machine, though the file is valid: told before anybody runs it."""

import os
from collections.abc import Callable, Iterator

from workbench_store.errors import WorkbenchError
from workbench_store.layout import WorkspaceLayout

from workbench.compute.registry import get_compute
from workbench.environment import define
from workbench.spec import CommandJob
from workbench.spec.checks import Check, Finding


def refusals_here(layout: WorkspaceLayout | None) -> Check:
    """A check whose findings are warnings; without a workspace there are no computes and runs to look at."""

    def check(job: CommandJob) -> Iterator[Finding]:
        environment = job.environment
        if environment is not None:
            yield from _refused("environment", lambda: define(environment, job.base_dir))
        if layout is not None:
            yield from _refused("compute", lambda: get_compute(layout, job.compute))
            if job.name is not None and os.path.lexists(layout.run(job.name).root):
                yield Finding("name", f"a run named {job.name} is in {layout.root} already", severity="warning")

    return check


def _refused(field: str, attempt: Callable[[], object]) -> Iterator[Finding]:
    try:
        attempt()
    except WorkbenchError as error:
        message = error.message if error.remedy is None else f"{error.message}. {error.remedy}"
        yield Finding(field, message, severity="warning")
