"""The plan of a run: everything the supervisor needs, worked out by submit, so that it need not read the
spec.

It holds no secret: values of variables that look like secrets are handed over in the process environment
only.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from msgspec.structs import asdict as asrecord
from workbench_store.errors import RunError
from workbench_store.layout import RunLayout

from workbench.compute.protocol import ComputeEntry
from workbench.lifecycle.files import read_json, write_json
from workbench.spec.processes import Processes

Scalar = str | int | float | bool


@dataclass(frozen=True)
class PlannedInput:
    """An input: a literal has `value`; data has `path` (where it is) and `resolved` (what the job sees)."""

    name: str
    type: str
    mode: str | None = None
    path: str | None = None
    resolved: str | None = None
    value: Scalar | None = None

    @property
    def literal(self) -> bool:
        """Whether it is a literal."""
        return self.value is not None

    @property
    def copied(self) -> bool:
        """Whether it is brought to temporary storage first (mode `download`)."""
        return self.path is not None and self.path != self.resolved


@dataclass(frozen=True)
class PlannedOutput:
    """A named output: `path` is where it is kept in the end, `resolved` where the job writes it."""

    name: str
    type: str
    mode: str
    path: str
    resolved: str

    @property
    def published(self) -> bool:
        """Whether it is copied to `path` once the job has ended (mode `upload` with a local path)."""
        return self.path != self.resolved


@dataclass(frozen=True)
class Plan:
    """What the supervisor is to do.

    command: with inputs and outputs resolved. variables: the job's own. secrets: names of variables whose
    values are in the supervisor's environment. timeout: seconds. environment: the definition, None for
    `python`. git: what git said of the code, as `git_facts` names it. processes: how many run the command.
    """

    name: str
    id: str
    experiment: str
    compute: ComputeEntry
    command: str
    python: str
    snapshot: str | None = None
    inputs: tuple[PlannedInput, ...] = ()
    outputs: tuple[PlannedOutput, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    timeout: float | None = None
    environment: Mapping[str, Any] | None = None
    strict_python: bool = False
    allow_downloads: bool = False
    git: Mapping[str, str] = field(default_factory=dict)
    processes: Processes = field(default_factory=Processes)


def write_plan(files: RunLayout, plan: Plan) -> None:
    """Write the plan into the run's folder."""
    root = str(files.root.parents[1])
    write_json(files.plan, {**asdict(plan), "processes": asrecord(plan.processes), "root": root})


def read_plan(files: RunLayout) -> Plan:
    """The plan of a run. Raises RunError when there is none that can be read."""
    content = read_json(files.plan)
    try:
        if content is None:
            raise ValueError("not a JSON object")
        content = _rebased(content, str(files.root.parents[1]))
        return Plan(
            **{
                **content,
                "compute": ComputeEntry(**content["compute"]),
                "inputs": tuple(PlannedInput(**item) for item in content["inputs"]),
                "outputs": tuple(PlannedOutput(**item) for item in content["outputs"]),
                "secrets": tuple(content["secrets"]),
                "processes": Processes(**content.get("processes", {})),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"run {files.name} has no readable plan ({files.plan}): {error}",
            remedy="Only a job's run has one; close the run if it cannot go on.",
        ) from error


def _rebased(content: dict[str, Any], root: str) -> dict[str, Any]:
    """The plan for where the workspace is now: a copy of it has inputs and outputs of its own."""
    written = content.pop("root", root)
    if written == root:
        return content
    for item in (*content["inputs"], *content["outputs"]):
        for key in ("path", "resolved"):
            if isinstance(item.get(key), str) and item[key].startswith(f"{written}/"):
                item[key] = root + item[key][len(written) :]
    return content
