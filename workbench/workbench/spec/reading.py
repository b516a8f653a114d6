"""Trees read into declared shapes, with every problem noted and none raised."""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from workbench.spec.fields import (
    AnyOf,
    Anything,
    Choice,
    Field,
    Flag,
    ListOf,
    Number,
    Record,
    Shape,
    Special,
    Table,
    Text,
    Variant,
    Whole,
)
from workbench.spec.job import READ_ONLY
from workbench.spec.problems import Problem, Severity, nearest_name
from workbench.spec.tree import Entry, ListNode, MapNode, Mark, Node, Scalar, describe, plain


class _Invalid:
    """What is read where a problem was noted."""


INVALID: Final = _Invalid()
Reader = Callable[[Shape, Node, str, "Context"], Any]


class Context(Struct):
    """What reading one spec gathers.

    base_dir: what relative paths are relative to. places: the node of each field read, by dotted path.
    readers: how to read the fields that have a reader of their own. partial: what could be read of records that could
    not be read whole, by dotted path.
    """

    base_dir: Path
    readers: Mapping[str, Reader]
    problems: list[Problem] = []
    places: dict[str, Node] = {}
    partial: dict[str, dict[str, Any]] = {}

    def note(
        self,
        mark: Mark,
        path: str,
        message: str,
        *,
        allowed: tuple[str, ...] = (),
        nearest: str | None = None,
        severity: Severity = "error",
    ) -> _Invalid:
        """Note a problem; returns INVALID, so that a reader can return what this returns."""
        self.problems.append(
            Problem(mark.file, mark.line, mark.column, _short(path), _short(message), allowed, nearest, severity)
        )
        return INVALID


def _short(text: str) -> str:
    return text if len(text) <= 400 else text[:400] + "…"


def read(shape: Shape, node: Node, path: str, context: Context) -> Any:
    """The value of `node` as `shape`, or INVALID after noting why it is none."""
    context.places[path] = node
    if isinstance(shape, Special):
        return context.readers[shape.reader](shape.shape, node, path, context)
    return read_declared(shape, node, path, context)


def read_declared(shape: Shape, node: Node, path: str, context: Context) -> Any:
    """As `read`, by the declared shape alone."""
    if is_null(node) and not isinstance(shape, Anything):
        return context.note(node.mark, path, "may not be null; leave the key out, or write '' for empty text")
    return _READERS[type(shape)](shape, node, path, context)


def is_null(node: Node) -> bool:
    """Whether the node is an explicit or empty null."""
    return isinstance(node, Scalar) and node.value is None


def _wrong(expected: str, node: Node, path: str, context: Context) -> _Invalid:
    hint = ""
    if expected == "text" and isinstance(node, Scalar):
        shown = node.text if len(node.text) <= 40 else node.text[:40] + "…"
        hint = f' (quote it to make it text: "{shown}")'
    return context.note(node.mark, path, f"must be {expected}, not {describe(node)}{hint}")


def _text(shape: Text, node: Node, path: str, context: Context) -> Any:
    value = _text_of(node)
    if value is None:
        return _wrong("text", node, path, context)
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        message = "contains a null or half a character, which no program can be given"
        return context.note(node.mark, path, message)
    if shape.pattern and not re.search(shape.pattern.replace("$", r"\Z"), value):
        return context.note(node.mark, path, f"{value!r} does not fit the pattern {shape.pattern}")
    return value


def _text_of(node: Node) -> str | None:
    if not isinstance(node, Scalar):
        return None
    if isinstance(node.value, str):
        return node.value
    return node.text if node.bare and node.value is not None else None


def _whole(shape: Whole, node: Node, path: str, context: Context) -> Any:
    number = _as_whole(node.value) if isinstance(node, Scalar) else None
    if number is None:
        return _wrong("an integer", node, path, context)
    if shape.least is not None and number < shape.least:
        return context.note(node.mark, path, f"must be at least {shape.least}, not {number}")
    if (shape.most is not None and number > shape.most) or abs(number) >= 2**63:
        return context.note(node.mark, path, f"must be at most {shape.most or 2**63 - 1}")
    return number


