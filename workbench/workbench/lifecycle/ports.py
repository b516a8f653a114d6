"""Inputs and outputs of a job worked out for local compute: where the data is, and what the job sees."""

import os
import re
from pathlib import Path

from workbench_store.errors import SpecError
from workbench_store.layout import WorkspaceLayout

from workbench.lifecycle.plan import PlannedInput, PlannedOutput
from workbench.spec import CommandJob, Input

_NAME = re.compile(r"\$\{\{\s*(name|output_name)\s*\}\}")
_LITERAL_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def plan_inputs(layout: WorkspaceLayout, job: CommandJob, name: str) -> tuple[PlannedInput, ...]:
    """The inputs of the run `name`. Raises SpecError for data that is not there or is of another kind than
    said."""
    return tuple(_plan_input(layout, name, key, given) for key, given in job.inputs.items())


def _plan_input(
    layout: WorkspaceLayout, name: str, key: str, given: "Input | str | int | float | bool"
) -> PlannedInput:
    if not isinstance(given, Input):
        return PlannedInput(key, _LITERAL_TYPES[type(given)], value=given)
    path = _normal(Path(str(given.path)))
    _check_data(key, given, path)
    copied = given.mode == "download"
    resolved = layout.staged(name) / "inputs" / key / path.name if copied else path
    return PlannedInput(key, given.type, given.mode, str(path), str(resolved))


def _check_data(key: str, given: Input, path: Path) -> None:
    if given.path is None or not path.exists():
        raise SpecError(f"inputs.{key}: there is no {path}", remedy="Check the path; it is relative to the job file.")
    if not (path.is_file() or path.is_dir()):
        raise SpecError(f"inputs.{key}: {path} is neither a file nor a folder")
    wanted_folder = given.type in ("uri_folder", "mltable")
    if given.type == "uri_file" and path.is_dir():
        raise SpecError(f"inputs.{key}: {path} is a folder", remedy="Say `type: uri_folder`, or name a file in it.")
    if wanted_folder and not path.is_dir():
        raise SpecError(f"inputs.{key}: {path} is a file", remedy="Say `type: uri_file`, or name its folder.")


def plan_outputs(layout: WorkspaceLayout, job: CommandJob, name: str) -> tuple[PlannedOutput, ...]:
    """The named outputs of the run `name`."""
    planned = []
    for key, output in job.outputs.items():
        own = layout.run(name).named_outputs / key
        path = own if output.path is None else _chosen(job, str(output.path), name, key)
        # Uploads are written in the run's folder and copied at the end; other modes write to the path itself.
        resolved = own if output.mode == "upload" else path
        planned.append(PlannedOutput(key, output.type, output.mode, str(path), str(resolved)))
    return tuple(planned)


def _chosen(job: CommandJob, text: str, name: str, key: str) -> Path:
    values = {"name": name, "output_name": key}
    return _normal(job.base_dir / _NAME.sub(lambda match: values[match[1]], text))


def _normal(path: Path) -> Path:
    """Absolute, without `..`; links stay, since the user named them."""
    return Path(os.path.abspath(path))
