"""The plan of a run: everything the supervisor needs, worked out by submit, so that it need not read the
spec.

It holds no secret: values of variables that look like secrets are handed over in the process environment
only.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field, to_builtins
from workbench_store.errors import RunError
from workbench_store.layout import RunLayout

from workbench.compute.protocol import ComputeEntry
from workbench.lifecycle.files import read_json, write_json
from workbench.spec.paths import is_remote
from workbench.spec.process_counts import Processes

Scalar = str | int | float | bool


class PlannedInput(Struct, frozen=True):
    """An input: a literal has `value`; data has `path` (a local path or a URL) and `resolved` (what the job sees).

    staged: where in temporary storage it is brought; None if the job gets it where it is. fetch: whether `path` is a
    URL that is fetched first; secret: the variable that has that URL whole, if it holds a secret. link: the place of
    the user's choosing that leads to it. given, asset, asset_kind, source_run, source_output: as in the `input` event.
    """

    name: str
    type: str
    mode: str | None = None
    path: str | None = None
    resolved: str | None = None
    value: Scalar | None = None
    staged: str | None = None
    fetch: bool = False
    secret: str | None = None
    link: str | None = None
    given: str | None = None
    asset: str | None = None
    asset_kind: str | None = None
    source_run: str | None = None
    source_output: str | None = None

    @property
    def literal(self) -> bool:
        """Whether it is a literal."""
        return self.value is not None

    @property
    def local(self) -> bool:
        """Whether it is data of this machine."""
        return self.path is not None and not is_remote(self.path)

    @property
    def brought(self) -> bool:
        """Whether anything is to be done before the job can use it."""
        return self.staged is not None or self.link is not None

    @property
    def copied(self) -> bool:
        """Whether the job gets a copy of its own."""
        return self.mode in ("download", "eval_download")

    @property
    def evaluated(self) -> bool:
        """Whether it is a table of which the job gets the files that it is made of."""
        return self.mode in ("eval_mount", "eval_download")


class PlannedOutput(Struct, frozen=True):
    """A named output: `path` is where it is kept in the end (a path or URL), `resolved` where the job writes it.

    remote: whether `path` is a URL. asset, version: what it is registered as, an empty version being the next number;
    asset_path: where that is said to be. description: the spec's.
    """

    name: str
    type: str
    mode: str
    path: str
    resolved: str
    remote: bool = False
    asset: str | None = None
    version: str | None = None
    asset_path: str | None = None
    description: str | None = None

    @property
    def published(self) -> bool:
        """Whether it is copied to `path` once the job has ended (mode `upload` with a local path)."""
        return self.path != self.resolved and not self.remote

    @property
    def uploaded(self) -> bool:
        """Whether it is uploaded to `path` once the job has ended."""
        return self.path != self.resolved and self.remote

    @property
    def local(self) -> bool:
        """Whether the job writes it on this machine."""
        return not is_remote(self.resolved)


class Plan(Struct, frozen=True):
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

    @property
    def registered(self) -> tuple[tuple[PlannedOutput, str], ...]:
        """The outputs that become data assets or models, and the names of these."""
        return tuple((output, output.asset) for output in self.outputs if output.asset is not None)


def write_plan(files: RunLayout, plan: Plan) -> None:
    """Write the plan into the run's folder."""
    root = str(files.root.parents[1])
    write_json(files.plan, {**to_builtins(plan), "root": root})


def read_plan(files: RunLayout) -> Plan:
    """The plan of a run. Raises RunError when there is none that can be read."""
    content = read_json(files.plan)
    try:
        if content is None:
            raise ValueError("not a JSON object")
        content = rebased(content, str(files.root.parents[1]))
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


def rebased(content: dict[str, Any], root: str) -> dict[str, Any]:
    """The plan for where the workspace is now: a copy of it has inputs and outputs of its own."""
    written = content.pop("root", root)
    if written == root:
        return content
    for item in (*content.get("inputs", ()), *content.get("outputs", ())):
        for key in ("path", "resolved"):
            if isinstance(item.get(key), str) and item[key].startswith(f"{written}/"):
                item[key] = root + item[key][len(written) :]
    return content