def _as_whole(value: object) -> int | None:
    """An integer, a float without a fraction or the text of an integer, as marshmallow takes them."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,20}", value):
        return int(value)
    return None


def _number(_shape: Number, node: Node, path: str, context: Context) -> Any:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return _wrong("a finite number", node, path, context)
    return value


_TRUE = frozenset({"t", "true", "on", "y", "yes", "1"})
_FALSE = frozenset({"f", "false", "off", "n", "no", "0"})


def _flag(_shape: Flag, node: Node, path: str, context: Context) -> Any:
    value = node.value if isinstance(node, Scalar) else None
    word = str(value).lower() if isinstance(value, bool | int | str) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    return _wrong("true or false", node, path, context)


def fold(word: str, how: str) -> str:
    """A word as choices compare it: in lower case, or with `snake` also CamelCase as snake_case."""
    if how == "snake":
        word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", word)
    return word.lower()


def _choice(shape: Choice, node: Node, path: str, context: Context) -> Any:
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        message = f"must be one of the allowed values, not {describe(node)}"
        return context.note(node.mark, path, message, allowed=shape.values)
    word = fold(node.value, shape.fold)
    if word not in shape.values:
        nearest = nearest_name(word, shape.values)
        message = f"{node.value!r} is not an allowed value"
        return context.note(node.mark, path, message, allowed=shape.values, nearest=nearest)
    return dict(shape.aliases).get(word, word)


def _table(shape: Table, node: Node, path: str, context: Context) -> Any:
    if not isinstance(node, MapNode):
        return _wrong("a mapping", node, path, context)
    read_entries: dict[str, Any] = {}
    for entry in node.entries:
        below = f"{path}.{entry.key}"
        key = _text(shape.key, Scalar(entry.mark, entry.key, str(entry.key)), below, context)
        if shape.nullable and is_null(entry.value):
            value: Any = None
        else:
            value = read(shape.value, entry.value, below, context)
        if key is not INVALID:
            read_entries[key] = None if value is INVALID else value
    return read_entries


def _list(shape: ListOf, node: Node, path: str, context: Context) -> Any:
    if not isinstance(node, ListNode):
        return _wrong("a list", node, path, context)
    items = [read(shape.item, item, f"{path}[{index}]", context) for index, item in enumerate(node.items)]
    return [item for item in items if item is not INVALID]


def _anything(_shape: Anything, node: Node, path: str, context: Context) -> Any:
    odd = _not_json(node)
    if odd is None:
        return plain(node)
    return context.note(odd.mark, path, f"holds {describe(odd)}; quote it to make it text")


def _not_json(node: Node) -> Node | None:
    """The first node below that JSON has no value for."""
    if isinstance(node, Scalar):
        finite = not isinstance(node.value, float) or math.isfinite(node.value)
        return None if isinstance(node.value, str | int | float | None) and finite else node
    if isinstance(node, ListNode):
        return next((odd for item in node.items if (odd := _not_json(item))), None)
    return next((odd for entry in node.entries if (odd := _odd_entry(entry))), None)


def _odd_entry(entry: Entry) -> Node | None:
    if isinstance(entry.key, str):
        return _not_json(entry.value)
    return Scalar(entry.mark, entry.key, str(entry.key))


def _any_of(shape: AnyOf, node: Node, path: str, context: Context) -> Any:
    """The first shape that fits; if none does, what is wrong with it as the shape of its kind."""
    attempts: list[list[Problem]] = []
    for candidate in shape.shapes:
        attempt = Context(context.base_dir, context.readers)
        value = read(candidate, node, path, attempt)
        if not attempt.problems:
            return value
        attempts.append(attempt.problems)
    kinds = " or ".join(_NAMES.get(type(candidate), "something else") for candidate in shape.shapes)
    deeper = next((found for found in attempts if found[0].path != path), None)
    if deeper:
        context.problems.extend(deeper)
        return INVALID
    return _wrong(kinds, node, path, context)


_NAMES: dict[type, str] = {Text: "text", ListOf: "a list", Table: "a mapping", Record: "a mapping"}


def _variant(shape: Variant, node: Node, path: str, context: Context) -> Any:
    if not isinstance(node, MapNode):
        return _wrong("a mapping", node, path, context)
    record = _pick(shape, node, path, context)
    return INVALID if record is None else read(record, node, path, context)


def _pick(shape: Variant, node: MapNode, path: str, context: Context) -> Record | None:
    choices = {record: record.fields["type"].shape for record in shape.records}
    words = tuple(word for kind in choices.values() if isinstance(kind, Choice) for word in kind.values)
    given = node.get("type")
    if given is None:
        if shape.untyped:
            keys = {entry.key for entry in node.entries}
            return next((record for record in shape.records if keys <= set(record.fields)), shape.records[0])
        context.note(node.mark, path, "type is required", allowed=words)
        return None
    word = given.value if isinstance(given, Scalar) else None
    for record, kind in choices.items():
        if isinstance(kind, Text) or (isinstance(kind, Choice) and _is_meant(kind, word)):
            return record
    nearest = nearest_name(word, words) if isinstance(word, str) else None
    message = f"{word!r} is not an allowed value" if word is not None else "must be one of the allowed values"
    context.note(given.mark, f"{path}.type", message, allowed=words, nearest=nearest)
    return None


def _is_meant(kind: Choice, word: object) -> bool:
    return isinstance(word, str) and fold(word, kind.fold) in kind.values


def _record(shape: Record, node: Node, path: str, context: Context) -> Any:
    if not isinstance(node, MapNode):
        return _wrong("a mapping", node, path, context)
    values = read_fields(shape, node, path, context)
    # Without one of its fields a record would be judged by that field's default, and blamed for it.
    wanted = {entry.key for entry in node.entries if entry.key in shape.fields}
    wanted |= {name for name, declared in shape.fields.items() if declared.required}
    if wanted == set(values):
        return shape.type(**values)
    context.partial[path] = values
    return INVALID


def read_fields(shape: Record, node: MapNode, path: str, context: Context) -> dict[str, Any]:
    """The valid fields of a mapping; unknown and missing keys are noted, read-only ones passed over."""
    declared = shape.fields
    passed_over = READ_ONLY.get(shape.type.__name__, frozenset())
    values: dict[str, Any] = {}
    given: set[object] = set()
    for entry in node.entries:
        given.add(entry.key)
        below = f"{path}.{entry.key}" if path else str(entry.key)
        if entry.key in declared:
            value = read(declared[str(entry.key)].shape, entry.value, below, context)
            if value is not INVALID:
                values[str(entry.key)] = value
        elif entry.key not in passed_over:
            _unknown_key(entry, below, declared, context)
    for name, declaration in declared.items():
        if declaration.required and name not in given:
            context.note(node.mark, f"{path}.{name}" if path else name, "is required")
    return values


def _unknown_key(entry: Entry, path: str, declared: Mapping[str, Field], context: Context) -> None:
    allowed = tuple(declared)
    message = f"{str(entry.key)!r} is not a field that is known here"
    # Looking for the nearest name costs: a file of nothing but wrong keys must not take minutes.
    nearest = nearest_name(str(entry.key), allowed) if len(context.problems) < 100 else None
    context.note(entry.mark, path, message, allowed=allowed, nearest=nearest)


_READERS: dict[type, Callable[..., Any]] = {
    Text: _text,
    Whole: _whole,
    Number: _number,
    Flag: _flag,
    Choice: _choice,
    Table: _table,
    ListOf: _list,
    Anything: _anything,
    AnyOf: _any_of,
    Variant: _variant,
    Record: _record,
}
