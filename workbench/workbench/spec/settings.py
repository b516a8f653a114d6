"""Resources, limits, queue, distribution, services and identity of a job."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

AtLeastOne = Annotated[int, Meta(ge=1)]
AtLeastNone = Annotated[int, Meta(ge=0)]
Nodes = Annotated[Literal["all"] | None, Meta(description="`all`, or only the first.")]
Port = Annotated[int | None, Meta(ge=0, le=65535)]
SHM_SIZE = r"^\d+[bBkKmMgG]?$"


class JobResourceConfiguration(Struct, kw_only=True):
    """What the job is given to run on."""

    instance_count: Annotated[AtLeastOne | None, Meta(description="Number of nodes.")] = None
    instance_type: Annotated[str | None, Meta(description="Kind of node; unused here.")] = None
    shm_size: Annotated[str | None, Meta(pattern=SHM_SIZE, description="Shared memory, e.g. `2g`.")] = None
    docker_args: Annotated[str | list[str] | None, Meta(description="For `docker run`.")] = None
    locations: list[str] | None = None
    max_instance_count: AtLeastOne | None = None
    properties: dict[str, Annotated[Any, Meta(extra={"reader": "raw"})]] | None = None


class CommandJobLimits(Struct, kw_only=True):
    """When a job is stopped."""

    timeout: Annotated[AtLeastOne | None, Meta(description="Seconds the command may take.")] = None


class QueueSettings(Struct, kw_only=True):
    """How soon the cloud runs the job."""

    job_tier: Literal["spot", "basic", "standard", "premium", "null"] | None = None
    priority: Literal["low", "medium", "high"] | None = None


class PyTorchDistribution(Struct, kw_only=True):
    """PyTorch processes; the command is started once for each."""

    type: Literal["pytorch"] = "pytorch"
    process_count_per_instance: AtLeastOne | None = None


class TensorFlowDistribution(Struct, kw_only=True):
    """TensorFlow workers and parameter servers."""

    type: Literal["tensorflow"] = "tensorflow"
    parameter_server_count: AtLeastNone | None = None
    worker_count: AtLeastOne | None = None


class MpiDistribution(Struct, kw_only=True):
    """MPI processes."""

    type: Literal["mpi"] = "mpi"
    process_count_per_instance: AtLeastOne | None = None


class RayDistribution(Struct, kw_only=True):
    """A Ray cluster."""

    type: Literal["ray"] = "ray"
    port: Port = None
    address: str | None = None
    include_dashboard: bool | None = None
    dashboard_port: Port = None
    head_node_additional_args: str | None = None
    worker_node_additional_args: str | None = None


Distribution = PyTorchDistribution | TensorFlowDistribution | MpiDistribution | RayDistribution


class ManagedIdentityConfiguration(Struct, kw_only=True):
    """The job acts as a managed identity."""

    type: Annotated[
        Literal["managed_identity", "managed"],
        Meta(extra={"fold": "snake", "aliases": {"managed": "managed_identity"}}),
    ] = "managed_identity"
    client_id: str | None = None
    object_id: str | None = None
    msi_resource_id: str | None = None


class AmlTokenConfiguration(Struct, kw_only=True):
    """The job acts with a workspace token."""

    type: Annotated[Literal["aml_token"], Meta(extra={"fold": "snake"})] = "aml_token"


class UserIdentityConfiguration(Struct, kw_only=True):
    """The job acts as the user who submits it."""

    type: Annotated[Literal["user_identity"], Meta(extra={"fold": "snake"})] = "user_identity"


Identity = ManagedIdentityConfiguration | AmlTokenConfiguration | UserIdentityConfiguration


class SshJobService(Struct, kw_only=True):
    """A way into the running job by ssh."""

    type: Literal["ssh"] = "ssh"
    port: Port = None
    nodes: Nodes = None
    ssh_public_keys: str | None = None
    properties: dict[str, Annotated[Any, Meta(extra={"reader": "raw"})]] | None = None


class TensorBoardJobService(Struct, kw_only=True):
    """TensorBoard beside the running job."""

    type: Literal["tensor_board"] = "tensor_board"
    port: Port = None
    nodes: Nodes = None
    log_dir: str | None = None
    properties: dict[str, Annotated[Any, Meta(extra={"reader": "raw"})]] | None = None


class VsCodeJobService(Struct, kw_only=True):
    """VS Code beside the running job."""

    type: Literal["vs_code"] = "vs_code"
    port: Port = None
    nodes: Nodes = None
    properties: dict[str, Annotated[Any, Meta(extra={"reader": "raw"})]] | None = None


class JupyterLabJobService(Struct, kw_only=True):
    """JupyterLab beside the running job."""

    type: Literal["jupyter_lab"] = "jupyter_lab"
    port: Port = None
    nodes: Nodes = None
    properties: dict[str, Annotated[Any, Meta(extra={"reader": "raw"})]] | None = None


class JobService(Struct, kw_only=True):
    """A service of any other type."""

    type: str | None = None
    port: Port = None
    nodes: Nodes = None
    properties: dict[str, Annotated[Any, Meta(extra={"reader": "raw"})]] | None = None


Service = SshJobService | TensorBoardJobService | VsCodeJobService | JupyterLabJobService | JobService
