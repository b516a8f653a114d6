"""The environment in the cache that is most like one that is not there, and the lines in which the two differ."""

import difflib
import re
from pathlib import Path

from msgspec import Struct

from workbench.environment.definition import EnvironmentDefinition
from workbench.environment.key import canonical
from workbench.environment.shelf import last_used, places, read_definition, read_ready

#: The user part of an address, to the last `@` of its host, and its query.
_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s]*@")
_QUERY = re.compile(r"(?<=://)([^?#\s]*)[?][^#\s]*")


class Nearest(Struct, frozen=True):
    """An environment that is there. shared: how many of the packages asked for it has, in any version; asked: how many
    those are. diff: lines after `-`, which only it has, and after `+`, which only the one asked for has."""

    label: str
    key: str
    place: Path
    python_version: str
    shared: int
    asked: int
    diff: tuple[str, ...]


def nearest(definition: EnvironmentDefinition, place: Path) -> Nearest | None:
    """The whole environment that shares most packages with what would be made at `place`; None where none shares any.

    Those whose definition was not kept are passed over. Of equals the one used last is taken.
    """
    wanted = packages_of(definition)
    best: tuple[tuple[float, ...], Path, EnvironmentDefinition, str] | None = None
    for other in places():
        found, ready = read_definition(other), read_ready(other)
        if found is None or ready is None:
            continue
        rank = _likeness(wanted, packages_of(found), other)
        if rank is not None and (best is None or rank > best[0]):
            best = (rank, other, found, str(ready["python_version"]))
    if best is None:
        return None
    _, other, found, version = best
    shared = len(wanted.keys() & packages_of(found).keys())
    diff = _diff(lines_of(found, other), lines_of(definition, place))
    return Nearest(found.label, other.parent.name, other, version, shared, len(wanted), diff)


def _likeness(wanted: dict[str, str], other: dict[str, str], place: Path) -> tuple[float, ...] | None:
    """The greater the nearer; None for what has nothing in common."""
    shared = wanted.keys() & other.keys()
    if wanted and not shared:
        return None
    same = sum(wanted[name] == other[name] for name in shared)
    return (len(shared), same, -len(other), last_used(place) or 0.0)


def packages_of(definition: EnvironmentDefinition) -> dict[str, str]:
    """Requirements in canonical form by the package's name."""
    texts = sorted(canonical(text) for text in definition.requirements)
    return {re.split(r"[\[;@]", text)[0]: without_credentials(text).replace("[]", "") for text in texts}


def lines_of(definition: EnvironmentDefinition, place: Path) -> list[str]:
    """What an environment consists of, a fact a line, in an order in which two can be laid side by side."""
    facts = [
        f"made for {place.name}",
        f"image {definition.image}" if definition.image else "",
        f"build context {definition.context}" if definition.context else "",
        f"python {definition.python}" if definition.python else "",
        *(f"channel {channel}" for channel in definition.channels),
        *(f"option {without_credentials(option)}" for option in definition.options),
        *(f"constraint {text}" for text in sorted(definition.constraints)),
        *(f"local {path} {digest[:12]}" for path, digest in sorted(definition.local.items())),
        *(f"package {text}" for text in packages_of(definition).values()),
    ]
    return [fact for fact in facts if fact]


def without_credentials(text: str) -> str:
    """The text with the user, password and query of addresses left out."""
    return _QUERY.sub(r"\1?***", _CREDENTIALS.sub("***@", text))


def _diff(before: list[str], after: list[str]) -> tuple[str, ...]:
    lines = difflib.unified_diff(before, after, n=0, lineterm="")
    return tuple(f"{line[0]} {line[1:]}" for line in lines if not line.startswith(("---", "+++", "@@")))
