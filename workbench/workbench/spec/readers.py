"""Readers of the fields that are more than their type: paths, environments, inputs and outputs, computes."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from workbench.spec.environments import Environment
from workbench.spec.expressions import EXAMPLE_VALUES, expand_path, path_findings
from workbench.spec.fields import Anything, Record, Shape, Text
from workbench.spec.files import Unreadable, read_yaml_file
from workbench.spec.paths import is_remote, local
from workbench.spec.places import PLACE_FORMS, Asset, BadPlace, JobOutput, parse_place, unknown_scheme
from workbench.spec.ports import Input, Output, literal_text
from workbench.spec.reading import INVALID, Context, Reader, fold, is_null, read, read_declared
from workbench.spec.tree import MapNode, Node, Scalar, describe

# Compiled when first used: whoever submits waits for what is loaded.
_NAMED = r"^azureml:(?!/)[^:@/\s]+(:[^:@/\s]+|@[^:@/\s]+)?$"
_REGISTRY = r"^azureml://registries/[^/\s]+/environments/[^/\s]+(/(versions|labels)/[^/\s]+)?$"
_ARM = r"^azureml:/{0,2}(subscriptions|locations)/\S+/environments/[^/\s]+(/(versions|labels)/[^/\s]+)?$"
ENVIRONMENT_FORMS = (
    "azureml:NAME:VERSION",
    "azureml:NAME@LABEL",
    "azureml://registries/REGISTRY/environments/NAME/versions/VERSION",
    "azureml://registries/REGISTRY/environments/NAME/labels/LABEL",
    "file:FILE.yml",
    "a mapping with image, build or conda_file",
)
_CODE_SCHEMES = ("git+", "azureml:", "https://", "http://", "ftp://", "ftps://")
_CODE_FORMS = (
    "a local path",
    "git+https://...",
    "https://...",
    "azureml:NAME:VERSION",
    "azureml://registries/...",
)


def _text(node: Node, path: str, context: Context) -> Any:
    return read_declared(Text(), node, path, context)


def _code(_shape: Shape, node: Node, path: str, context: Context) -> Any:
    text = _text(node, path, context)
    if text is INVALID:
        return INVALID
    if not is_remote(text):
        return local(text, context.base_dir)
    if text.startswith(_CODE_SCHEMES):
        return text
    return context.note(node.mark, path, f"{text!r} is no place that code can come from", allowed=_CODE_FORMS)


def _compute(_shape: Shape, node: Node, path: str, context: Context) -> Any:
    text = _text(node, path, context)
    if text is INVALID:
        return INVALID
    name = text.removeprefix("azureml:").strip()
    if not name:
        return context.note(node.mark, path, "is empty; leave it out to mean local")
    return "local" if name.lower() == "local" else name


def _version(shape: Shape, node: Node, path: str, context: Context) -> Any:
    if isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        node = Scalar(node.mark, str(node.value), node.text)
    return read_declared(shape, node, path, context)


def _variable(_shape: Shape, node: Node, path: str, context: Context) -> Any:
    if isinstance(node, Scalar) and isinstance(node.value, bool | int | float) and not node.bare:
        return literal_text(node.value)
    return _text(node, path, context)


def _raw(_shape: Shape, node: Node, path: str, context: Context) -> Any:
    return read_declared(Anything(), node, path, context)


def _input(_shape: Shape, node: Node, path: str, context: Context) -> Any:
    if not isinstance(node, MapNode):
        return _literal(node, path, context)
    if [entry.key for entry in node.entries] == ["value"]:
        return _literal(node.entries[0].value, f"{path}.value", context)
    return read(Record(Input), node, path, context)


def _literal(node: Node, path: str, context: Context) -> Any:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, float) and not math.isfinite(value):
        return context.note(node.mark, path, "must be a finite number; quote it to pass the text")
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) or is_null(node):
        return _text(node, path, context)
    hint = f' (quote it to make it text: "{node.text}")' if isinstance(node, Scalar) else ""
    message = f"must be text, a number, a boolean or data, not {describe(node)}{hint}"
    return context.note(node.mark, path, message)


def _input_mode(_shape: Shape, node: Node, path: str, context: Context) -> Any:
    """Any word: which ones will do depends on the type of the input, so `check_inputs` judges it."""
    text = _text(node, path, context)
    return text if text is INVALID else fold(text, "lower")


def _output(_shape: Shape, node: Node, path: str, context: Context) -> Any:
    return Output() if is_null(node) else read(Record(Output), node, path, context)


def _local_or_remote(_shape: Shape, node: Node, path: str, context: Context) -> Any:
    text = _text(node, path, context)
    if text is INVALID or is_remote(text):
        return text
    if not text.strip():
        return context.note(node.mark, path, "is empty")
    return str(local(text, context.base_dir))


def _input_path(shape: Shape, node: Node, path: str, context: Context) -> Any:
    text = _local_or_remote(shape, node, path, context)
    return text if text is INVALID or not is_remote(text) else _checked_uri(text, text, node, path, context)


def _output_path(shape: Shape, node: Node, path: str, context: Context) -> Any:
    text = _text(node, path, context)
    if text is INVALID:
        return INVALID
    for message, nearest in path_findings(text):
        return context.note(node.mark, path, message, allowed=tuple(EXAMPLE_VALUES), nearest=nearest)
    if not is_remote(text):
        return _local_or_remote(shape, node, path, context)
    expanded = expand_path(text, EXAMPLE_VALUES)
    if _checked_uri(text, expanded, node, path, context) is INVALID:
        return INVALID
    if isinstance(parse_place(expanded), Asset | JobOutput):
        hint = "leave path out and say `name:` to register the output, or name a datastore"
        return context.note(node.mark, path, f"nothing is written to {text!r}; {hint}")
    return text


def _checked_uri(text: str, meant: str, node: Node, path: str, context: Context) -> Any:
    try:
        parse_place(meant)
    except BadPlace as error:
        return context.note(node.mark, path, error.message, allowed=PLACE_FORMS, nearest=error.nearest)
    odd = unknown_scheme(meant)
    if odd:
        message = f"{odd[0]}: is no scheme that is known; it is tried if fsspec has it"
        context.note(node.mark, path, message, nearest=f"{odd[1]}:", severity="warning")
    return text


def _conda_file(shape: Shape, node: Node, path: str, context: Context) -> Any:
    if isinstance(node, MapNode):
        return _raw(shape, node, path, context)
    return _local_or_remote(shape, node, path, context)


def _environment(_shape: Shape, node: Node, path: str, context: Context) -> Any:
    if isinstance(node, MapNode):
        return read(Record(Environment), node, path, context)
    text = _text(node, path, context)
    if text is INVALID:
        return INVALID
    if text.startswith("file:"):
        return _environment_file(text, node, path, context)
    if re.match(_NAMED, text) and not re.search("[:@]", text.removeprefix("azureml:")):
        message = f"{text!r} has no version and no label"
        return context.note(node.mark, path, message, allowed=ENVIRONMENT_FORMS[:2], nearest=f"{text}@latest")
    if re.match(_NAMED, text) or re.match(_REGISTRY, text) or re.match(_ARM, text):
        return text
    bare = re.fullmatch(r"[\w.-]+([:@][\w.-]+)?", text)
    nearest = f"azureml:{text}" if bare and bare[1] else f"azureml:{text}@latest" if bare else None
    message = f"{text!r} is not how an environment is written"
    return context.note(node.mark, path, message, allowed=ENVIRONMENT_FORMS, nearest=nearest)


def _environment_file(text: str, node: Node, path: str, context: Context) -> Any:
    file = local(text, context.base_dir)
    try:
        _, tree = read_yaml_file(file)
    except Unreadable as error:
        if not error.problem.line:
            return context.note(node.mark, path, f"{file}: {error.problem.message}")
        context.problems.append(error.problem)
        return INVALID
    if not isinstance(tree, MapNode):
        return context.note(node.mark, path, f"{file} does not hold a mapping")
    inner = Context(file.parent, context.readers, context.problems, context.places, context.partial)
    return read(Record(Environment), tree, path, inner)


READERS: Final[Mapping[str, Reader]] = {
    "code": _code,
    "compute": _compute,
    "version": _version,
    "variable": _variable,
    "raw": _raw,
    "input": _input,
    "output": _output,
    "input_mode": _input_mode,
    "input_path": _input_path,
    "output_path": _output_path,
    "build_path": _local_or_remote,
    "conda_file": _conda_file,
    "environment": _environment,
}


def new_context(base_dir: Path) -> Context:
    """A context for one spec whose relative paths start at `base_dir`."""
    return Context(base_dir, READERS)
