"""Environments as text and as JSON."""

import sys
import time
from collections.abc import Iterable
from typing import Any

from workbench_store.words import counted

from workbench.cli.output import Cell, emit, emit_table, narrate, styled
from workbench.environment import Explanation, KeptEnvironment, Removal
from workbench.environment.nearest import Nearest, packages_of, without_credentials
from workbench.view.format import format_age, format_bytes, iso_time, safe_text

_SHOWN_KEY = 12
_SHOWN_RUNS = 3


def explanation_as_dict(found: Explanation) -> dict[str, Any]:
    """Everything; the fields are in docs/cli.md."""
    definition, near = found.definition, found.nearest
    return {
        "label": definition.label,
        "key": found.key,
        "found": "cache" if found.found else None,
        "place": str(found.place),
        "python_version": found.python,
        "builder": found.builder or None,
        "missed": found.missed,
        "image": definition.image,
        "context": definition.context,
        "python": definition.python,
        "channels": list(definition.channels),
        "packages": list(packages_of(definition).values()),
        "options": [without_credentials(option) for option in definition.options],
        "substituted": list(found.substituted),
        "nearest": None if near is None else _nearest_as_dict(near),
    }


def _nearest_as_dict(near: Nearest) -> dict[str, Any]:
    return {
        "label": near.label,
        "key": near.key,
        "place": str(near.place),
        "python_version": near.python_version,
        "shared": near.shared,
        "asked": near.asked,
        "diff": list(near.diff),
    }


def print_none(job: str) -> None:
    """What there is to say where the job names no environment."""
    emit(f"{safe_text(job)} names no environment: the Python that submits runs the command")
    emit(f"python        {sys.executable} ({sys.version.split()[0]})")


def print_explanation(found: Explanation) -> None:
    """The key, where it is or how it would be made, what it consists of, and what the nearest has otherwise."""
    definition = found.definition
    _line("environment", definition.label)
    _line("key", found.key)
    if found.found:
        _line("found", f"in the cache: {found.place} (Python {found.python})")
    else:
        _line("found", f"not in the cache: {found.missed}")
        _line("to be made", f"by {found.builder} with Python {found.python}, at {found.place}")
    _line("image", definition.image)
    _line("context", definition.context)
    _line("python", definition.python)
    _line("channels", ", ".join(definition.channels))
    _line("options", "  ".join(without_credentials(option) for option in definition.options))
    _lines("packages", packages_of(definition).values())
    _lines("substituted", found.substituted)
    if not found.found:
        _print_nearest(found.nearest)


def _print_nearest(near: Nearest | None) -> None:
    if near is None:
        _line("nearest", "none: no environment that is kept shares a package with it")
        return
    shared = f"has {near.shared} of the {counted(near.asked, 'package')}" if near.asked else "no packages are asked for"
    _line("nearest", f"{near.label} ({near.key[:_SHOWN_KEY]}, Python {near.python_version}): {shared}")
    for line in near.diff:
        emit("  " + styled(safe_text(line), "red" if line.startswith("-") else "green", sys.stdout))


def _line(name: str, text: str | None) -> None:
    if text:
        emit(f"{name:<12}  {safe_text(text)}")


def _lines(name: str, texts: Iterable[str]) -> None:
    for number, text in enumerate(texts):
        emit(f"{'' if number else name:<12}  {safe_text(text)}")


def kept_as_dict(one: KeptEnvironment, runs: list[str]) -> dict[str, Any]:
    """Everything, sizes in bytes; the fields are in docs/cli.md."""
    return {
        "label": one.label,
        "key": one.key,
        "place": str(one.place),
        "python_version": one.python_version,
        "whole": one.whole,
        "in_use": one.busy,
        "size": one.size,
        "own_size": one.own,
        "made": iso_time(one.made),
        "used": iso_time(one.used),
        "runs": runs,
    }


def print_kept(kept: list[KeptEnvironment], runs: dict[str, list[str]]) -> None:
    """A table, those used last first."""
    if not kept:
        narrate("no environments are kept: the first run whose job names one makes it")
        return
    emit_table(
        ["ENVIRONMENT", "KEY", "PYTHON", "SIZE", "MADE", "USED", "RUNS HERE"],
        (_kept_cells(one, runs.get(str(one.place), []), time.time()) for one in kept),
    )


def _kept_cells(one: KeptEnvironment, runs: list[str], now: float) -> list[Cell]:
    more = f" and {len(runs) - _SHOWN_RUNS} more" if len(runs) > _SHOWN_RUNS else ""
    return [
        Cell(safe_text(one.label or "?"), "bold"),
        Cell(one.key[:_SHOWN_KEY]),
        Cell(one.python_version or "not whole"),
        Cell(format_bytes(one.size), right=True),
        Cell("" if one.made is None else format_age(one.made, now), "dim", right=True),
        Cell("in use" if one.busy else "" if one.used is None else format_age(one.used, now), right=True),
        Cell(safe_text(", ".join(runs[:_SHOWN_RUNS])) + more),
    ]


def removal_as_dict(one: Removal, done: bool) -> dict[str, Any]:
    """What would go or went, and why."""
    return {**kept_as_dict(one.environment, []), "reason": one.reason, "removed": done}


def print_removals(chosen: list[Removal]) -> None:
    """What would be removed, and what that frees."""
    if not chosen:
        narrate("there is nothing to remove")
        return
    emit_table(
        ["ENVIRONMENT", "KEY", "PYTHON", "FREES", "WHY"],
        (
            [
                Cell(safe_text(one.environment.label or "?"), "bold"),
                Cell(one.environment.key[:_SHOWN_KEY]),
                Cell(one.environment.python_version or "-"),
                Cell(format_bytes(one.environment.own), right=True),
                Cell(one.reason),
            ]
            for one in chosen
        ),
    )
    own, size = sum(one.environment.own for one in chosen), sum(one.environment.size for one in chosen)
    shared = f"; {format_bytes(size - own)} more are shared with uv's cache" if size > own else ""
    narrate(f"{counted(len(chosen), 'environment')}, {format_bytes(own)}{shared}")
