"""Conda files as lists of what pip can install (conda's match specifications and PEP 508 requirements)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench_store.errors import EnvironmentFailed

from workbench.environment.python_choice import is_constraint
from workbench.spec.conda_shape import conda_problems

#: Conda's names of packages that PyPI has under another.
PYPI_NAMES = {
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "py-xgboost": "xgboost",
    "py-lightgbm": "lightgbm",
    "matplotlib-base": "matplotlib",
    "dask-core": "dask",
    "msgpack-python": "msgpack",
    "pytables": "tables",
    "opencv": "opencv-python",
    "py-opencv": "opencv-python",
    "python-dateutil": "python-dateutil",
    "seaborn-base": "seaborn",
    "jupyter_core": "jupyter-core",
    "importlib_metadata": "importlib-metadata",
    "python-graphviz": "graphviz",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "keras-base": "keras",
    "prompt_toolkit": "prompt-toolkit",
    "pyside6": "PySide6",
    "python-duckdb": "duckdb",
    "python-igraph": "igraph",
}
#: What wheels from PyPI bring with them or do without.
NOT_NEEDED = frozenset(
    "pip setuptools wheel mkl nomkl blas libblas openblas cudatoolkit cudnn pytorch-cuda pytorch-mutex cpuonly "
    "libgcc libgcc-ng libstdcxx-ng gcc_linux-64 gxx_linux-64 cuda ca-certificates openssl intel-openmp "
    "llvm-openmp".split()
)
_SPEC = re.compile(r"(?:(?P<channel>[^:\s]+)::)?(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[.*\])?\s*(?P<rest>.*)")
_OPERATOR = re.compile(r"(===|==|!=|<=|>=|~=|=|<|>)?\s*(.+)")


@dataclass(frozen=True)
class Packages:
    """What to install: Python's version constraint (conda's or PEP 440 form, or None), PEP 508 requirements, pip's
    options in their order, and what was changed on the way."""

    python: str | None
    requirements: tuple[str, ...]
    options: tuple[str, ...]
    changes: tuple[str, ...]


def read_packages(conda: Mapping[str, Any], folder: Path | None) -> Packages:
    """The packages of a conda definition; files that pip's lines name are looked for in `folder`.

    Raises EnvironmentFailed for a line that cannot be understood.
    """
    python: str | None = None
    requirements: list[str] = []
    options: list[str] = []
    changes: list[str] = []
    for place, wanted in conda_problems(conda):
        raise EnvironmentFailed(f"the conda definition's {place} {wanted}", remedy="See docs/environments.md.")
    for item in conda.get("dependencies") or ():
        if isinstance(item, Mapping):
            for line in item.get("pip") or ():
                _pip_line(str(line), folder, requirements, options)
            continue
        name, version = _conda_spec(str(item))
        if name == "python":
            python = _python(version)
        elif name in NOT_NEEDED or name.startswith("cuda-"):
            if name not in ("pip", "setuptools", "wheel"):
                changes.append(f"{name} left out: packages from PyPI bring what they need of it")
        else:
            if name in PYPI_NAMES and PYPI_NAMES[name] != name:
                changes.append(f"{name} is {PYPI_NAMES[name]} on PyPI")
            requirements.append(PYPI_NAMES.get(name, name) + _pep440(version))
    return Packages(python, tuple(dict.fromkeys(requirements)), tuple(options), tuple(changes))


def _python(version: str) -> str | None:
    if version and not is_constraint(version):
        raise EnvironmentFailed(
            f"the conda definition asks for Python {version!r}, which is no version",
            remedy="Write python=3.11, or a range: python>=3.10,<3.13.",
        )
    return version or None


def _conda_spec(text: str) -> tuple[str, str]:
    """Name and version constraint of a match specification, without channel and build."""
    match = _SPEC.fullmatch(text.strip())
    if match is None:
        raise EnvironmentFailed(
            f"the conda file's dependency {text!r} cannot be understood",
            remedy="Write it as name, name=1.2, name>=1.2,<2 or under `pip:`.",
        )
    rest = match["rest"].strip()
    if rest and rest[0] not in "=<>!~":
        version, _, _build = rest.partition(" ")  # "name 1.2 build"
        rest = f"={version}"
    single = re.fullmatch(r"(={1,2}[^=,|<>!]+)=[^=,|]+", rest)  # "name=1.2=build"
    return match["name"].lower(), (single[1] if single else rest).replace(" ", "")


def _pep440(constraint: str) -> str:
    """Conda's constraint as PEP 440's: `=1.2` means 1.2 and all that begins so."""
    if not constraint:
        return ""
    if "|" in constraint:
        raise EnvironmentFailed(
            f"the version {constraint!r} has alternatives, which PyPI's installers do not know",
            remedy="Name one range, for example >=1.2,<2.",
        )
    parts = []
    for part in constraint.split(","):
        match = _OPERATOR.fullmatch(part)
        operator, version = (match[1] or "=", match[2]) if match else ("=", part)
        if version in ("*", ""):
            continue
        if not version[0].isalnum():
            raise EnvironmentFailed(
                f"the version {constraint!r} cannot be understood", remedy="Write name, name=1.2 or name>=1.2,<2."
            )
        if operator == "=" or (operator == "==" and version.endswith("*")):
            parts.append(f"=={version.rstrip('*').rstrip('.')}.*")
        elif operator in (">=", "<=", ">", "<") and version.endswith(".*"):
            parts.append(operator + version[:-2])
        else:
            parts.append(operator + version)
    return ",".join(parts)


def _pip_line(
    line: str, folder: Path | None, requirements: list[str], options: list[str], inside: tuple[Path, ...] = ()
) -> None:
    line = re.sub(r"(^|\s)#.*$", "", line).strip()
    if not line:
        return
    if not line.startswith("-"):
        requirements.append(_local(line, folder))
        return
    word, _, value = line.replace("=", " ", 1).partition(" ") if line.startswith("--") else line.partition(" ")
    if word in ("-r", "--requirement"):
        path = _file(value.strip(), folder).resolve()
        if path in inside:
            raise EnvironmentFailed(f"the requirements file {path} includes itself", remedy="Take that line out.")
        for inner in _lines(path):
            _pip_line(inner, folder, requirements, options, (*inside, path))
    else:
        options.append(line)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFailed(f"the requirements file {path} cannot be read: {error}") from error


def _local(line: str, folder: Path | None) -> str:
    """A requirement; a path is made absolute, as the installer runs elsewhere."""
    return str((folder / line).resolve()) if folder is not None and line.startswith((".", "/")) else line


def _file(name: str, folder: Path | None) -> Path:
    path = (folder or Path()) / name
    if not path.is_file():
        raise EnvironmentFailed(
            f"the conda file names {name}, which is not at {path}", remedy="Paths are relative to the conda file."
        )
    return path
