"""What an environment is, taken from the job: what local compute can make of it, and what it cannot."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import asdict
from workbench_store.errors import EnvironmentFailed
from workbench_store.interrupts import load_whole
from workbench_store.snapshot.upstream_hash import object_hash

from workbench.environment.anonymous_version import anonymous_version
from workbench.environment.conda_file import Packages, read_packages
from workbench.environment.curated import find_curated

if TYPE_CHECKING:
    from workbench.spec import Environment

#: Where the packages of a build context are looked for, in this order.
CONTEXT_FILES = ("conda_dependencies.yaml", "conda.yaml", "conda.yml", "environment.yaml", "environment.yml")
_PYTHON_IMAGE = re.compile(r"(?:.*/)?python:(\d+\.\d+)\b.*")


class EnvironmentDefinition(Struct, frozen=True):
    """An environment, whole: nothing is read from elsewhere after this.

    python: a constraint (conda's or PEP 440 form) or None. channels: in their order. context: what hashes a build
    context and its Dockerfile. constraints: pip's. local: packages on this machine, by path with what hashes each.
    pip: the lines for pip of a conda file, with absolute paths. substituted: what local compute does otherwise than
    the definition says, in words.
    """

    label: str
    image: str | None
    python: str | None
    requirements: tuple[str, ...]
    options: tuple[str, ...]
    channels: tuple[str, ...]
    context: str | None
    substituted: tuple[str, ...]
    anonymous_version: str | None
    conda: Mapping[str, Any] | None = None
    constraints: tuple[str, ...] = ()
    local: Mapping[str, str] = field(default_factory=dict)
    pip: tuple[str, ...] = ()


def definition_to_dict(definition: EnvironmentDefinition) -> dict[str, Any]:
    """As JSON values."""
    return asdict(definition)


def definition_from_dict(content: Mapping[str, Any]) -> EnvironmentDefinition:
    """What `definition_to_dict` gave. Raises TypeError for what that cannot have given."""
    tuples: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
    definition = EnvironmentDefinition(**tuples)
    for name in EnvironmentDefinition.__struct_fields__:
        value = getattr(definition, name)
        if not _is_kind(value, name):
            raise TypeError(f"`{name}` of an environment's definition cannot be {value!r}")
    return definition


def _is_kind(value: object, name: str) -> bool:
    """Whether the field of that name can have the value."""
    if name in ("requirements", "options", "channels", "substituted", "constraints", "pip"):
        return isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    if name == "local":
        return isinstance(value, Mapping) and all(isinstance(one, str) for pair in value.items() for one in pair)
    if name == "conda":
        return value is None or isinstance(value, Mapping)
    return isinstance(value, str) or (value is None and name != "label")


def define(environment: "Environment | str", base_dir: Path) -> EnvironmentDefinition:
    """The definition of what a job's `environment` says; paths are relative to `base_dir`.

    Raises EnvironmentFailed for a name that is not known, a file that is not there, or what local compute cannot make.
    """
    if isinstance(environment, str):
        return _curated(environment)
    if environment.build is not None:
        return _from_context(environment, base_dir)
    conda, folder = _conda_of(environment, base_dir)
    packages = read_packages(conda or {}, folder)
    image = environment.image
    substituted = [] if image is None else [f"image {image} is not used by local compute"]
    return EnvironmentDefinition(
        label=_label(environment, conda),
        image=image,
        python=packages.python or _python_of_image(image),
        requirements=packages.requirements,
        options=packages.options,
        channels=tuple(str(channel) for channel in (conda or {}).get("channels") or ()),
        context=None,
        substituted=(*substituted, *packages.changes),
        anonymous_version=anonymous_version(image, conda, None, None),
        conda=conda,
        constraints=packages.constraints,
        local=packages.local,
        pip=packages.pip,
    )


def _curated(reference: str) -> EnvironmentDefinition:
    found = find_curated(reference)
    left_out = f"curated {found.name} is made of packages from PyPI; left out: {', '.join(found.left_out)}"
    if "azureml-mlflow" in found.left_out:
        left_out += " (a script that imports mlflow needs a conda file that names it)"
    asked = [f"version {found.asked} of {found.name} is what is known as it here"] if found.asked else []
    return EnvironmentDefinition(
        label=found.name,
        image=None,
        python=f"={found.python}",
        requirements=found.packages,
        options=(),
        channels=(),
        context=None,
        substituted=(left_out, *asked),
        anonymous_version=None,
    )


def _label(environment: "Environment", conda: Mapping[str, Any] | None) -> str:
    name = environment.name or (conda or {}).get("name")
    if name:
        return str(name)
    if isinstance(environment.conda_file, str | Path):
        return Path(environment.conda_file).name
    return environment.image or "conda"


def _python_of_image(image: str | None) -> str | None:
    match = _PYTHON_IMAGE.fullmatch(image or "")
    return f"={match[1]}" if match else None


def _conda_of(environment: "Environment", base_dir: Path) -> tuple[dict[str, Any] | None, Path | None]:
    source = environment.conda_file
    if source is None:
        return None, None
    if isinstance(source, dict):
        return source, base_dir
    path = base_dir / source
    return _read_yaml(path), path.parent


def _read_yaml(path: Path) -> dict[str, Any]:
    load_whole("yaml")
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise EnvironmentFailed(f"the conda file {path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise EnvironmentFailed(
            f"{path} is not a conda file", remedy="It needs `dependencies:`, a list; see docs/environments.md."
        )
    return content


def _from_context(environment: "Environment", base_dir: Path) -> EnvironmentDefinition:
    """A build context: its image cannot be built on local compute, but the packages that it installs can be had."""
    build = environment.build
    assert build is not None
    folder = base_dir / (build.path or ".")
    packages, conda, source = _packages_of_context(folder)
    dockerfile = build.dockerfile_path or "Dockerfile"
    context = object_hash(folder)
    return EnvironmentDefinition(
        label=environment.name or folder.name,
        image=None,
        python=packages.python or _python_of_image(_base_of(folder / dockerfile)),
        requirements=packages.requirements,
        options=packages.options,
        channels=tuple(str(channel) for channel in conda.get("channels") or ()),
        context=f"{context}:{dockerfile}",
        substituted=(f"{dockerfile} is not built by local compute; packages come from {source}", *packages.changes),
        anonymous_version=anonymous_version(None, None, context, build.dockerfile_path),
        conda=conda or None,
        constraints=packages.constraints,
        local=packages.local,
        pip=packages.pip,
    )


def _base_of(dockerfile: Path) -> str | None:
    """The image that the last stage of a Dockerfile is made from; None where it names none."""
    try:
        text = dockerfile.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.findall(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", text, re.MULTILINE | re.IGNORECASE)
    return found[-1] if found else None


def _packages_of_context(folder: Path) -> tuple[Packages, dict[str, Any], str]:
    for name in CONTEXT_FILES:
        if (folder / name).is_file():
            conda = _read_yaml(folder / name)
            return read_packages(conda, folder), conda, name
    if (folder / "requirements.txt").is_file():
        listed = {"dependencies": [{"pip": ["-r requirements.txt"]}]}
        return read_packages(listed, folder), {}, "requirements.txt"
    raise EnvironmentFailed(
        f"local compute cannot build the image of {folder}, and no file there lists its packages",
        remedy=f"Put {CONTEXT_FILES[0]} or requirements.txt beside the Dockerfile, or use `image` and `conda_file`.",
    )
