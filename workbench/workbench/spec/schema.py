"""The JSON Schema of a job file, for editors, out of the declared fields."""

import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from workbench.spec.environments import Environment
from workbench.spec.fields import (
    AnyOf,
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
from workbench.spec.job import READ_ONLY, CommandJob
from workbench.spec.ports import INPUT_MODES, Input

Schema = dict[str, Any]
#: An asset is named with a version or a label.
NAMED_WHOLE = "^(?!azureml:(?!/)[^:@]*$)"
_LITERAL: Schema = {"type": ["string", "number", "boolean"]}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a command job file.

    Editors complete and check with it; `check_job` judges: paths and references are beyond a schema.
    """
    definitions: dict[str, Schema] = {}
    root = _record_body(CommandJob, definitions)
    described = root["properties"]["type"]
    root["properties"]["type"] = {"description": described["description"], "enum": ["command"]}  # in no other letters
    return {"$schema": DIALECT, "title": "Command job", **root, "$defs": definitions}


def _record_body(kind: type[Struct], definitions: dict[str, Schema]) -> Schema:
    fields = Record(kind).fields
    properties = {name: _field(declared, definitions) for name, declared in fields.items()}
    for name in sorted(READ_ONLY.get(kind.__name__, frozenset())):
        properties[name] = {"description": "Passed over."} if name != "$schema" else {"type": "string"}
    body: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    required = [name for name, declared in fields.items() if declared.required]
    if required:
        body["required"] = required
    summary = (kind.__doc__ or "").strip().splitlines()
    return {"description": summary[0], **body} if summary else body


def _field(declared: Field, definitions: dict[str, Schema]) -> Schema:
    schema = _schema(declared.shape, definitions)
    return {"description": declared.description, **schema} if declared.description else schema


def _schema(shape: Shape, definitions: dict[str, Schema]) -> Schema:
    if isinstance(shape, Special):
        return _special(shape, definitions)
    if isinstance(shape, Record):
        return _reference(shape.type, definitions)
    if isinstance(shape, Table):
        return _table(shape, definitions)
    if isinstance(shape, ListOf):
        return {"type": "array", "items": _schema(shape.item, definitions)}
    if isinstance(shape, Variant):
        return {"anyOf": [_variant(record, shape, definitions) for record in shape.records]}
    if isinstance(shape, AnyOf):
        return {"anyOf": [_schema(member, definitions) for member in shape.shapes]}
    return _simple(shape)


def _simple(shape: Shape) -> Schema:
    if isinstance(shape, Text):
        return {"type": "string", "pattern": shape.pattern} if shape.pattern else {"type": "string"}
    if isinstance(shape, Whole):
        bounds = {"minimum": shape.least, "maximum": shape.most}
        number = {"type": "integer"} | {name: bound for name, bound in bounds.items() if bound is not None}
        return {"anyOf": [number, {"type": "string", "pattern": "^[+-]?[0-9]{1,20}$"}]}  # as upstream takes it
    if isinstance(shape, Number):
        return {"type": "number"}
    if isinstance(shape, Flag):
        return {"type": "boolean"}
    return _choice(shape.values, shape.fold) if isinstance(shape, Choice) else {}


def _choice(values: Iterable[str], fold: str = "") -> Schema:
    """The words that editors offer, and the same in other letters, as `reading.fold` takes them."""
    gap = "_?" if fold == "snake" else "_"
    return {
        "anyOf": [
            {"enum": list(values)},
            {"type": "string", "pattern": f"^({'|'.join(map(_any_case, values))})$".replace("_", gap)},
        ]
    }


def _any_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else re.escape(letter) for letter in word)


def _table(shape: Table, definitions: dict[str, Schema]) -> Schema:
    value = _schema(shape.value, definitions)
    if shape.nullable:
        value = {"anyOf": [value, {"type": "null"}]}
    schema: Schema = {"type": "object", "additionalProperties": value}
    if shape.key.pattern:
        schema["propertyNames"] = {"pattern": shape.key.pattern}
    return schema


def _reference(kind: type[Struct], definitions: dict[str, Schema]) -> Schema:
    name = kind.__name__
    if name not in definitions:
        definitions[name] = {}
        definitions[name] = _record_body(kind, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _variant(record: Record, shape: Variant, definitions: dict[str, Schema]) -> Schema:
    reference = _reference(record.type, definitions)
    if not shape.untyped:
        definitions[record.type.__name__]["required"] = ["type"]
    return reference


def _special(shape: Special, definitions: dict[str, Schema]) -> Schema:
    if shape.reader == "input":
        return _input(definitions)
    if shape.reader == "output":
        output = _schema(shape.shape, definitions)
        definitions["Output"]["dependentRequired"] = {"version": ["name"]}
        return {"anyOf": [output, {"type": "null"}]}
    if shape.reader == "environment":
        named = {"type": "string", "pattern": "^(azureml|file):.+"}
        return {"anyOf": [named, _reference(Environment, definitions)]}
    if shape.reader == "conda_file":
        return {"anyOf": [{"type": "string"}, {"type": "object"}]}
    if shape.reader == "input_mode":
        return _schema(shape.shape, definitions)
    if shape.reader == "input_path":
        return {"type": "string", "pattern": NAMED_WHOLE}
    if shape.reader == "version":
        return {**_schema(shape.shape, definitions), "type": ["string", "number"]}
    if shape.reader == "variable":
        return dict(_LITERAL)
    return {"type": "string"} if shape.reader != "raw" else {}


def _input(definitions: dict[str, Schema]) -> Schema:
    """A literal, `{value: literal}`, or data whose mode is one that its type takes."""
    reference = _reference(Input, definitions)
    definitions["Input"]["allOf"] = [
        {
            "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
            "then": {"properties": {"mode": _choice(modes)}},
        }
        for kind, modes in INPUT_MODES.items()
    ]
    value: Schema = {
        "type": "object",
        "properties": {"value": dict(_LITERAL)},
        "required": ["value"],
        "additionalProperties": False,
    }
    return {"anyOf": [dict(_LITERAL), value, reference]}
