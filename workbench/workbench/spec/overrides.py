"""Overrides (`--set inputs.lr=0.1`): fields of a spec set from outside, applied to its tree."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from workbench_store.interrupts import load_whole

from workbench.spec.expressions import references
from workbench.spec.problems import Problem, nearest_name
from workbench.spec.tree import Entry, MapNode, Mark, Node, Scalar, from_python, make_mapping, make_sequence


class Override(NamedTuple):
    """A dotted path and the value to set there; the marks of `value` name the override."""

    path: tuple[str, ...]
    value: Node


class BadOverride(Exception):
    """An override cannot be read or applied; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def parse_overrides(texts: Iterable[str | Mapping[str, object]]) -> list[Override]:
    """Overrides as `KEY=VALUE` texts or as mappings from dotted keys to values. Raises BadOverride.

    The value of a text is a YAML scalar, but fields that hold text take it as it stands; quoted text, `[...]` and
    `{...}` are YAML too.
    """
    found: list[Override] = []
    for item in texts:
        if isinstance(item, str):
            found.append(_from_text(item))
        else:
            found.extend(_from_mapping(item))
    return found


def _from_text(text: str) -> Override:
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        message = "must be KEY=VALUE with a dotted key, for example inputs.lr=0.1"
        raise BadOverride(Problem(f"--set {text}", 0, 0, "", message))
    return Override(tuple(key.split(".")), _value(value, Mark(f"--set {text}")))


def _value(text: str, mark: Mark) -> Node:
    load_whole("yaml")
    from workbench.spec.yamltext import BadYaml, parse_yaml, resolve_scalar

    if text[:1] in ("'", '"', "[", "{"):
        try:
            node, repeated = parse_yaml(text, mark.file)
        except BadYaml:
            return Scalar(mark, text, text)
        if repeated:
            raise BadOverride(Problem(mark.file, 0, 0, "", repeated[0].message.partition(";")[0]))
        return Scalar(mark, None, text) if node is None else _moved(node, mark)
    return Scalar(mark, resolve_scalar(text), text, bare=True)


def _moved(node: Node, mark: Mark) -> Node:
    """The node with every mark replaced: a place within the argument helps nobody."""
    if isinstance(node, Scalar):
        return Scalar(mark, node.value, node.text)
    if isinstance(node, MapNode):
        return make_mapping(mark, tuple(Entry(entry.key, mark, _moved(entry.value, mark)) for entry in node.entries))
    return make_sequence(mark, tuple(_moved(item, mark) for item in node.items))


def _from_mapping(given: Mapping[str, object]) -> list[Override]:
    return [
        Override(tuple(str(key).split(".")), from_python(value, Mark(f"params_override {key}")))
        for key, value in given.items()
    ]


def apply_overrides(root: MapNode, overrides: Iterable[Override]) -> MapNode:
    """The tree with the overrides in place. Raises BadOverride for a path through something else."""
    for override in overrides:
        root = _set(root, override.path, override, ())
    return root


def _set(node: Node, path: tuple[str, ...], override: Override, above: tuple[str, ...]) -> MapNode:
    mark = override.value.mark
    if isinstance(node, Scalar) and node.value is None:
        node = make_mapping(node.mark, ())
    if not isinstance(node, MapNode):
        here = ".".join(above)
        message = f"{here} is not a mapping, so {'.'.join(override.path)} cannot be set"
        raise BadOverride(Problem(mark.file, 0, 0, ".".join(override.path), message))
    name, rest = path[0], path[1:]
    old = node.get(name)
    value = override.value
    if rest:
        value = _set(old or make_mapping(mark, ()), rest, override, (*above, name))
    if old is None:
        return make_mapping(node.mark, (*node.entries, Entry(name, mark, value)))
    # The key is marked as the override's only if its whole value is.
    entries = tuple(
        Entry(entry.key, entry.mark if rest else mark, value) if entry.key == name else entry for entry in node.entries
    )
    return make_mapping(node.mark, entries)


def override_problems(root: MapNode, overrides: Iterable[Override]) -> Iterator[Problem]:
    """Slips of the pen in what sets inputs of the job in the file, `root`."""
    given = list(overrides)
    yield from _stray_inputs(root, given)
    yield from _data_made_text(root, given)


def _data_made_text(root: MapNode, given: list[Override]) -> Iterator[Problem]:
    """Data of the file that a plain value is to stand in place of: the job would be given the words, not the data."""
    inputs = root.get("inputs")
    declared = {str(entry.key): entry.value for entry in inputs.entries} if isinstance(inputs, MapNode) else {}
    for path, value in given:
        if path[:-1] == ("inputs",) and isinstance(declared.get(path[-1]), MapNode) and isinstance(value, Scalar):
            message = f"is data in the file, and would be plain text; to read other data, set inputs.{path[-1]}.path"
            yield Problem(value.mark.file, 0, 0, ".".join(path), message)


def _stray_inputs(root: MapNode, given: list[Override]) -> Iterator[Problem]:
    """Inputs that are set and that the job neither declares nor uses.

    What is used is told by the command, also if that is set from outside.
    """
    inputs, command = root.get("inputs"), apply_overrides(root, given).get("command")
    known = {str(entry.key): None for entry in inputs.entries} if isinstance(inputs, MapNode) else {}
    text = command.value if isinstance(command, Scalar) else ""
    used = {one.name: None for one in references(text) if one.scope == "inputs"} if isinstance(text, str) else {}
    allowed = tuple(known | used)
    for override in given:
        if len(override.path) > 1 and override.path[0] == "inputs" and override.path[1] not in allowed:
            name, mark = override.path[1], override.value.mark
            message = "the job has no such input: the file does not declare it, and the command does not use it"
            yield Problem(mark.file, 0, 0, f"inputs.{name}", message, allowed, nearest_name(name, allowed))
