"""Finding an environment in the cache, or making it there."""

import json
import os
import platform
import shutil
import sys
import sysconfig
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench_store.cache_root import cache_root
from workbench_store.errors import EnvironmentFailed
from workbench_store.locks import FileLock

from workbench.environment.build import build_with_conda, build_with_uv, conda_program
from workbench.environment.definition import EnvironmentDefinition
from workbench.environment.interpreters import Interpreter, find_interpreters, prove
from workbench.environment.key import environment_key
from workbench.environment.python_choice import Choice, choices, exact_minor, fits

_READY = "workbench-ready.json"


@dataclass(frozen=True)
class PreparedEnvironment:
    """An environment that is there.

    environ: what it adds to a job's variables. found: `cache` or `built`. missed: why it was not in the cache.
    seconds: how long finding or making it took.
    """

    key: str
    label: str
    path: Path
    python: str
    python_version: str
    environ: Mapping[str, str]
    found: str
    substituted: tuple[str, ...]
    missed: str
    seconds: float
    anonymous_version: str | None


def prepare(
    definition: EnvironmentDefinition, *, log: Path, strict_python: bool = False, allow_downloads: bool = False
) -> PreparedEnvironment:
    """The environment of that definition for this platform, made if need be; the making's own words go to `log`.

    `strict_python` refuses another minor version of Python than the one asked for; `allow_downloads` lets uv fetch a
    Python that is missing. Raises EnvironmentFailed.
    """
    began = time.monotonic()
    key = environment_key(definition)
    shelf = cache_root() / "environments" / key[:32]
    wanted = exact_minor(definition.python or f"{sys.version_info.major}.{sys.version_info.minor}")
    ready = _ready(_place(shelf, wanted)) if wanted else _ready_fitting(shelf, definition.python or "")
    if ready is not None:
        return _prepared(definition, key, ready, "cache", "", began)
    program = conda_program() if definition.conda else None
    if program is not None:
        return _with_conda(definition, key, shelf, program, wanted, log, began)
    tried: list[EnvironmentFailed] = []
    for choice in _choices(definition, strict_python, allow_downloads):
        try:
            place = _place(shelf, f"{choice.interpreter.minor[0]}.{choice.interpreter.minor[1]}")
            return _find_or_build(definition, key, place, choice, log, began)
        except EnvironmentFailed as error:
            tried.append(error)
    raise tried[0]


def _place(shelf: Path, minor: str) -> Path:
    return shelf / f"{sysconfig.get_platform()}-{_libc()}py{minor}"


def _libc() -> str:
    name, _ = platform.libc_ver()
    return f"{name}-" if name and name != "glibc" else ""


def _choices(definition: EnvironmentDefinition, strict: bool, downloads: bool) -> list[Choice]:
    found = find_interpreters()
    default = (sys.version_info.major, sys.version_info.minor)
    options = choices(definition.python, found, default)
    asked = (definition.python or "").lstrip("=")
    if options and options[0].substituted is None:
        return options
    if downloads and (fetched := _download(definition.python)):
        return [Choice(fetched, None)]
    if strict or not options:
        there = ", ".join(one.text for one in found) or "none"
        raise EnvironmentFailed(
            f"environment {definition.label} asks for Python {asked}; here are: {there}",
            remedy="Install that Python, or let it be fetched with --allow-downloads"
            + (", or leave out --strict-python." if strict and options else "."),
        )
    return options


def _download(constraint: str | None) -> Interpreter | None:
    """A Python that uv fetches into the cache; None if it cannot."""
    import subprocess

    import uv

    minor = exact_minor(constraint)
    if minor is None:
        return None
    folder = cache_root() / "python"
    variables = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(folder), "UV_CACHE_DIR": str(cache_root() / "uv")}
    subprocess.run([uv.find_uv_bin(), "python", "install", minor], env=variables, check=False)
    for path in sorted(folder.glob(f"*{minor}*/bin/python3")):
        if proven := prove(str(path)):
            return proven
    return None


