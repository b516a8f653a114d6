"""A run's environment in a form that the real service takes, with the files that it needs beside the job file."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workbench_store.errors import RunError
from workbench_store.snapshot.upstream_hash import object_hash

from workbench.environment import EnvironmentDefinition, definition_from_dict
from workbench.lifecycle.plan import Plan
from workbench.spec import is_remote, job_from_dict, job_to_dict
from workbench.spec.dump import data_to_yaml


class Given(NamedTuple):
    """What the user names in place of what the run had: names of the service's compute and environment, an image."""

    compute: str | None
    environment: str | None
    image: str | None


def export_environment(spec: Any, plan: Plan, draft: Path, given: Given, notes: list[str]) -> Any:
    """The value of `environment` for the job file in `draft`; files that it names are written there.

    Raises RunError where the service would lack something that nobody named.
    """
    if given.environment is not None:
        notes.append(f"environment {given.environment} in place of the run's own")
        return _named(given.environment)
    if spec is None:
        raise RunError(
            f"run {plan.name} had the Python that submitted it as its environment, and the service needs one",
            remedy="Name one: --environment azureml:NAME@latest, or run it with `environment` in the job file.",
        )
    if isinstance(spec, str):
        return spec
    definition = definition_from_dict(plan.environment or {})
    found = {key: value for key, value in spec.items() if key not in ("name", "version")}
    if "build" in found:
        found["build"] = _context(found["build"], definition, plan, draft, notes)
        return found
    if given.image is not None:
        found["image"] = given.image
    if "image" not in found:
        raise RunError(
            f"the environment of run {plan.name} has packages but no image, and the service needs one",
            remedy="Name it: --image IMAGE, for example a base image of your workspace.",
        )
    if "conda_file" in found:
        found["conda_file"] = _conda(definition, draft, notes)
    return found


def _named(text: str) -> Any:
    """The environment as a job file may name it. Raises SpecErrors for what is none; `file:` is relative to here."""
    here = Path.cwd()
    return job_to_dict(job_from_dict({"command": "-", "environment": text}, here))["environment"]


def _conda(definition: EnvironmentDefinition, draft: Path, notes: list[str]) -> str:
    """The conda file as it was when the run was submitted."""
    conda = dict(definition.conda or {})
    lines = [
        line for item in conda.get("dependencies") or () if isinstance(item, Mapping) for line in item["pip"] or ()
    ]
    if any(str(line).lstrip().startswith(("-r", "--requirement", ".", "/")) for line in lines):
        conda = _written_out(definition, conda)
        notes.append("the files that the conda file names are written out in it, with all packages from PyPI")
    for text in definition.requirements:
        if text.startswith("/"):
            notes.append(f"the package {text} is on this machine: the service will not find it")
    (draft / "conda.yml").write_text(data_to_yaml(conda), encoding="utf-8")
    return "conda.yml"


def _written_out(definition: EnvironmentDefinition, conda: dict[str, Any]) -> dict[str, Any]:
    """The same packages without other files: Python by conda, the rest by pip."""
    python = f"python{definition.python or ''}"
    pip = [*definition.options, *definition.requirements]
    return {**conda, "dependencies": [python, "pip", {"pip": pip}]}


def _context(
    build: Mapping[str, Any], definition: EnvironmentDefinition, plan: Plan, draft: Path, notes: list[str]
) -> dict[str, Any]:
    """The build context, copied; only its hash was recorded, so one that has changed since is told."""
    place = str(build["path"])
    if is_remote(place):
        return dict(build)
    if not os.path.isdir(place):
        raise RunError(
            f"the build context {place} of run {plan.name} is not there any more",
            remedy="Bring it back, or name an environment: --environment azureml:NAME@latest.",
        )
    if f"{object_hash(Path(place))}:{build.get('dockerfile_path') or 'Dockerfile'}" != definition.context:
        notes.append(f"the build context {place} is not as it was: it has changed since the run")
    shutil.copytree(place, draft / "context", symlinks=True)
    return {**build, "path": "./context"}
