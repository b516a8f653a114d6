"""Specs from YAML files and from plain data: read whole, every problem at once."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from workbench_store.errors import UsageError

from workbench.spec.azure_objects import NAME, azure_job, is_azure_object
from workbench.spec.checks import DATA_CHECKS, DISK_CHECKS, SPEC_CHECKS, Check, Finding
from workbench.spec.environments import Environment
from workbench.spec.errors import SpecErrors
from workbench.spec.fields import Record
from workbench.spec.files import Unreadable, YamlText, parse_yaml_file, parse_yaml_text
from workbench.spec.job import CommandJob
from workbench.spec.overrides import BadOverride, apply_overrides, override_problems, parse_overrides
from workbench.spec.ports import ANY_TYPE, Input, Output
from workbench.spec.problems import Problem, nearest_name
from workbench.spec.readers import new_context
from workbench.spec.reading import Context, read_fields
from workbench.spec.support import execution_findings
from workbench.spec.tree import MapNode, Mark, Node, Scalar, describe, from_python, make_mapping

#: A path, an open file, or an object of azure-ai-ml's.
Source = str | os.PathLike[str] | IO[str] | IO[bytes] | Any
Overrides = Iterable[str | Mapping[str, object]]

#: The other kinds of Azure ML job, known so that they can be refused by name.
OTHER_TYPES = ("sweep", "pipeline", "parallel", "spark", "automl", "import", "data_transfer", "finetuning")


class _Text(NamedTuple):
    """What positions within a field's text are looked up in: the file's name and its text."""

    file: str
    text: str


def load_job(
    source: Source,
    *,
    relative_origin: str | os.PathLike[str] | None = None,
    params_override: Overrides | Mapping[str, object] | None = None,
    overrides: Iterable[str] = (),
) -> CommandJob:
    """The job in a YAML file (a path or an open file), or that an azure-ai-ml `Command` or `CommandJob` is, checked.

    Relative paths start at the file's own folder, or at `relative_origin` (a folder, or a file in it).
    `params_override` holds mappings from dotted keys to values, as in azure-ai-ml, or is one; `overrides` holds
    `KEY=VALUE` texts.
    Raises SpecErrors with every error there is, and UsageError for a source of another kind.
    """
    given = [params_override] if isinstance(params_override, Mapping) else [*(params_override or ())]
    return _checked(_load(source, relative_origin, [*given, *overrides]))


def check_job(path: Source, overrides: Overrides = (), further: Sequence[Check] = ()) -> list[Problem]:
    """Everything wrong with a job file, in its order; what local compute cannot run yet is a warning.

    `further` are more checks, of what is beyond the spec.
    """
    return _load(path, None, list(overrides), (execution_findings,), further)[1]


def job_from_dict(data: Mapping[str, object], base_dir: str | os.PathLike[str]) -> CommandJob:
    """The job of what `job_to_dict` gave. The disk is not looked at. Raises SpecErrors if damaged."""
    return _from_plain(data, Path(base_dir), "spec.json", SPEC_CHECKS)


def job_again(data: Mapping[str, object], base_dir: Path, overrides: Iterable[str] = ()) -> CommandJob:
    """The job of a stored spec with overrides, checked as when it was first submitted but for its code, which need not
    be where it was. Raises SpecErrors."""
    try:
        written, given = _root(from_python(data, Mark("spec.json")), "spec.json"), parse_overrides(overrides)
        root, problems = _command_job(apply_overrides(written, given), "spec.json")
    except (Unreadable, BadOverride) as error:
        raise SpecErrors([error.problem]) from error
    context = new_context(base_dir)
    context.problems.extend((*problems, *override_problems(written, given)))
    return _checked(_read(root, context, SPEC_CHECKS + DATA_CHECKS, None))


def job_from_python(data: Mapping[str, object], base_dir: Path) -> CommandJob:
    """A job out of plain values, checked as a file is. Raises SpecErrors."""
    return _from_plain(data, base_dir, "command()", SPEC_CHECKS + DISK_CHECKS)


def _from_plain(data: Mapping[str, object], base_dir: Path, name: str, checks: Sequence[Check]) -> CommandJob:
    tree = from_python(data, Mark(name))
    if not isinstance(tree, MapNode):
        raise SpecErrors([Problem(name, 0, 0, "", "must be a mapping")])
    return _checked(_read(tree, new_context(base_dir), checks, None))


def _checked(found: tuple[CommandJob | None, list[Problem]]) -> CommandJob:
    job, problems = found
    errors = [problem for problem in problems if problem.severity == "error"]
    if job is None or errors:
        raise SpecErrors(errors)
    return job


def _load(
    source: Source,
    relative_origin: str | os.PathLike[str] | None,
    overrides: Sequence[str | Mapping[str, object]],
    more: tuple[Check, ...] = (),
    further: Sequence[Check] = (),
) -> tuple[CommandJob | None, list[Problem]]:
    try:
        name, read, base = _open(source)
        written, given = _root(read.tree, name), parse_overrides(overrides)
        root, problems = _command_job(apply_overrides(written, given), name)
    except (Unreadable, BadOverride) as error:
        return None, [error.problem]
    context = new_context(base if base is not None and relative_origin is None else _base_dir(name, relative_origin))
    context.problems.extend((*read.problems, *problems, *override_problems(written, given)))
    return _read(root, context, SPEC_CHECKS + DISK_CHECKS + more, _Text(name, read.text), further)


def _open(source: Source) -> tuple[str, YamlText, Path | None]:
    """The name and content of a source, and where its paths start if that is not beside a file."""
    if is_azure_object(source):
        job = azure_job(source)
        return NAME, YamlText("", from_python(job.data, Mark(NAME)), []), job.base_dir
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return str(path), parse_yaml_file(path), None
    if not callable(getattr(source, "read", None)):
        raise UsageError(
            f"load_job takes no {type(source).__name__}",
            remedy="It takes the path of a job file, an open file, or azure-ai-ml's Command or CommandJob.",
        )
    name = getattr(source, "name", None)
    name = name if isinstance(name, str) else "<stream>"
    try:
        data = source.read()
    except UnicodeDecodeError as error:
        raise Unreadable(Problem(name, 0, 0, "", "not UTF-8 text")) from error
    return name, parse_yaml_text(data, name), None


def _base_dir(name: str, relative_origin: str | os.PathLike[str] | None) -> Path:
    if relative_origin is not None:
        origin = Path(relative_origin)
        return (origin if origin.is_dir() else origin.parent).absolute()
    return Path(name).absolute().parent if name != "<stream>" else Path.cwd()


def _root(tree: Node | None, name: str) -> MapNode:
    if tree is None or (isinstance(tree, Scalar) and tree.value is None):
        raise Unreadable(Problem(name, 0, 0, "", "holds no job: it is empty"))
    if not isinstance(tree, MapNode):
        message = f"must be a mapping with the fields of a job, not {describe(tree)}"
        raise Unreadable(Problem(name, tree.mark.line, tree.mark.column, "", message))
    return tree


def _command_job(root: MapNode, name: str) -> tuple[MapNode, list[Problem]]:
    """Refuse other kinds of job before their fields are judged as a command job's; what seems to be one with a wrong
    `type` is told, and given back without it, so that the rest is judged too. Case counts."""
    given = root.get("type")
    if given is None:
        if isinstance(jobs := root.get("jobs") or root.get("trial"), MapNode):
            message = "is missing; is this a pipeline or a sweep?"
            raise Unreadable(Problem(name, jobs.mark.line, jobs.mark.column, "type", message))
        return root, []
    kind = given.value if isinstance(given, Scalar) else None
    if kind == "command":
        return root, []
    place = (given.mark.file, given.mark.line, given.mark.column)
    if kind in OTHER_TYPES:
        message = f"jobs of type {kind} are not run yet; command jobs are"
        raise Unreadable(Problem(*place, "type", message, ("command",)))
    shown = f"{kind!r}" if isinstance(given, Scalar) else describe(given)
    nearest = nearest_name(str(kind), ("command", *OTHER_TYPES)) if isinstance(kind, str) else None
    problem = Problem(*place, "type", f"{shown} is no type of job", ("command",), nearest)
    if nearest != "command" and root.get("command") is None:
        raise Unreadable(problem)
    return make_mapping(root.mark, tuple(entry for entry in root.entries if entry.key != "type")), [problem]


def _read(
    root: MapNode, context: Context, checks: Sequence[Check], text: _Text | None, further: Sequence[Check] = ()
) -> tuple[CommandJob | None, list[Problem]]:
    """The job, if it has no errors, and every problem. `further` are checks of what is beyond the spec: they come
    last, as nothing is told of a field that is known to be wrong."""
    context.places[""] = root
    values = read_fields(Record(CommandJob), root, "", context)
    # What could not be read was noted; placeholders keep the checks from finding it a second time.
    job = CommandJob(**{"command": "-", **_with_placeholders(values, context), "base_dir": context.base_dir})
    _check(job, checks, context, text)
    wrong = {problem.path for problem in context.problems if problem.severity == "error"}
    _check(job, [_of_sound_fields(check, wrong) for check in further], context, text)
    ordered = sorted(context.problems, key=lambda problem: (problem.file, problem.line, problem.column))
    return (None if _failed(context) else job), ordered


def _of_sound_fields(check: Check, wrong: Collection[str]) -> Check:
    """The check without what it finds of fields of which a part is known to be wrong."""

    def checked(job: CommandJob) -> Iterator[Finding]:
        for finding in check(job):
            if not any(path.startswith(f"{finding.path}.") for path in wrong):
                yield finding

    return checked


def _failed(context: Context) -> bool:
    return any(problem.severity == "error" for problem in context.problems)


def _check(job: CommandJob, checks: Sequence[Check], context: Context, text: _Text | None) -> None:
    for check in checks:
        noted = {problem.path for problem in context.problems}
        for finding in check(job):
            # What a record as a whole lacks cannot be told while some of its fields could not be read.
            if not _covered(finding.path, noted) and finding.path not in context.partial:
                context.problems.append(_locate(finding, context, text))


def _with_placeholders(values: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The values with what could be read of each input, output and environment that could not be read whole."""
    inputs = {
        name: _input_in_part(f"inputs.{name}", context) if value is None else value
        for name, value in values.get("inputs", {}).items()
    }
    outputs = {
        name: value or Output(**{"type": ANY_TYPE, **context.partial.get(f"outputs.{name}", {})})
        for name, value in values.get("outputs", {}).items()
    }
    found = {**values, "inputs": inputs, "outputs": outputs}
    if "environment" in context.partial:
        found["environment"] = Environment(**context.partial["environment"])
    return found


