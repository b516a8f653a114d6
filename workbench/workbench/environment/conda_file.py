"""Conda files as lists of what pip can install (conda's match specifications and PEP 508 requirements)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from workbench_store.errors import EnvironmentFailed

from workbench.environment.conda_only import is_not_needed, program_of_the_machine
from workbench.environment.pip_lines import PipLines, joined_lines
from workbench.environment.python_choice import is_constraint
from workbench.spec.conda_shape import conda_problems, unknown_keys

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
_SPEC = re.compile(r"(?:(?P<channel>[^:\s]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)\s*(?P<rest>.*)")
_BRACKET = re.compile(r"\[(.*?)\]\s*$|^\s*\[(.*?)\]")
_KEY = re.compile(r"\s*(\w+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^,'\"]*?))\s*(?:,|$)")
_OPERATOR = re.compile(r"(===|==|!=|<=|>=|~=|=|<|>)?\s*(.+)")


class Packages(Struct, frozen=True):
    """What to install: Python's version constraint (conda's or PEP 440 form, or None), PEP 508 requirements, pip's
    options in their order, what was changed on the way, constraints, and local packages by path with what hashes
    each. pip: the lines under `pip:` alone, with absolute paths."""

    python: str | None
    requirements: tuple[str, ...]
    options: tuple[str, ...]
    changes: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    local: Mapping[str, str] = field(default_factory=dict)
    pip: tuple[str, ...] = ()


def read_packages(conda: Mapping[str, Any], folder: Path | None) -> Packages:
    """The packages of a conda definition; files that pip's lines name are looked for in `folder`.

    Raises EnvironmentFailed for a line that cannot be understood.
    """
    python: str | None = None
    pip = PipLines()
    by_conda: list[str] = []
    for place, wanted in conda_problems(conda):
        raise EnvironmentFailed(f"the conda definition's {place} {wanted}", remedy="See docs/environments.md.")
    pip.changes += [f"{key} of the conda file is left out" for key in unknown_keys(conda)]
    for item in conda.get("dependencies") or ():
        if isinstance(item, Mapping):
            # conda makes a requirements file of them: an item may be several of its lines.
            for line in joined_lines("\n".join(item.get("pip") or ())):
                pip.read(line, (folder or Path(),))
            continue
        name, version, dropped = _conda_spec(str(item))
        pip.changes += [f"{part} of {name} left out: PyPI has no such choice" for part in dropped]
        if name == "python":
            python = _python(version)
        elif name == "pip" and not version:
            pass  # every environment has it
        elif is_not_needed(name):
            pip.changes.append(f"{name} left out: packages from PyPI bring what they need of it")
        elif program := program_of_the_machine(name):
            pip.changes.append(f"{name} left out: it is a program, of which this machine's own is {program}")
        else:
            if name in PYPI_NAMES and PYPI_NAMES[name] != name:
                pip.changes.append(f"{name} is {PYPI_NAMES[name]} on PyPI")
            by_conda.append(PYPI_NAMES.get(name, name) + _pep440(version))
    return Packages(
        python=python,
        requirements=tuple(dict.fromkeys([*by_conda, *pip.requirements])),
        options=tuple(pip.options),
        changes=tuple(pip.changes),
        constraints=tuple(dict.fromkeys(pip.constraints)),
        local=pip.local,
        pip=(*pip.options, *pip.requirements),
    )


def _python(version: str) -> str | None:
    if version and not is_constraint(version):
        raise EnvironmentFailed(
            f"the conda definition asks for Python {version!r}, which is no version",
            remedy="Write python=3.11, or a range: python>=3.10,<3.13.",
        )
    return version or None


def _conda_spec(text: str) -> tuple[str, str, list[str]]:
    """Name and version constraint of a match specification, without channel and build; and what its bracket says
    beside the version."""
    match = _SPEC.fullmatch(text.strip())
    if match is None:
        raise _not_understood(text)
    rest = match["rest"].strip()
    version: str | None = None
    dropped: list[str] = []
    bracket = _BRACKET.search(rest)
    if bracket is not None:
        version, dropped = _bracket(text, bracket[1] or bracket[2] or "")
        rest = (rest[: bracket.start()] + rest[bracket.end() :]).strip()
    if version is not None:
        return match["name"].lower(), version.replace(" ", ""), dropped
    if rest and rest[0] not in "=<>!~":
        version, _, _build = rest.partition(" ")  # "name 1.2 build"
        rest = f"={version}"
    single = re.fullmatch(r"(={1,2}[^=,|<>!]+)=[^=,|]+", rest)  # "name=1.2=build"
    return match["name"].lower(), (single[1] if single else rest).replace(" ", ""), dropped


def _bracket(text: str, inside: str) -> tuple[str | None, list[str]]:
    """The version of `[version='>=1.2', build=py310_0]`, which is exact where it has no operator, and the rest."""
    version: str | None = None
    dropped: list[str] = []
    at = 0
    while at < len(inside):
        match = _KEY.match(inside, at)
        if match is None:
            raise _not_understood(text)
        key, value = match[1], match[2] or match[3] or match[4] or ""
        if key == "version":
            version = f"=={value}" if value[:1].isalnum() and "|" not in value and "," not in value else value
        elif key != "name":
            dropped.append(f"{key}={value}")
        at = match.end()
    return version, dropped


def _not_understood(text: str) -> EnvironmentFailed:
    return EnvironmentFailed(
        f"the conda file's dependency {text!r} cannot be understood",
        remedy="Write it as name, name=1.2, name>=1.2,<2 or name[version='>=1.2'], or under `pip:`, as extras are.",
    )


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
        if not version[0].isalnum() or any(sign in version for sign in "<>=~"):
            raise EnvironmentFailed(
                f"the version {constraint!r} cannot be understood",
                remedy="Write name, name=1.2 or name>=1.2,<2 (with commas).",
            )
        if operator == "=" or (operator == "==" and version.endswith("*")):
            parts.append(f"=={version.rstrip('*').rstrip('.')}.*")
        elif operator in (">=", "<=", ">", "<") and version.endswith(".*"):
            parts.append(operator + version[:-2])
        else:
            parts.append(operator + version)
    return ",".join(parts)
