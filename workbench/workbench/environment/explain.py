"""What would become of a job's environment on this machine: its key, where it is or how it would be made, and why."""

from pathlib import Path

from msgspec import Struct

from workbench.environment.build import conda_program
from workbench.environment.definition import EnvironmentDefinition
from workbench.environment.key import environment_key
from workbench.environment.lookup import conda_place, place_for, pythons, ready_place, why_missed
from workbench.environment.nearest import Nearest, nearest
from workbench.environment.shelf import read_ready


class Explanation(Struct, frozen=True):
    """What there is to say of an environment.

    found: whether it is in the cache, at `place`; if not, that is where it would be made with `builder`, and `missed`
    says why. python: the version it has or would have. substituted: what is otherwise than the definition says.
    """

    definition: EnvironmentDefinition
    key: str
    found: bool
    place: Path
    builder: str
    python: str
    substituted: tuple[str, ...]
    missed: str
    nearest: Nearest | None


def explain(definition: EnvironmentDefinition, *, strict_python: bool = False) -> Explanation:
    """Look the environment up as `prepare` would; nothing is made. Raises EnvironmentFailed as `prepare` does before it
    makes anything, where no Python will do."""
    key = environment_key(definition)
    place = ready_place(definition, key)
    if place is not None:
        return _found(definition, key, place)
    program = conda_program() if definition.conda else None
    if program is not None:
        place = conda_place(definition, key)
        return _missed(definition, key, place, Path(program).name, place.name.rpartition("-py")[2], ())
    choice = pythons(definition, strict_python, False)[0]
    place = place_for(key, choice)
    if read_ready(place) is not None:
        return _found(definition, key, place)
    replaced = (choice.substituted,) if choice.substituted else ()
    return _missed(definition, key, place, "uv", choice.interpreter.text, replaced)


def _found(definition: EnvironmentDefinition, key: str, place: Path) -> Explanation:
    ready = read_ready(place) or {}
    substituted = (*definition.substituted, *ready.get("substituted", ()))
    version = str(ready.get("python_version", ""))
    return Explanation(definition, key, True, place, "", version, substituted, "", None)


def _missed(
    definition: EnvironmentDefinition, key: str, place: Path, builder: str, python: str, replaced: tuple[str, ...]
) -> Explanation:
    return Explanation(
        definition=definition,
        key=key,
        found=False,
        place=place,
        builder=builder,
        python=python,
        substituted=(*definition.substituted, *replaced),
        missed=why_missed(place),
        nearest=nearest(definition, place),
    )
