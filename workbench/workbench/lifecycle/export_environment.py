"""A run's environment in a form that the real service takes, with the files that it needs beside the job file."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace
from workbench_store.errors import EnvironmentFailed, RunError
from workbench_store.snapshot.upstream_hash import object_hash

from workbench.environment import EnvironmentDefinition, define, definition_from_dict
from workbench.lifecycle.plan import Plan
from workbench.spec import Environment, is_remote, job_from_dict, job_to_dict
from workbench.spec.dump import data_to_yaml
from workbench.spec.environments import named_environment
from workbench.spec.errors import SpecErrors

_OPTION = "--environment"
_OTHER = "Name another environment: --environment azureml:NAME@latest."
#: Options of pip that a place follows.
_PLACE_OPTION = re.compile(
    r"(-[cefi]|--(constraint|editable|find-links|index-url|extra-index-url)(?=[\s=]))[\s=]*", re.ASCII
)
#: Those of them that take a bare word for a URL's host, never for a folder.
_INDEXES = ("-i", "--index-url", "--extra-index-url")
_REMOTE = re.compile(r"([\w.\[\], -]+@\s*)?[A-Za-z][\w+.-]+:")
_ARCHIVE = re.compile(r"\.(whl|zip|tar\.gz)$")


class Given(NamedTuple):
    """What the user names in place of what the run had: names of the service's compute and environment, an image."""

    compute: str | None
    environment: str | None
    image: str | None


def export_environment(spec: Any, plan: Plan, draft: Path, given: Given, notes: list[str]) -> Any:
    """The value of `environment` for the job file in `draft`; files that it names are written there.

    Raises RunError where the service would lack something that nobody named.
    """
    definition, whose = None, f"the environment {given.environment}"
    if given.environment is not None:
        notes.append(f"environment {given.environment} in place of the run's own")
        spec = _named(given.environment)
    elif spec is not None:
        definition, whose = definition_from_dict(plan.environment or {}), f"the environment of run {plan.name}"
    if spec is None:
        raise RunError(
            f"run {plan.name} had the Python that submitted it as its environment, and the service needs one",
            remedy="Name one: --environment azureml:NAME@latest, or run it with `environment` in the job file.",
        )
    if isinstance(spec, str):
        return spec
    found = {key: value for key, value in spec.items() if key not in ("name", "version")}
    if "build" in found:
        found["build"] = _context(found["build"], definition, whose, draft, notes)
        return found
    if given.image is not None:
        found["image"] = given.image
    if "image" not in found:
        raise RunError(
            f"{whose} has packages but no image, and the service needs one",
            remedy="Name it: --image IMAGE, for example a base image of your workspace.",
        )
    if "conda_file" in found:
        if definition is None:
            found["conda_file"] = _conda_now(found["conda_file"], given.environment or "", draft, notes)
        else:
            found["conda_file"] = _conda(definition, draft, notes)
    return found


def _named(text: str) -> Any:
    """The environment as a job file may name it, or as Python may. Raises SpecErrors for what is none; `file:` is
    relative to here."""
    try:
        job = job_from_dict({"command": "-", "environment": named_environment(text)}, Path.cwd())
    except SpecErrors as error:
        problems = [one if one.line else replace(one, file=_OPTION, path="") for one in error.problems]
        raise SpecErrors(problems) from error
    return job_to_dict(job)["environment"]


def _conda_now(source: Any, named: str, draft: Path, notes: list[str]) -> str:
    """The conda file of a `file:` as it is now. Raises RunError where it cannot be read."""
    if isinstance(source, str) and is_remote(source):
        return source
    base = (Path.cwd() / named.removeprefix("file:")).parent
    try:
        return _conda(define(Environment(conda_file=source), base), draft, notes)
    except EnvironmentFailed as error:
        # The service may know what local compute does not.
        notes.append(f"the conda file goes along as it is: {error.message}")
    if not isinstance(source, str):
        (draft / "conda.yml").write_text(data_to_yaml(source), encoding="utf-8")
        return "conda.yml"
    try:
        shutil.copyfile(source, draft / "conda.yml")
    except OSError as error:
        why = error.strerror or error
        raise RunError(f"{_OPTION} {named}: the conda file {source} cannot be read: {why}", remedy=_OTHER) from error
    return "conda.yml"


def _conda(definition: EnvironmentDefinition, draft: Path, notes: list[str]) -> str:
    """The conda file as it was when the definition was made."""
    conda = dict(definition.conda or {})
    if any(line.startswith(("-r", "--requirement", ".", "/")) for line in _pip_lines(conda)):
        conda = _written_out(definition, conda)
        notes.append("the files that the conda file names are written out in it, with all packages from PyPI")
        if definition.constraints:
            notes.append(f"constraints are not in it: {', '.join(definition.constraints)}")
    for line in _pip_lines(conda):
        if _is_here(line):
            what = "line" if line.startswith("-") else "package"
            notes.append(f"the {what} {line} of the conda file is on this machine: the service will not find it")
    for channel in conda.get("channels") or ():
        if str(channel).startswith(("file:", ".", "/", "~")):
            notes.append(f"the channel {channel} is on this machine: the service will not find it")
    (draft / "conda.yml").write_text(data_to_yaml(conda), encoding="utf-8")
    return "conda.yml"


def _pip_lines(conda: Mapping[str, Any]) -> list[str]:
    items = [item for item in conda.get("dependencies") or () if isinstance(item, Mapping)]
    return [str(line).strip() for item in items for line in item.get("pip") or ()]


def _is_here(line: str) -> bool:
    """Whether a line for pip names a file or a folder of this machine."""
    option = _PLACE_OPTION.match(line)
    place = line[option.end() :] if option else line
    if re.match(r"([\w.\[\], -]+@\s*)?file:", place):
        return True
    if _REMOTE.match(place):
        return False
    if option:
        return option[0].strip(" =") not in _INDEXES
    return not line.startswith("-") and (place.startswith((".", "/", "~")) or bool(_ARCHIVE.search(place)))


def _written_out(definition: EnvironmentDefinition, conda: dict[str, Any]) -> dict[str, Any]:
    """The same packages without other files: Python by conda, the rest by pip."""
    python = f"python{definition.python or ''}"
    pip = [*definition.options, *definition.requirements]
    return {**conda, "dependencies": [python, "pip", {"pip": pip}]}


def _context(
    build: Mapping[str, Any], definition: EnvironmentDefinition | None, whose: str, draft: Path, notes: list[str]
) -> dict[str, Any]:
    """The build context, copied; of a run's only its hash was recorded, so one that has changed since is told."""
    place = str(build["path"])
    if is_remote(place):
        return dict(build)
    if not os.path.isdir(place):
        raise RunError(
            f"the build context {place} of {whose} is not there",
            remedy="Bring it back, or name an environment: --environment azureml:NAME@latest.",
        )
    now = f"{object_hash(Path(place))}:{build.get('dockerfile_path') or 'Dockerfile'}"
    if definition is not None and now != definition.context:
        notes.append(f"the build context {place} is not as it was: it has changed since the run")
    shutil.copytree(place, draft / "context", symlinks=True)
    return {**build, "path": "./context"}