def _input_in_part(path: str, context: Context) -> Input | str:
    """Data without the fields that are wrong, or a literal for what is no data."""
    if path not in context.partial:
        return ""
    return Input(**{"type": ANY_TYPE, **context.partial[path]})


def _covered(path: str, noted: set[str]) -> bool:
    """Whether a problem was noted at the path, above it, or (being about a missing part) below it."""
    parts = path.split(".")
    return any(".".join(parts[:length]) in noted for length in range(1, len(parts) + 1))


def _locate(finding: Finding, context: Context, text: _Text | None) -> Problem:
    node = _place(finding.path, context)
    mark = node.mark
    if finding.text and text and isinstance(node, Scalar) and mark.file == text.file and mark.line:
        mark = _within(node, finding, text)
    return Problem(
        mark.file,
        mark.line,
        mark.column,
        finding.path,
        finding.message,
        finding.allowed,
        finding.nearest,
        finding.severity,
    )


def _place(path: str, context: Context) -> Node:
    """The node of the field, or of the nearest one above it that is there."""
    while path and path not in context.places:
        path = path.rpartition(".")[0]
    return context.places[path]


def _within(node: Scalar, finding: Finding, text: _Text) -> Mark:
    """Where the finding's text stands in the lines of a scalar; the scalar's beginning if not found."""
    lines, wanted, before = text.text.splitlines(), str(finding.text), finding.before
    for number in range(node.mark.line, min(node.end, len(lines)) + 1):
        line, column = lines[number - 1], node.mark.column - 2 if number == node.mark.line else -1
        while (column := line.find(wanted, column + 1)) >= 0:
            if before == 0:
                return Mark(node.mark.file, number, column + 1)
            before -= 1
    return node.mark
