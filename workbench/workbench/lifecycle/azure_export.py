"""A run as a folder that the real service takes: `az ml job create -f job.yml`."""

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from workbench_store.absence import check_run
from workbench_store.errors import RunError
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.snapshot import stage_snapshot

from workbench.compute.registry import COMPUTE_NAME
from workbench.data.elsewhere import parts_elsewhere
from workbench.data.secret_urls import HIDDEN
from workbench.lifecycle.export_environment import Given, export_environment
from workbench.lifecycle.export_secrets import fields_to_set, secret_fields, secret_files, secret_notes
from workbench.lifecycle.files import read_json, write_text
from workbench.lifecycle.plan import Plan, read_plan
from workbench.lifecycle.repeating import changed_inputs
from workbench.spec import is_remote, load_job
from workbench.spec.dump import SCHEMA_URL, data_to_yaml

#: Compute that the service finds by itself; a job file says so by naming none.
SERVERLESS = "serverless"
_OURS = "workbench."
#: URIs that only mean something in the workspace that they are looked up in.
_NAMES_HERE = ("azureml:", "runs:")


class Exported(Struct, frozen=True):
    """Where it was written, the variables whose values have to be given, and all else that is not as in the run.

    to_set: the fields of the job file that lack a secret, those variables among them. secret_files: why a file that
    would be uploaded looks like a secret, by its path (relative to `folder`, or absolute).
    """

    folder: Path
    secrets: tuple[str, ...]
    notes: tuple[str, ...]
    to_set: tuple[str, ...]
    secret_files: Mapping[str, str]

    @property
    def job(self) -> Path:
        """The job file."""
        return self.folder / "job.yml"


