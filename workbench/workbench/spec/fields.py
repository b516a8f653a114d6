"""The declared fields as data: what checks a spec and what writes its JSON Schema both walk these shapes."""

import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import fields as struct_fields


class Text(Struct, frozen=True):
    """Text, of a given pattern if there is one."""

    pattern: str | None = None


class Whole(Struct, frozen=True):
    """An integer within bounds."""

    least: int | None = None
    most: int | None = None


class Number(Struct, frozen=True):
    """Any number."""


class Flag(Struct, frozen=True):
    """True or false."""


class Choice(Struct, frozen=True):
    """One of some words, compared after folding (`lower` or `snake`); `aliases` says which is meant."""

    values: tuple[str, ...]
    fold: str = "lower"
    aliases: tuple[tuple[str, str], ...] = ()


class Table(Struct, frozen=True):
    """A mapping with keys of the user's choosing."""

    key: Text
    value: "Shape"
    nullable: bool = False


class ListOf(Struct, frozen=True):
    """A list."""

    item: "Shape"


class Anything(Struct, frozen=True):
    """Any value that JSON can hold."""


class Record(Struct, frozen=True):
    """A mapping with declared keys, that makes a Struct."""

    type: type[Struct]

    @property
    def fields(self) -> "Mapping[str, Field]":
        """The declared fields that a file may give."""
        return fields_of(self.type)


class Variant(Struct, frozen=True):
    """One of some records, told apart by `type`; `untyped` if that may be left out (then the keys decide)."""

    records: tuple[Record, ...]
    untyped: bool = False


class AnyOf(Struct, frozen=True):
    """One of some shapes, the first that fits."""

    shapes: tuple["Shape", ...]


class Special(Struct, frozen=True):
    """A field with a reader of its own, by name; `shape` is what it declares."""

    reader: str
    shape: "Shape"


Shape = Text | Whole | Number | Flag | Choice | Table | ListOf | Anything | Record | Variant | AnyOf | Special


class Field(Struct, frozen=True):
    """One declared field."""

    name: str
    shape: Shape
    required: bool
    description: str


@cache
def fields_of(kind: type[Struct]) -> Mapping[str, Field]:
    """The fields of a Struct that a file may give, in the order declared."""
    hints = get_type_hints(kind, include_extras=True)
    found: dict[str, Field] = {}
    for info in struct_fields(kind):
        annotation = hints[info.name]
        metas = _metas(annotation)
        if any((meta.extra or {}).get("python_only") for meta in metas):
            continue
        required = info.default is NODEFAULT and info.default_factory is NODEFAULT
        description = next((meta.description for meta in metas if meta.description), "")
        found[info.name] = Field(info.name, shape_of(annotation), required, description)
    return found


def shape_of(annotation: Any) -> Shape:
    """The shape that an annotation declares; None in it only says that the field may be left out."""
    metas = _metas(annotation)
    extra: dict[str, Any] = {}
    for meta in metas:
        extra |= meta.extra or {}
    shape = _bare_shape(_bare(annotation), extra, metas)
    return Special(extra["reader"], shape) if "reader" in extra else shape


def _metas(annotation: Any) -> list[Meta]:
    if get_origin(annotation) is Annotated:
        inner, *rest = get_args(annotation)
        return [item for item in rest if isinstance(item, Meta)] + _metas(inner)
    members = _members(annotation)
    return _metas(members[0]) if len(members) == 1 and members[0] is not annotation else []


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    members = _members(annotation)
    return _bare(members[0]) if len(members) == 1 and members[0] is not annotation else annotation


def _members(annotation: Any) -> list[Any]:
    """The types of a union but None; the annotation alone if it is no union."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [member for member in get_args(annotation) if member is not type(None)]
    return [annotation]


_SIMPLE: dict[Any, Shape] = {str: Text(), int: Whole(), float: Number(), bool: Flag(), Any: Anything()}


def _bare_shape(kind: Any, extra: dict[str, Any], metas: list[Meta]) -> Shape:
    if kind is str:
        return Text(next((meta.pattern for meta in metas if meta.pattern), None))
    if kind is int:
        return Whole(_bound(metas, "ge"), _bound(metas, "le"))
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        aliases = tuple((extra.get("aliases") or {}).items())
        return Choice(arguments, extra.get("fold", "lower"), aliases)
    if origin is dict:
        return _table(*arguments)
    if origin is list:
        return ListOf(shape_of(arguments[0]))
    if isinstance(kind, type) and issubclass(kind, Struct):
        return Record(kind)
    if origin in (Union, types.UnionType):
        return _union(_members(kind), untyped=bool(extra.get("untyped")))
    return Text()  # a path: text in a file


def _bound(metas: list[Meta], name: str) -> int | None:
    return next((int(bound) for meta in metas if (bound := getattr(meta, name)) is not None), None)


def _table(key: Any, value: Any) -> Table:
    key_shape = shape_of(key)
    nullable = any((meta.extra or {}).get("nullable") for meta in _metas(value))
    return Table(key_shape if isinstance(key_shape, Text) else Text(), shape_of(value), nullable)


def _union(members: list[Any], *, untyped: bool) -> Shape:
    shapes = [shape_of(member) for member in members]
    records = tuple(shape for shape in shapes if isinstance(shape, Record))
    if len(records) == len(shapes):
        return Variant(records, untyped)
    return AnyOf(tuple(dict.fromkeys(shapes)))
