"""Whether a conda definition has the shape that one must have: `dependencies`, a list of text and of `pip: [text]`."""

from collections.abc import Iterator, Mapping
from typing import Any


def conda_problems(conda: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong, each as the place (`dependencies[2].pip`) and what must be there."""
    dependencies = conda.get("dependencies")
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


def _is_text(item: object) -> bool:
    return isinstance(item, str) and bool(item.strip())
