"""Finding an environment in the cache, or making it there."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from msgspec import Struct
from workbench_store.errors import EnvironmentFailed
from workbench_store.locks import FileLock

from workbench.environment.build import Making, build_with_conda, build_with_uv, conda_program, look_into_prefix
from workbench.environment.definition import EnvironmentDefinition
from workbench.environment.interpreters import prove
from workbench.environment.key import environment_key
from workbench.environment.lookup import conda_place, place_for, pythons, ready_place, why_missed
from workbench.environment.nearest import nearest
from workbench.environment.python_choice import Choice
from workbench.environment.shelf import clear, finish, making, take


class PreparedEnvironment(Struct, frozen=True):
    """An environment that is there.

    environ: what it adds to a job's variables. found: `cache` or `built`. missed: why it was not in the cache.
    seconds: how long finding or making it took. hold: the lock that keeps it from being removed; it goes with the
    last process that has it.
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
    hold: FileLock


def prepare(
    definition: EnvironmentDefinition, *, log: Path, strict_python: bool = False, allow_downloads: bool = False
) -> PreparedEnvironment:
    """The environment of that definition for this platform, made if need be; the making's own words go to `log`.

    `strict_python` refuses another minor version of Python than the one asked for; `allow_downloads` lets uv fetch a
    Python that is missing. Raises EnvironmentFailed.
    """
    began = time.monotonic()
    key = environment_key(definition)
    place = ready_place(definition, key)
    taken = None if place is None else take(place)
    if taken is not None:
        return _prepared(definition, key, taken, "cache", "", began)
    program = conda_program() if definition.conda else None
    if program is not None:
        return _with_conda(definition, key, conda_place(definition, key), program, log, began)
    tried: list[EnvironmentFailed] = []
    for choice in pythons(definition, strict_python, allow_downloads):
        try:
            return _find_or_build(definition, key, place_for(key, choice), choice, log, began)
        except EnvironmentFailed as error:
            tried.append(error)
    raise tried[0]


def _find_or_build(
    definition: EnvironmentDefinition, key: str, place: Path, choice: Choice, log: Path, began: float
) -> PreparedEnvironment:
    taken = take(place)
    if taken is not None:
        return _prepared(definition, key, taken, "cache", "", began)
    missed = why_missed(place)
    with making(place) as lock:
        taken = take(place)  # another run may have made it meanwhile
        if taken is not None:
            return _prepared(definition, key, taken, "cache", "", began)
        clear(place)
        with _opened(log) as words:
            _tell_nearest(definition, place, words)
            build_with_uv(definition, choice.interpreter, place, Making(words, lock))
        look_into_prefix(place)
        substituted = [choice.substituted] if choice.substituted else []
        finish(place, definition, place / "bin" / "python", choice.interpreter.text, substituted)
        return _prepared(definition, key, _taken(definition, place), "built", missed, began)


def _with_conda(
    definition: EnvironmentDefinition, key: str, place: Path, program: str, log: Path, began: float
) -> PreparedEnvironment:
    with making(place) as lock:
        taken = take(place)
        if taken is not None:
            return _prepared(definition, key, taken, "cache", "", began)
        missed = why_missed(place)
        clear(place)
        with _opened(log) as words:
            _tell_nearest(definition, place, words)
            build_with_conda(definition, program, place, Making(words, lock))
        look_into_prefix(place)
        proven = prove(str(place / "bin" / "python"))
        if proven is None:
            raise EnvironmentFailed(
                f"environment {definition.label} has no Python", remedy="Name `python` among its dependencies."
            )
        finish(place, definition, place / "bin" / "python", proven.text, [f"made with {Path(program).name}"])
        return _prepared(definition, key, _taken(definition, place), "built", missed, began)


def _opened(log: Path) -> IO[str]:
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("a", encoding="utf-8", errors="backslashreplace")


def _tell_nearest(definition: EnvironmentDefinition, place: Path, words: IO[str]) -> None:
    """Why it has to be made, at the head of the log: what the nearest environment has otherwise.

    It is a comment: where another environment cannot be read there is none, and the making goes on.
    """
    try:
        near = nearest(definition, place)
    except (OSError, ValueError):
        return
    if near is not None:
        words.write("".join(f"# {line}\n" for line in (f"nearest: {near.label} at {near.place}", *near.diff)))


def _taken(definition: EnvironmentDefinition, place: Path) -> tuple[dict[str, Any], FileLock]:
    taken = take(place)
    if taken is None:
        raise EnvironmentFailed(f"environment {definition.label} was made at {place}, but its Python does not run")
    return taken


def _variables(definition: EnvironmentDefinition) -> dict[str, str]:
    """Those that a conda file gives its environment."""
    return {str(name): str(value) for name, value in ((definition.conda or {}).get("variables") or {}).items()}


def _prepared(
    definition: EnvironmentDefinition,
    key: str,
    taken: tuple[dict[str, Any], FileLock],
    found: str,
    missed: str,
    began: float,
) -> PreparedEnvironment:
    ready, hold = taken
    python = Path(ready["python"])
    folders = [str(python.parent), os.environ.get("PATH", os.defpath)]
    return PreparedEnvironment(
        key=key,
        label=definition.label,
        path=python.parent.parent,
        python=str(python),
        python_version=str(ready["python_version"]),
        environ={**_variables(definition), "PATH": os.pathsep.join(folders), "VIRTUAL_ENV": str(python.parent.parent)},
        found=found,
        substituted=(*definition.substituted, *ready.get("substituted", ())),
        missed=missed,
        seconds=time.monotonic() - began,
        anonymous_version=definition.anonymous_version,
        hold=hold,
    )
