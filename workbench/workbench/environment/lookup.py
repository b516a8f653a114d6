"""Where an environment would be found, and which Python it would be made with: looked up, nothing made."""

import os
import subprocess
import sys
from pathlib import Path

from workbench_store.cache_root import cache_root
from workbench_store.errors import EnvironmentFailed

from workbench.environment.definition import EnvironmentDefinition
from workbench.environment.interpreters import Interpreter, find_interpreters, prove
from workbench.environment.python_choice import Choice, choices, exact_minor
from workbench.environment.shelf import READY, change_of, place_of, read_ready, ready_fitting, shelf_of
from workbench.environment.uv_folders import uv_folders


def ready_place(definition: EnvironmentDefinition, key: str) -> Path | None:
    """The environment of that key in the cache that has the Python asked for; None when there is none."""
    shelf, wanted = shelf_of(key), _asked(definition)
    if wanted is None:
        return ready_fitting(shelf, definition.python or "")
    place = place_of(shelf, wanted)
    return None if read_ready(place) is None else place


def _asked(definition: EnvironmentDefinition) -> str | None:
    """The minor version asked for, this Python's own where none is; None for a range."""
    return exact_minor(definition.python or f"{sys.version_info.major}.{sys.version_info.minor}")


def conda_place(definition: EnvironmentDefinition, key: str) -> Path:
    """Where conda makes it."""
    return place_of(shelf_of(key), _asked(definition) or "any")


def place_for(key: str, choice: Choice) -> Path:
    """Where it is made with that Python."""
    return place_of(shelf_of(key), "{}.{}".format(*choice.interpreter.minor))


def why_missed(place: Path) -> str:
    """Why there is no environment at `place`, in words."""
    changed = change_of(place)
    if changed is not None:
        return changed
    if place.exists():
        return f"{place} was not finished, or its Python is gone"
    if place.parent.exists() and any(place.parent.glob("*/" + READY)):
        return "made before, but for another Python or platform"
    return "no environment with this key was made here before, or it was removed"


def pythons(definition: EnvironmentDefinition, strict: bool, downloads: bool) -> list[Choice]:
    """The Pythons to make it with, the first that works. `strict` and `downloads` are as for `prepare`; raises
    EnvironmentFailed where there is none."""
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
    import uv

    minor = exact_minor(constraint)
    if minor is None:
        return None
    folder = cache_root() / "python"
    variables = {**os.environ, **uv_folders(os.environ), "UV_PYTHON_INSTALL_DIR": str(folder)}
    # Without --no-bin it is linked to from the user's own folder of programs.
    subprocess.run([uv.find_uv_bin(), "python", "install", "--no-bin", minor], env=variables, check=False)
    for path in sorted(folder.glob(f"*{minor}*/bin/python3")):
        if proven := prove(str(path)):
            return proven
    return None
