"""A command job: every field of Azure ML's commandJob, declared once."""

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace
from workbench_store.errors import UsageError

from workbench.spec.environments import Environment
from workbench.spec.ports import Input, LiteralValue, Output
from workbench.spec.settings import (
    CommandJobLimits,
    Distribution,
    Identity,
    JobResourceConfiguration,
    QueueSettings,
    Service,
)

PORT_NAME = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
RUN_NAME = r"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$"
#: Keys that Azure ML writes into a job it shows; read back, they are passed over in silence (as upstream).
READ_ONLY: dict[str, frozenset[str]] = {
    "CommandJob": frozenset({"$schema", "id", "status", "creation_context", "log_files", "parameters"}),
    "Environment": frozenset({"$schema", "id", "creation_context", "latest_version", "intellectual_property"}),
    "Output": frozenset({"$schema"}),
} | {
    f"{kind}JobService": frozenset({"$schema", "endpoint", "status", "error_message"})
    for kind in ("Ssh", "TensorBoard", "VsCode", "JupyterLab", "")
}

PortName = Annotated[str, Meta(pattern=PORT_NAME)]
VariableName = Annotated[str, Meta(pattern=r"^[^=]+$")]
Labels = dict[str, Annotated[str | None, Meta(extra={"nullable": True})]]


class CommandJob(Struct, kw_only=True):
    """One command, its code, environment, inputs and outputs.

    Made by `load_job` or `command`, which check it. Local paths are absolute: `code` is a Path if it is
    local, text if it is a URI, None if the job has no code.
    """

    type: Annotated[Literal["command"], Meta(description="The kind of job.")] = "command"
    command: Annotated[str, Meta(description="Run by a shell; may use ${{inputs.x}} and ${{outputs.x}}.")]
    code: Annotated[
        Path | str | None,
        Meta(description="The folder to snapshot, relative to this file.", extra={"reader": "code"}),
    ] = None
    environment: Annotated[
        Environment | str | None,
        Meta(
            description="azureml:NAME:VERSION, azureml:NAME@LABEL, a registry URI, or inline; "
            "left out: the Python that submits.",
            extra={"reader": "environment"},
        ),
    ] = None
    inputs: Annotated[
        dict[PortName, Annotated[Input | LiteralValue, Meta(extra={"reader": "input"})]],
        Meta(description="Literals and data, by name."),
    ] = {}
    outputs: Annotated[
        dict[PortName, Annotated[Output, Meta(extra={"reader": "output"})]],
        Meta(description="What the command makes, by name."),
    ] = {}
    environment_variables: Annotated[
        dict[VariableName, Annotated[str, Meta(extra={"reader": "variable"})]],
        Meta(description="Set for the command."),
    ] = {}
    compute: Annotated[
        str | None, Meta(description="The name of a compute; left out: local.", extra={"reader": "compute"})
    ] = None
    name: Annotated[str | None, Meta(description="The run's name; left out: one is made up.", pattern=RUN_NAME)] = None
    display_name: Annotated[str | None, Meta(description="Shown instead of the name.")] = None
    description: Annotated[str | None, Meta(description="What the job is for.")] = None
    experiment_name: Annotated[str | None, Meta(description="The experiment that the run belongs to.")] = None
    tags: Annotated[Labels, Meta(description="Text by name, to find the run by.")] = {}
    properties: Annotated[Labels, Meta(description="Text by name, never changed.")] = {}
    limits: Annotated[CommandJobLimits | None, Meta(description="When the job is stopped.")] = None
    resources: Annotated[JobResourceConfiguration | None, Meta(description="What it runs on.")] = None
    distribution: Annotated[Distribution | None, Meta(description="Several processes that know of each other.")] = None
    services: Annotated[
        dict[str, Annotated[Service, Meta(extra={"untyped": True})]],
        Meta(description="Ways into the running job; unused on local compute."),
    ] = {}
    identity: Annotated[Identity | None, Meta(description="Unused on local compute.")] = None
    queue_settings: Annotated[QueueSettings | None, Meta(description="Unused on local compute.")] = None
    parent_job_name: Annotated[str | None, Meta(description="The run that this one belongs to.")] = None
    base_dir: Annotated[Path, Meta(extra={"python_only": True})]

    def __call__(self, **inputs: Any) -> "CommandJob":
        """A new job with these inputs in place of its own, as azure-ai-ml's commands give; its run has another name.

        Raises SpecErrors for an input that the job does not have.
        """
        from workbench.spec.builder import with_known_inputs

        return with_known_inputs(self, inputs)

    def on(self, compute: str) -> "CommandJob":
        """A copy of the job for another compute. Raises UsageError for an empty name."""
        name = compute.strip().removeprefix("azureml:")
        if not name:
            raise UsageError("the name of the compute is empty", remedy="Leave it out to keep the job's own.")
        return replace(self, compute=name)