def _ready(place: Path) -> dict[str, Any] | None:
    """What is known of the environment at `place`; None when it is not whole or its Python is gone."""
    try:
        content = json.loads((place / _READY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and os.access(content.get("python", ""), os.X_OK) else None


def _ready_fitting(shelf: Path, constraint: str) -> dict[str, Any] | None:
    """An environment on the shelf for this platform whose Python a range of versions allows."""
    for place in sorted(shelf.glob(f"{_place(shelf, '').name}*/"), reverse=True):
        ready = _ready(place)
        if ready is not None and fits(constraint, ready["python_version"]):
            return ready
    return None


def _find_or_build(
    definition: EnvironmentDefinition, key: str, place: Path, choice: Choice, log: Path, began: float
) -> PreparedEnvironment:
    ready = _ready(place)
    if ready is not None:
        return _prepared(definition, key, ready, "cache", "", began)
    missed = _why_missed(place)
    with _locked(place):
        ready = _ready(place)  # another run may have made it meanwhile
        if ready is None:
            shutil.rmtree(place, ignore_errors=True)
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8") as words:
                build_with_uv(definition, choice.interpreter, place, words)
            substituted = [choice.substituted] if choice.substituted else []
            ready = _finish(place, place / "bin" / "python", choice.interpreter.text, substituted)
            return _prepared(definition, key, ready, "built", missed, began)
    return _prepared(definition, key, ready, "cache", "", began)


def _with_conda(
    definition: EnvironmentDefinition,
    key: str,
    shelf: Path,
    program: str,
    wanted: str | None,
    log: Path,
    began: float,
) -> PreparedEnvironment:
    place = _place(shelf, wanted or "any")
    with _locked(place):
        ready = _ready(place)
        if ready is not None:
            return _prepared(definition, key, ready, "cache", "", began)
        missed = _why_missed(place)
        shutil.rmtree(place, ignore_errors=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as words:
            build_with_conda(definition, program, place, words)
        proven = prove(str(place / "bin" / "python"))
        if proven is None:
            raise EnvironmentFailed(
                f"environment {definition.label} has no Python", remedy="Name `python` among its dependencies."
            )
        ready = _finish(place, place / "bin" / "python", proven.text, [f"made with {Path(program).name}"])
    return _prepared(definition, key, ready, "built", missed, began)


def _locked(place: Path) -> FileLock:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFailed(
            f"the cache folder {place.parent} cannot be made: {error.strerror}",
            remedy="Set WORKBENCH_CACHE to a folder that you may write.",
        ) from error
    return FileLock(place.with_name(place.name + ".lock"))


def _why_missed(place: Path) -> str:
    if place.exists():
        return f"{place} was not finished, or its Python is gone"
    if place.parent.exists() and any(place.parent.glob("*/" + _READY)):
        return "made before, but for another Python or platform"
    return "no environment with this key was made on this machine before"


def _finish(place: Path, python: Path, version: str, substituted: list[str]) -> dict[str, Any]:
    """Mark it whole, which is the last thing that happens to it."""
    content = {"python": str(python), "python_version": version, "substituted": substituted, "made": time.time()}
    draft = place / f"{_READY}.new"
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(place / _READY)
    return content


def _prepared(
    definition: EnvironmentDefinition, key: str, ready: dict[str, Any], found: str, missed: str, began: float
) -> PreparedEnvironment:
    python = Path(ready["python"])
    folders = [str(python.parent), os.environ.get("PATH", os.defpath)]
    return PreparedEnvironment(
        key=key,
        label=definition.label,
        path=python.parent.parent,
        python=str(python),
        python_version=str(ready["python_version"]),
        environ={"PATH": os.pathsep.join(folders), "VIRTUAL_ENV": str(python.parent.parent)},
        found=found,
        substituted=(*definition.substituted, *ready.get("substituted", ())),
        missed=missed,
        seconds=time.monotonic() - began,
        anonymous_version=definition.anonymous_version,
    )