def export_azureml(
    layout: WorkspaceLayout,
    name: str,
    folder: Path,
    *,
    compute: str | None = None,
    environment: str | None = None,
    image: str | None = None,
) -> Exported:
    """Write the run of exactly that name into `folder`, which must not be there: job file, code, environment.

    `compute` names the service's compute in place of the run's own, `environment` its environment in place of the
    run's, `image` the image for packages that had none. Raises NotFound, and RunError for a run without a job, for what
    the service needs and nobody named, for data or code that is gone, and where something is in the way; then nothing
    has been written.
    """
    files = layout.run(name)
    check_run(layout, name)
    spec = read_json(files.spec)
    if spec is None:
        raise RunError(f"run {name} was opened by a script, so it has no job to export", remedy="Export a job's run.")
    folder = Path(os.path.abspath(folder))
    if os.path.lexists(folder):
        raise RunError(f"{folder} is there already", remedy="Name another folder with --to; nothing is overwritten.")
    plan = read_plan(files)
    # Paths in the job file lead up from where it really is.
    folder = Path(os.path.realpath(folder.parent), folder.name)
    missing = [one for one in folder.parents if not os.path.lexists(one)]
    draft = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        draft.mkdir(parents=True)
        notes, suspects = _write(layout, files, plan, spec, draft, Given(compute, environment, image))
        draft.rename(folder)
    except OSError as error:
        raise RunError(
            f"{folder} cannot be written: {error.strerror or error}", remedy="Name another folder."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if not os.path.lexists(folder):
            _take_back(missing)
    return Exported(folder, plan.secrets, tuple(notes), fields_to_set(plan, spec.get("inputs", {})), suspects)


def _take_back(folders: list[Path]) -> None:
    """Remove the folders, inner ones first, as far as nobody has put something there."""
    for folder in folders:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return


def _write(
    layout: WorkspaceLayout, files: RunLayout, plan: Plan, spec: dict[str, Any], draft: Path, given: Given
) -> tuple[list[str], dict[str, str]]:
    """Fill the folder; what is not as in the run, in words, and which files look like secrets."""
    notes = [f"name {plan.name} left out: the service gives each job one of its own"]
    data = {key: value for key, value in spec.items() if key != "name"}
    data.setdefault("display_name", plan.name)
    data.setdefault("experiment_name", plan.experiment)
    _compute(data, plan, given.compute, notes)
    _code(layout, data, plan, draft)
    data["environment"] = export_environment(spec.get("environment"), plan, draft, given, notes)
    _inputs(data, draft, notes)
    _outputs(data, notes)
    _properties(data)
    notes += changed_inputs(files, plan)
    if plan.secrets:
        notes.append(f"variables without their values: {', '.join(plan.secrets)}; they look like secrets")
    notes += [f"{field} holds what looks like a secret, as it was given" for field in secret_fields(data)]
    suspects = secret_files(draft, spec.get("inputs", {}))
    notes += secret_notes(suspects)
    head = "".join(f"# {' '.join(note.split())}\n" for note in (f"Exported from the run {plan.name}.", *notes))
    write_text(draft / "job.yml", head + data_to_yaml({"$schema": SCHEMA_URL, **_ordered(data, spec)}))
    load_job(draft / "job.yml")  # what we would not take ourselves is not handed on
    return notes, suspects


def _ordered(data: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """In the order of the run's own spec, then what was added."""
    order = [*spec, *(key for key in data if key not in spec)]
    return {key: data[key] for key in order if data.get(key) not in (None, {})}


def _compute(data: dict[str, Any], plan: Plan, wanted: str | None, notes: list[str]) -> None:
    name = (wanted or data.get("compute") or "local").strip().removeprefix("azureml:")
    if name.lower() == "local" or not name:
        raise RunError(
            f"run {plan.name} ran on local compute, which the service has not",
            remedy=f"Name one of your workspace there: --compute NAME, or --compute {SERVERLESS}.",
        )
    if not COMPUTE_NAME.fullmatch(name):
        raise RunError(f"{name!r} cannot be the name of a compute", remedy="Use letters, digits, `-`, `_` and `.`.")
    if name.lower() == SERVERLESS:
        data.pop("compute", None)
        notes.append("compute left out: serverless")
    else:
        data["compute"] = f"azureml:{name}"


def _code(layout: WorkspaceLayout, data: dict[str, Any], plan: Plan, draft: Path) -> None:
    if plan.snapshot is not None:
        stage_snapshot(layout, plan.snapshot, draft / "code")
        data["code"] = "./code"


def _inputs(data: dict[str, Any], draft: Path, notes: list[str]) -> None:
    """Local data stays where it is, named from the folder; the service uploads it from there."""
    inputs = {}
    for name, value in data.get("inputs", {}).items():
        inputs[name] = value
        place = value.get("path") if isinstance(value, dict) else None
        if place is not None and place.startswith(_NAMES_HERE):
            notes.append(_known_there(f"inputs.{name}", place))
        if place is not None and HIDDEN in place:
            notes.append(f"inputs.{name} lacks what looked like a secret in its URL, and is not recorded: {place}")
        if place is not None and value.get("path_on_compute"):
            notes.append(
                f"inputs.{name} has a path_on_compute: azure-ai-ml refuses it unless it is on this machine too"
            )
        if place is None or is_remote(place):
            continue
        if not os.path.exists(place):
            raise RunError(f"inputs.{name}: there is no {place} any more", remedy="Bring it back, then export again.")
        inputs[name] = {**value, "path": os.path.relpath(place, draft)}
        notes.append(f"inputs.{name} is uploaded from {place}")
        notes += _parts_elsewhere(name, Path(place))
    if inputs:
        data["inputs"] = inputs


def _parts_elsewhere(name: str, folder: Path) -> Iterator[str]:
    """What is not uploaded with a table, in words."""
    for part in parts_elsewhere(folder):
        if part.place.startswith(_NAMES_HERE):
            yield _known_there(f"a part of inputs.{name}", part.place)
        elif not is_remote(part.place):
            yield f"a part of inputs.{name} is {part.place}: it is not in the table's folder, so it is not uploaded"


def _known_there(what: str, place: str) -> str:
    return f"{what} is {place}: the service must know what that is, as this workspace does"


def _outputs(data: dict[str, Any], notes: list[str]) -> None:
    outputs = {}
    for name, value in data.get("outputs", {}).items():
        place = value.get("path")
        if place is not None and place.startswith(_NAMES_HERE):
            notes.append(_known_there(f"outputs.{name}", place))
        local = place is not None and not is_remote(place)
        outputs[name] = {key: item for key, item in value.items() if not (local and key == "path")}
        if local:
            notes.append(f"outputs.{name}: its place on this machine is left out, so the service has its own for it")
    if outputs:
        data["outputs"] = outputs


def _properties(data: dict[str, Any]) -> None:
    """Without those that only have a meaning here."""
    data["properties"] = {key: text for key, text in data.get("properties", {}).items() if not key.startswith(_OURS)}
