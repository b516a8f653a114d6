"""A job file as a tree whose every node knows where it stands; Python values become the same tree."""

from collections.abc import Iterator, Mapping
from os import PathLike, fspath

from msgspec import Struct


class Mark(Struct, frozen=True):
    """Where something stands: `line` and `column` count from 1, and are 0 where there is no file."""

    file: str
    line: int = 0
    column: int = 0


class Scalar(Struct, frozen=True):
    """A single value: str, int, float, bool, None, bytes, or a date or time as YAML 1.1 reads them.

    text: what was written; end: the line (from 1) of the file where it ends, 0 without a file; bare: it comes from a
    command line, where quotes are the shell's, so that it is text wherever text is wanted.
    """

    mark: Mark
    value: object
    text: str = ""
    end: int = 0
    size: int = 1
    depth: int = 1
    bare: bool = False


class ListNode(Struct, frozen=True):
    """A list."""

    mark: Mark
    items: tuple["Node", ...]
    size: int
    depth: int


class Entry(Struct, frozen=True):
    """A key of a mapping, where the key stands, and its value."""

    key: object
    mark: Mark
    value: "Node"


class MapNode(Struct, frozen=True):
    """A mapping, its entries in the order written, keys unique, merge keys (`<<`) already merged."""

    mark: Mark
    entries: tuple[Entry, ...]
    size: int
    depth: int

    def get(self, key: str) -> "Node | None":
        """The value of `key`, or None."""
        return next((entry.value for entry in self.entries if entry.key == key), None)


Node = Scalar | ListNode | MapNode
"""`size` counts a node and all below it, aliases as often as used; `depth` is the longest way down."""


def make_sequence(mark: Mark, items: tuple[Node, ...]) -> ListNode:
    """A list of these nodes."""
    return ListNode(mark, items, 1 + sum(item.size for item in items), 1 + _deepest(items))


def make_mapping(mark: Mark, entries: tuple[Entry, ...]) -> MapNode:
    """A mapping of these entries."""
    values = tuple(entry.value for entry in entries)
    return MapNode(mark, entries, 1 + sum(value.size + 1 for value in values), 1 + _deepest(values))


def _deepest(nodes: tuple[Node, ...]) -> int:
    return max((node.depth for node in nodes), default=0)


def plain(node: Node) -> object:
    """The node as dict, list and scalars."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return {entry.key: plain(entry.value) for entry in node.entries}


def from_python(value: object, mark: Mark) -> Node:
    """The tree of a Python value (mappings, lists, paths and scalars), all of it at `mark`."""
    if isinstance(value, Mapping):
        return make_mapping(mark, tuple(Entry(key, mark, from_python(item, mark)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return make_sequence(mark, tuple(from_python(item, mark) for item in value))
    if isinstance(value, PathLike):
        value = fspath(value)
    return Scalar(mark, value, text=str(value))


def describe(node: Node) -> str:
    """What kind of thing the node is, in the words of YAML, for messages."""
    if isinstance(node, ListNode):
        return "a list"
    if isinstance(node, MapNode):
        return "a mapping"
    if node.value is None:
        return "null"
    names: Iterator[tuple[type, str]] = iter(
        ((bool, "a boolean"), (int, "an integer"), (float, "a number"), (str, "text"), (bytes, "binary data"))
    )
    return next((name for kind, name in names if isinstance(node.value, kind)), _other(node.value))


def _other(value: object) -> str:
    return "a date or time" if type(value).__module__ == "datetime" else f"a {type(value).__name__}"
