"""Whether a conda definition has the shape that one must have: `dependencies`, a list of text and of `pip: [text]`,
`channels`, a list of text, and `variables`, each with a value."""

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.spec.problems import nearest_name

#: What conda reads; `prefix` says where one was exported from, and counts for nothing.
KEYS = ("name", "channels", "dependencies", "variables", "prefix")


def conda_problems(conda: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong, each as the place (`dependencies[2].pip`) and what must be there."""
    for key in unknown_keys(conda):
        meant = nearest_name(str(key), KEYS)
        if meant is not None:
            yield str(key), f"is no key of a conda file; did you mean {meant!r}?"
    channels, variables = conda.get("channels"), conda.get("variables")
    if channels is not None and not (isinstance(channels, list) and all(_is_text(one) for one in channels)):
        yield "channels", f"must be a list of channels, such as [conda-forge], not {channels!r}"
    if isinstance(variables, Mapping):
        yield from _variables(variables)
    elif variables is not None:
        yield "variables", "must be a mapping from names to text or numbers"
    yield from _dependencies(conda.get("dependencies"))


def unknown_keys(conda: Mapping[str, Any]) -> list[str]:
    """The keys that a conda file does not have, in their order."""
    return [key for key in conda if key not in KEYS]


def _dependencies(dependencies: object) -> Iterator[tuple[str, str]]:
    if dependencies is None:
        return
    if not isinstance(dependencies, list):
        yield "dependencies", f"must be a list of packages, not {dependencies!r}"
        return
    for number, item in enumerate(dependencies):
        place = f"dependencies[{number}]"
        if isinstance(item, Mapping):
            yield from _installers(place, item)
        elif not _is_text(item):
            yield place, f"must be a package, such as numpy=1.26, or `pip:` with a list, not {item!r}"


def _installers(place: str, item: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    for key, lines in item.items():
        if key != "pip":
            yield place, f"{key!r} is no installer that is known here; `pip` is"
        elif lines is not None and not (isinstance(lines, list) and all(_is_text(line) for line in lines)):
            yield f"{place}.pip", f"must be a list of requirements, not {lines!r}"


def _variables(variables: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """Their values are not told: they may be secrets."""
    for name, value in variables.items():
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            yield "variables", f"cannot have the name {name!r}"
        elif not isinstance(value, str | int | float) or "\0" in str(value):
            yield f"variables.{name}", "must be text or a number"


def _is_text(item: object) -> bool:
    return isinstance(item, str) and bool(item.strip())
