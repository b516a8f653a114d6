"""What a spec must keep beyond the shape of its fields: checked on the job, located by the field's path."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from workbench.spec.conda_shape import conda_problems
from workbench.spec.environments import BuildContext, Environment
from workbench.spec.expressions import misplaced, references, unclosed
from workbench.spec.files import Unreadable, kind_at, kind_of, read_yaml_file, reason
from workbench.spec.job import CommandJob
from workbench.spec.paths import is_remote
from workbench.spec.places import version_problem
from workbench.spec.ports import ANY_TYPE, INPUT_MODES, MLTABLE_MODES, MODEL_TYPES, Input
from workbench.spec.problems import Severity, nearest_name
from workbench.spec.tree import MapNode, plain


class Finding(NamedTuple):
    """A problem found on a job. `text` is the part of the field's text that it is about, if only a part, and `before`
    is how many like it stand before that."""

    path: str
    message: str
    allowed: tuple[str, ...] = ()
    nearest: str | None = None
    severity: Severity = "error"
    text: str | None = None
    before: int = 0


#: What ./outputs is called among a run's outputs.
_OWN_OUTPUT = "default"
#: No more wrong references than that are named, each once.
MOST_REFERENCES = 50

Check = Callable[[CommandJob], Iterator[Finding]]


def check_command(job: CommandJob) -> Iterator[Finding]:
    """The command says something, and refers to declared inputs and outputs only."""
    if not job.command.strip():
        yield Finding("command", "is empty")
    opened = unclosed(job.command)
    if opened is not None:
        written, before = opened
        yield Finding("command", f"{written} is not closed by }}}}", text=written, before=before)
    declared = {"inputs": tuple(job.inputs), "outputs": tuple(job.outputs)}
    distinct = {item.text: item for item in reversed(references(job.command))}
    for item in list(reversed(distinct.values()))[:MOST_REFERENCES]:
        if not item.scope:
            yield Finding("command", misplaced(item.name), text=item.text)
        elif item.name not in declared[item.scope]:
            allowed = declared[item.scope]
            message = f"{item.text} refers to an {item.scope[:-1]} that is not declared"
            severity: Severity = "warning" if item.optional else "error"
            nearest = nearest_name(item.name, allowed)
            yield Finding("command", message, allowed, nearest, severity, item.text)


def check_inputs(job: CommandJob) -> Iterator[Finding]:
    """Each input has a mode its type takes, and only keys its type has."""
    for name, given in job.inputs.items():
        if not isinstance(given, Input):
            continue
        allowed = MLTABLE_MODES if given.type == ANY_TYPE else INPUT_MODES[given.type]
        if given.mode not in allowed:
            whose = "any input" if given.type == ANY_TYPE else f"an input of type {given.type}"
            message = f"{given.mode!r} is not a mode of {whose}"
            yield Finding(f"inputs.{name}.mode", message, allowed, nearest_name(given.mode, allowed))
        if given.type in MODEL_TYPES and given.path_on_compute is not None:
            message = f"an input of type {given.type} has no path_on_compute"
            yield Finding(f"inputs.{name}.path_on_compute", message)
        if given.path is None:
            yield Finding(f"inputs.{name}", "has no path")


def check_places(job: CommandJob) -> Iterator[Finding]:
    """No input is to be found at, or in, another input's place, which is a link into the user's data, or where the run
    keeps what the job writes."""
    places = {
        name: Path(os.path.normpath(given.path_on_compute))
        for name, given in job.inputs.items()
        if isinstance(given, Input) and given.path_on_compute is not None
    }
    for name, place in places.items():
        other = next((one for one in places if one != name and places[one] in (place, *place.parents)), None)
        if other is not None:
            message = f"{str(place)!r} is the place of the input {other}, or in it"
            yield Finding(f"inputs.{name}.path_on_compute", message)
        elif place.parts[:1] in (("outputs",), ("logs",)):
            message = f"{str(place)!r} is in ./{place.parts[0]}, which is kept with the run; choose another place"
            yield Finding(f"inputs.{name}.path_on_compute", message)


def check_outputs(job: CommandJob) -> Iterator[Finding]:
    """A version can be added, is that of a data asset, which has a name, and no two outputs are the same one."""
    taken: dict[tuple[bool, str, str], str] = {}
    for name, given in job.outputs.items():
        if name == _OWN_OUTPUT:
            yield Finding(f"outputs.{name}", "is the name of ./outputs itself; choose another one")
        if given is None or given.version is None:
            continue
        if given.name is None:
            yield Finding(f"outputs.{name}.version", "a version needs a name: it is that of the data asset to register")
            continue
        problem = version_problem(given.version)
        if problem is not None:
            yield Finding(f"outputs.{name}.version", problem)
            continue
        other = taken.setdefault((given.type in MODEL_TYPES, given.name, given.version), name)
        if other != name:
            message = f"{given.name}:{given.version} is what the output {other} is registered as"
            yield Finding(f"outputs.{name}.version", message)


def check_environment(job: CommandJob) -> Iterator[Finding]:
    """An inline environment says what it is made of, once."""
    environment = job.environment
    if not isinstance(environment, Environment):
        return
    if environment.image is not None and environment.build is not None:
        yield Finding("environment.build", "an environment has an image or a build context, not both")
    if environment.image is None and environment.build is None and environment.conda_file is None:
        message = "needs image, build or conda_file"
        hint = f"azureml:{environment.name}:{environment.version or 'VERSION'}" if environment.name else None
        yield Finding("environment", message, ("image", "build", "conda_file"), hint)
    if environment.build is not None and environment.conda_file is not None:
        message = "a build context has no conda_file; install packages in the Dockerfile"
        yield Finding("environment.conda_file", message)
    if environment.build is not None and environment.build.path is None:
        yield Finding("environment.build.path", "is required")


def check_code(job: CommandJob) -> Iterator[Finding]:
    """Local code is there."""
    if isinstance(job.code, Path):
        yield from _present("code", str(job.code), ("a folder", "a file"))


def check_input_paths(job: CommandJob) -> Iterator[Finding]:
    """Local inputs are there, a file where a file is wanted and a folder where a folder is."""
    wanted = {"uri_file": ("a file",), "uri_folder": ("a folder",), "mltable": ("a folder",)}
    for name, given in job.inputs.items():
        if isinstance(given, Input) and given.path is not None and not is_remote(str(given.path)):
            kinds = wanted.get(given.type, ("a folder", "a file"))
            yield from _present(f"inputs.{name}.path", str(given.path), kinds)


def check_output_paths(job: CommandJob) -> Iterator[Finding]:
    """An output does not go where something of another kind is."""
    for name, given in job.outputs.items():
        if given is None or given.path is None or is_remote(str(given.path)):
            continue
        kind = kind_at(str(given.path))
        if kind in ("a device", "a pipe", "a socket", "something else"):
            yield Finding(f"outputs.{name}.path", f"{given.path} is {kind}")
        elif (given.type, kind) in (("uri_file", "a folder"), ("uri_folder", "a file")):
            yield Finding(f"outputs.{name}.path", f"{given.path} is {kind}, and the output is a {given.type}")


def check_environment_paths(job: CommandJob) -> Iterator[Finding]:
    """The conda file and the build context are there and can be read."""
    environment = job.environment
    if not isinstance(environment, Environment):
        return
    if isinstance(environment.conda_file, str):
        yield from _conda(environment.conda_file)
    elif isinstance(environment.conda_file, dict):
        for place, wanted in conda_problems(environment.conda_file):
            yield Finding(f"environment.conda_file.{place}", wanted)
    build = environment.build
    if isinstance(build, BuildContext) and build.path is not None and not is_remote(str(build.path)):
        yield from _present("environment.build.path", str(build.path), ("a folder",))
        dockerfile = os.path.join(str(build.path), build.dockerfile_path or "Dockerfile")
        if kind_at(str(build.path)) == "a folder":
            key = "dockerfile_path" if build.dockerfile_path else "path"
            yield from _present(f"environment.build.{key}", dockerfile, ("a file",))


def _conda(path: str) -> Iterator[Finding]:
    if is_remote(path):
        yield Finding("environment.conda_file", f"{path!r} is not a local path")
        return
    missing = list(_present("environment.conda_file", path, ("a file",)))
    if missing:
        yield from missing
        return
    try:
        _, tree = read_yaml_file(Path(path))
    except Unreadable as error:
        line = f" (line {error.problem.line})" if error.problem.line else ""
        yield Finding("environment.conda_file", f"{path}: {error.problem.message}{line}")
        return
    if not isinstance(tree, MapNode):
        message = f"{path} does not hold a mapping with channels and dependencies"
        yield Finding("environment.conda_file", message)
        return
    for place, wanted in conda_problems(cast("dict[str, Any]", plain(tree))):
        yield Finding("environment.conda_file", f"{path}: {place} {wanted}")


def _present(field: str, path: str, kinds: tuple[str, ...]) -> Iterator[Finding]:
    """A finding unless one of `kinds` is at `path`."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        yield Finding(field, f"{path} does not exist", nearest=_sibling(path))
        return
    except (OSError, ValueError) as error:
        yield Finding(field, f"{path} cannot be read: {reason(error)}")
        return
    if kind_of(mode) not in kinds:
        yield Finding(field, f"{path} is {kind_of(mode)}, not {' or '.join(kinds)}")


def _sibling(path: str) -> str | None:
    """Something with nearly that name in the same folder."""
    parent = Path(path).parent
    try:
        if not stat.S_ISDIR(parent.stat().st_mode):
            return None
        with os.scandir(parent) as entries:
            names = [entry.name for entry, _ in zip(entries, range(1000), strict=False)]
    except (OSError, ValueError):
        return None
    close = nearest_name(Path(path).name, names)
    return str(parent / close) if close else None


#: Checks of the spec alone; of the data on this machine's disk; of all that is on the disk.
SPEC_CHECKS: tuple[Check, ...] = (check_command, check_inputs, check_places, check_outputs, check_environment)
DATA_CHECKS: tuple[Check, ...] = (check_input_paths, check_output_paths)
DISK_CHECKS: tuple[Check, ...] = (check_code, *DATA_CHECKS, check_environment_paths)
