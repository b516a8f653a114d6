"""What local compute does with a valid job: which fields it does not use, and what it refuses to run."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from workbench.spec.checks import Finding
from workbench.spec.environments import Environment
from workbench.spec.expressions import EXAMPLE_VALUES, expand_path, has_open_optional, references
from workbench.spec.job import CommandJob
from workbench.spec.paths import is_remote, scheme
from workbench.spec.places import Asset, BadPlace, InRegistry, OnDatastore, Place, Remote, parse_place
from workbench.spec.ports import FOLDER_TYPES, Input, Output
from workbench.spec.problems import Problem
from workbench.spec.processes import distribution_refusals, processes_of

#: What a job's environment says of its run, whatever its spec says (lifecycle/job_environment.py).
VARIABLES_OF_RUNS = frozenset(
    "WORKBENCH_RUN_ID WORKBENCH_RUN_NAME WORKBENCH_RUN_DIR WORKBENCH_WORKSPACE WORKBENCH_EXPERIMENT AZUREML_RUN_ID "
    "AZUREML_EXPERIMENT_NAME AZUREML_OUTPUT_DIRECTORY AZUREML_LOGDIRECTORY_PATH AZUREML_CR_EXECUTION_WORKING_DIR_PATH "
    "AZUREML_CR_NODE_RANK AZUREML_NODE_COUNT".split()
)


class Note(NamedTuple):
    """A field that is accepted and not used, or not as in the cloud, and why."""

    field: str
    text: str

    @property
    def unused(self) -> bool:
        """Whether the field has no effect at all."""
        return self.text.startswith("unused")


_UNUSED_RESOURCES = {
    "instance_type": "local compute has one kind of node",
    "max_instance_count": "local compute has one node",
    "locations": "local compute is where you are",
    "shm_size": "there is no container on local compute",
    "docker_args": "there is no container on local compute",
    "properties": "local compute has none",
}


def execution_notes(job: CommandJob) -> list[Note]:
    """The fields that are valid and that local compute does not use, in the order of the spec."""
    return list(_notes(job))


def _notes(job: CommandJob) -> Iterator[Note]:
    if job.environment is None:
        yield Note("environment", "left out: the Python that submits runs the command; Azure ML needs one")
    if isinstance(job.environment, Environment):
        yield from _environment_notes(job.environment)
    for name, given in job.inputs.items():
        if isinstance(given, Input):
            yield from _input_notes(f"inputs.{name}", given)
    for name, output in job.outputs.items():
        yield from _output_notes(f"outputs.{name}", output)
    yield from _shared_places(job)
    yield from _expression_notes(job)
    for name in job.environment_variables:
        if name in VARIABLES_OF_RUNS:
            yield Note(f"environment_variables.{name}", "unused: each run sets it itself")
    for field, why in _UNUSED_RESOURCES.items():
        if job.resources is not None and getattr(job.resources, field) is not None:
            yield Note(f"resources.{field}", f"unused: {why}")
    processes = processes_of(job)
    if processes.instances > 1:
        yield Note("resources.instance_count", f"{processes.instances} groups of processes on this machine")
    if processes.total > 1 and processes.kind != "pytorch" and "RANK" in job.environment_variables:
        yield Note("environment_variables.RANK", "the same in every process: what they log is taken for one rank's")
    for field, why in (
        ("services", "a local run is reached without them"),
        ("identity", "a local run acts as you"),
        ("queue_settings", "runs start in the order they come"),
        ("parent_job_name", "runs have no parents yet"),
    ):
        if getattr(job, field):
            yield Note(field, f"unused: {why}")


def _environment_notes(environment: Environment) -> Iterator[Note]:
    if environment.name is not None or environment.version is not None:
        yield Note("environment.name", "shown only: an inline environment is known by its content")
    for field in ("os_type", "inference_config", "auto_delete_setting", "datastore"):
        if getattr(environment, field) is not None:
            yield Note(f"environment.{field}", "unused on local compute")


def _input_notes(path: str, given: Input) -> Iterator[Note]:
    if given.datastore is not None:
        yield Note(f"{path}.datastore", "unused on local compute")
    if given.mode == "direct" and given.path_on_compute is not None:
        yield Note(f"{path}.path_on_compute", "unused: in mode direct the job gets the place itself")
    yield from _workspace_note(f"{path}.path", _place(given.path))


def _output_notes(path: str, output: Output) -> Iterator[Note]:
    yield from _workspace_note(f"{path}.path", _place(output.path))


def _shared_places(job: CommandJob) -> Iterator[Note]:
    """Outputs that go to the place of another one."""
    taken: dict[str, str] = {}
    for name, output in job.outputs.items():
        if output.path is None or "${{output_name}}" in str(output.path).replace(" ", ""):
            continue
        path = str(output.path) if is_remote(str(output.path)) else os.path.normpath(job.base_dir / str(output.path))
        other = taken.setdefault(path, name)
        if other != name:
            yield Note(f"outputs.{name}.path", f"the place of the output {other} too: what both write is mixed there")


def _expression_notes(job: CommandJob) -> Iterator[Note]:
    """What looks like an expression and is none, where it stands."""
    if has_open_optional(job.command):
        yield Note("command", "$[[ is not closed by ]], and goes to the shell as it is")
    literals = {f"inputs.{name}": given for name, given in job.inputs.items() if isinstance(given, str)}
    variables = {f"environment_variables.{name}": value for name, value in job.environment_variables.items()}
    for field, text in (literals | variables).items():
        if isinstance(text, str) and references(text):  # a null, which is told as an error, may still be there
            yield Note(field, f"{references(text)[0].text} stays as it is: expressions are for the command")


def _workspace_note(path: str, place: Place | None) -> Iterator[Note]:
    if isinstance(place, Asset | OnDatastore) and place.workspace:
        yield Note(path, "the workspace that it names is ignored: names are those of this workspace")


def _place(path: object) -> Place | None:
    """What a URI names; None for a local path, and for what is no URI that is known."""
    if path is None or not is_remote(str(path)):
        return None
    try:
        return parse_place(expand_path(str(path), EXAMPLE_VALUES))
    except BadPlace:
        return None


def note_findings(job: CommandJob) -> Iterator[Finding]:
    """The same, for `check_job`."""
    for note in _notes(job):
        yield Finding(note.field, note.text, severity="note")


def execution_refusals(job: CommandJob) -> list[Problem]:
    """What the job asks for that is not executed yet; empty if local compute can run it."""
    return [Problem("", 0, 0, finding.path, finding.message) for finding in _refusals(job)]


def execution_findings(job: CommandJob) -> Iterator[Finding]:
    """The same as warnings, for `check_job`: the spec is valid, and cannot run here yet."""
    for finding in _refusals(job):
        yield finding._replace(severity="warning")


def _refusals(job: CommandJob) -> Iterator[Finding]:
    if isinstance(job.code, str):
        yield Finding("code", f"code from {scheme(job.code)} is not fetched yet; name a local folder")
    for name, given in job.inputs.items():
        if isinstance(given, Input):
            yield from _input_refusals(f"inputs.{name}", given)
    for name, output in job.outputs.items():
        place = _place(output.path)
        if isinstance(place, InRegistry):
            yield Finding(f"outputs.{name}.path", _no_registry(place))
        if isinstance(place, Remote) and place.url.partition(":")[0].lower() in _READ_ONLY:
            message = f"nothing can be written to {scheme(place.url)}; leave path out, or name a datastore"
            yield Finding(f"outputs.{name}.path", message)
    yield from distribution_refusals(job)


#: Schemes that only give.
_READ_ONLY = frozenset({"http", "https", "github", "git", "zip", "tar", "libarchive", "data", "hf"})


def _input_refusals(path: str, given: Input) -> Iterator[Finding]:
    place = _place(given.path)
    if isinstance(place, InRegistry):
        yield Finding(f"{path}.path", _no_registry(place))
    if isinstance(place, Remote) and given.type in FOLDER_TYPES and given.mode != "direct" and is_web_file(place.url):
        message = f"{scheme(place.url)} leads to one file, and the input is a {given.type}; say `type: uri_file`"
        yield Finding(f"{path}.path", message)


def _no_registry(place: InRegistry) -> str:
    return f"the registry {place.registry} is in the cloud and is not reached from here; add the data as an asset"


def is_web_file(url: str) -> bool:
    """Whether a URL is fetched as one file: the web has no folders, but storage accounts have."""
    kind, _, rest = url.partition("://")
    host = rest.partition("/")[0].lower()
    return kind.lower() in ("http", "https") and ".blob.core." not in host and ".dfs.core." not in host
