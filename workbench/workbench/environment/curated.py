"""Curated environments by name, from the data file beside this one."""

import difflib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from workbench_store.errors import EnvironmentFailed

_FORMS = (
    re.compile(
        r"azureml://registries/azureml/environments/(?P<name>[^/]+)(?:/labels/(?P<label>[^/]+)|/versions/(?P<version>[^/]+))?"
    ),
    re.compile(r"(?:azureml:)?(?:AzureML-)?(?P<name>[^:@/]+)(?:@(?P<label>[^:@/]+)|:(?P<version>[^:@/]+))?"),
)


class Curated(NamedTuple):
    """A curated environment: Python's version, PEP 508 requirements, and what of the original is left out.

    asked: the version that was asked for; there is one of each here, whatever its number in the cloud.
    """

    name: str
    python: str
    packages: tuple[str, ...]
    left_out: tuple[str, ...]
    asked: str | None


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    text = Path(__file__).with_name("curated.json").read_text(encoding="utf-8")
    return {name: value for name, value in json.loads(text).items() if not name.startswith("_")}


def curated_names() -> list[str]:
    """The names there are."""
    return sorted(_data())


def find_curated(reference: str) -> Curated:
    """The environment that `azureml:NAME:VERSION`, `azureml:NAME@latest` or a registry's address names.

    Raises EnvironmentFailed when there is none of that name here, or for a label other than `latest`.
    """
    found = next((match for form in _FORMS if (match := form.fullmatch(reference.strip()))), None)
    name, label, version = found.group("name", "label", "version") if found else (reference, None, None)
    entry = _data().get(name)
    if entry is None:
        near = difflib.get_close_matches(name, curated_names(), 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise EnvironmentFailed(
            f"environment {reference!r} is not known here; known are: {', '.join(curated_names())}",
            remedy=f"Write it out with `image` and `conda_file`, or leave `environment` out.{hint}",
        )
    if label not in (None, "latest"):
        raise EnvironmentFailed(
            f"environment {reference!r}: {name} has no label {label!r} here",
            remedy="The label that there is is latest.",
        )
    return Curated(name, entry["python"], tuple(entry["packages"]), tuple(entry["left_out"]), version)
