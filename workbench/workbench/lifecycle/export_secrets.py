"""What looks like a secret in a run that is exported: files that would be uploaded, and what is left to be given."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench_store.redaction import redacted_value
from workbench_store.secrets import secret_in_file, secret_in_name
from workbench_store.words import counted

from workbench.data.secret_urls import HIDDEN
from workbench.lifecycle.plan import Plan

#: So many files are named in the notes.
_MOST_NAMED = 20


def secret_files(draft: Path, inputs: Mapping[str, Any]) -> dict[str, str]:
    """Why a file is likely to hold a secret, by its path: what was written, by name and content, as a path in the
    folder; local data that is named by `inputs`, which may be much, by name alone, as it was found."""
    found = {os.path.relpath(path, draft): why for path in _files(draft) if (why := secret_in_file(path.name, path))}
    for given in inputs.values():
        place = given.get("path") if isinstance(given, dict) else None
        if place is not None and os.path.exists(place):
            found.update({str(path): why for path in _files(Path(place)) if (why := secret_in_name(path.name))})
    return found


def secret_notes(found: Mapping[str, str]) -> list[str]:
    """The same in words."""
    named = list(found.items())[:_MOST_NAMED]
    more = len(found) - len(named)
    notes = [f"{path} looks like a secret, and would be uploaded unless you take it out: {why}" for path, why in named]
    return notes + ([f"and {counted(more, 'more file')} like that"] if more else [])


def secret_fields(spec: Mapping[str, Any]) -> list[str]:
    """The fields of the job file whose values hold what looks like a secret, as the user gave them."""

    def below(value: Any, path: str) -> Iterator[str]:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from below(inner, f"{path}.{name}" if path else str(name))
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                yield from below(inner, f"{path}[{number}]")
        elif redacted_value(value, path.rpartition(".")[2]) != value and HIDDEN not in str(value):
            yield path

    return list(below(spec, ""))


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for folder, names, files in os.walk(place):
        names.sort()
        yield from (Path(folder, name) for name in sorted(files))


def fields_to_set(plan: Plan, inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of the job file whose values are not recorded, as they are secrets or hold one."""
    urls = (name for name, given in inputs.items() if isinstance(given, dict) and HIDDEN in str(given.get("path")))
    return (*(f"environment_variables.{name}" for name in plan.secrets), *(f"inputs.{name}.path" for name in urls))
