"""Environments as a job writes them (azure-ai-ml: AnonymousEnvironment, BuildContext)."""

import re
from os import PathLike
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

_BARE_NAME = re.compile(r"(?!azureml:|file:)[^:@/\s]+[:@][^:@/\s]+\Z")


def named_environment(given: Any) -> Any:
    """`NAME:VERSION` and `NAME@LABEL` in Python are names of registered environments, as in azure-ai-ml."""
    return f"azureml:{given}" if isinstance(given, str) and _BARE_NAME.match(given) else given


class BuildContext(Struct, kw_only=True):
    """A folder to build an image from."""

    path: Annotated[
        str | PathLike[str] | None,
        Meta(description="A folder, relative to this file, or a URL.", extra={"reader": "build_path"}),
    ] = None
    dockerfile_path: Annotated[str | None, Meta(description="Relative to `path`; default `Dockerfile`.")] = None


class Route(Struct, kw_only=True):
    """A port and a path of an inference server."""

    port: int
    path: str


class InferenceConfig(Struct, kw_only=True):
    """How an image answers requests once deployed; no meaning for a job."""

    liveness_route: Route
    scoring_route: Route
    readiness_route: Route


class AutoDeleteSetting(Struct, kw_only=True):
    """When a registered environment goes; no meaning for a job."""

    value: str | None = None
    condition: Literal["created_greater_than", "last_accessed_greater_than"] | None = None


class Environment(Struct, kw_only=True):
    """What the command runs in: an image, with or without conda packages, a build context, or packages alone.

    In a loaded job `conda_file` is an absolute path or the definition itself.
    """

    image: Annotated[str | None, Meta(description="A Docker image; not both this and `build`.")] = None
    build: Annotated[BuildContext | None, Meta(description="A Docker build context.")] = None
    conda_file: Annotated[
        str | PathLike[str] | dict[str, Any] | None,
        Meta(description="A conda file, relative to this file, or its content.", extra={"reader": "conda_file"}),
    ] = None
    name: Annotated[str | None, Meta(description="Shown only: an inline environment has none.")] = None
    version: Annotated[
        str | None,
        Meta(description="Shown only: an inline environment has none.", extra={"reader": "version"}),
    ] = None
    description: str | None = None
    tags: dict[str, Annotated[Any, Meta(extra={"reader": "raw"})]] | None = None
    os_type: Literal["linux", "windows"] | None = None
    inference_config: InferenceConfig | None = None
    auto_delete_setting: AutoDeleteSetting | None = None
    datastore: str | None = None
    properties: Annotated[dict[str, Any] | None, Meta(extra={"python_only": True})] = None
