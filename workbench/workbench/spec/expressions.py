"""Expressions in a command: `${{inputs.x}}`, `${{outputs.x}}`, and `$[[ ... ]]` around what is optional."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from workbench_store.errors import SpecError

from workbench.spec.problems import nearest_name
from workbench.spec.quoting import in_place

_EXPRESSION = re.compile(r"\$\{\{\s*([^{}]*?)\s*\}\}")
#: One that is not closed, with the word that it begins with.
_OPENED = re.compile(r"\$\{\{\s{0,10}[\w.]{0,80}")
_PORT = re.compile(r"(inputs|outputs)\.([^\s.]+)")
_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)

_BELONGS_TO = {
    "search_space": "a sweep job",
    "parent": "a step of a pipeline job",
    "name": "the path of an output",
    "output_name": "the path of an output",
    "default_datastore": "the path of an output",
}


class Reference(NamedTuple):
    """One expression in a text.

    scope: `inputs` or `outputs`; otherwise empty, and `name` is the whole expression.
    text: as written. start: its offset. optional: whether it stands in `$[[ ... ]]`.
    """

    scope: str
    name: str
    text: str
    start: int
    optional: bool


def references(text: str) -> list[Reference]:
    """Every expression in `text`, in order."""
    optional = [match.span() for match in _OPTIONAL.finditer(text)]
    found = []
    for match in _EXPRESSION.finditer(text):
        port = _PORT.fullmatch(match[1])
        scope, name = (port[1], port[2]) if port else ("", match[1])
        inside = any(start < match.start() < end for start, end in optional)
        found.append(Reference(scope, name, match[0], match.start(), inside))
    return found


def unclosed(text: str) -> tuple[str, int] | None:
    """The beginning of the first `${{` without its `}}`, as written, and how many such stand before it; None if there
    is none."""
    left = _OPENED.search(_EXPRESSION.sub(lambda match: " " * len(match[0]), text))
    if left is None:
        return None
    written = text[left.start() : left.end()][: len(left[0].rstrip())]  # not a part of the next one
    return written, text[: left.start()].count(written)


def has_open_optional(text: str) -> bool:
    """Whether a `$[[` has no `]]` behind it."""
    return "$[[" in _OPTIONAL.sub("", text)


def resolve_command(
    text: str, inputs: Mapping[str, str], outputs: Mapping[str, str], paths: Collection[str] = ()
) -> str:
    """The command with each expression replaced by its text, literally: quoting is the command's own affair, but for
    paths (those of outputs and of the inputs named in `paths`), which stay one word whatever they hold.

    `$[[ ... ]]` loses its brackets if everything in it has a value, and goes altogether otherwise.
    Raises SpecError for a reference without a value outside such brackets.
    """
    values = {("inputs", name): value for name, value in inputs.items()}
    values |= {("outputs", name): value for name, value in outputs.items()}

    def kept(match: re.Match[str]) -> str:
        wanted = references(match[1])
        return match[1] if all((item.scope, item.name) in values for item in wanted) else ""

    def value(match: re.Match[str]) -> str:
        (item,) = references(match[0])
        if (item.scope, item.name) not in values:
            raise SpecError(f"the command refers to {item.text}, which has no value", remedy="Declare it.")
        found = values[item.scope, item.name]
        is_path = item.scope == "outputs" or item.name in paths
        return in_place(found, match.string[: match.start()]) if is_path else found

    return _EXPRESSION.sub(value, _OPTIONAL.sub(kept, text))


#: What may stand in the path of an output, each with a value that stands for it while only its form is looked at.
EXAMPLE_VALUES = {"name": "run", "output_name": "output", "default_datastore": "workspaceblobstore"}


def expand_path(text: str, values: Mapping[str, str]) -> str:
    """An output's path with `${{name}}`, `${{output_name}}` and `${{default_datastore}}` replaced; others stay."""
    return _EXPRESSION.sub(lambda match: values.get(match[1], match[0]), text)


def path_findings(text: str) -> Iterator[tuple[str, str | None]]:
    """What is wrong with the expressions in an output's path: the message, and the one probably meant."""
    for item in references(text):
        name = f"{item.scope}.{item.name}" if item.scope else item.name
        if name not in EXAMPLE_VALUES:
            nearest = nearest_name(name, EXAMPLE_VALUES)
            yield f"{item.text} is no expression of an output's path", f"${{{{{nearest}}}}}" if nearest else None


def misplaced(name: str) -> str:
    """Why the expression `name`, which is no input or output, cannot stand in the command."""
    owner = _BELONGS_TO.get(name.split(".")[0])
    if owner:
        return f"${{{{{name}}}}} belongs to {owner}; a command job has inputs and outputs only"
    return f"${{{{{name}}}}} is no expression; a command has ${{{{inputs.NAME}}}} and ${{{{outputs.NAME}}}}"
