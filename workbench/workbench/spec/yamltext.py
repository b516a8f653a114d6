"""YAML text as a tree with positions, read event by event so that no file can exhaust stack or memory.

Scalars mean what PyYAML's safe loader makes of them (YAML 1.1), as for azure-ai-ml. Unlike there, a key
given twice is an error.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import yaml
from msgspec import Struct

from workbench.spec.problems import Problem
from workbench.spec.tree import Entry, ListNode, MapNode, Mark, Node, Scalar, make_mapping, make_sequence

MOST_NODES = 100_000
DEEPEST = 64

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"


class BadYaml(Exception):
    """The text cannot be read as YAML; `problem` says where and why."""

    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(mark.file, mark.line, mark.column, "", message)


def parse_yaml(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a YAML document, None if it holds nothing, and the keys that are given twice, of which the first
    counts. Raises BadYaml; `file` is what it names."""
    builder = _Builder(file)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.YAMLError as error:
        raise _bad(error, file) from error
    return builder.root, builder.problems


def resolve_scalar(text: str) -> object:
    """The value of a plain (unquoted) scalar; the text itself where YAML would refuse it."""
    try:
        return _plain_value(text)
    except ValueError:
        return text


def _events(text: str) -> Iterator[Any]:
    return yaml.parse(text, Loader=_LOADER)


def _bad(error: yaml.YAMLError, file: str) -> BadYaml:
    mark = getattr(error, "problem_mark", None)
    place = Mark(file, mark.line + 1, mark.column + 1) if mark else Mark(file)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    if "nesting" in problem:  # the reader's own limit: it reads ahead, so it may stop before ours is met
        return BadYaml(place, f"nested more than {DEEPEST} levels deep")
    if "cannot start any token" in problem:
        problem += " (a tab? YAML indents with spaces; quote values that begin with @, ` or %)"
    return BadYaml(place, f"not valid YAML: {problem}")


class _Key(NamedTuple):
    value: object
    mark: Mark
    merge: bool


class _Open(Struct):
    """A list or mapping whose end has not been read yet."""

    mark: Mark
    anchor: str | None
    mapping: bool
    items: list[Node] = []
    entries: list[Entry] = []
    merged: list[Node] = []
    lines: dict[object, int] = {}
    key: _Key | None = None


class _Builder:
    """Makes the tree out of parser events, with a stack of its own."""

    def __init__(self, file: str) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._file = file
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._scalars: Any = yaml.SafeLoader("")
        self._done = False

    def take(self, event: Any) -> None:
        """One parser event."""
        mark = Mark(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent) and self._done:
            raise BadYaml(mark, "a second document in one file; a job file holds one")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, mark)
        elif isinstance(event, yaml.AliasEvent):
            self._add(self._alias(event.anchor, mark), mark)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event, mark)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close()

    def _open(self, event: Any, mark: Mark) -> None:
        if len(self._stack) >= DEEPEST:
            raise BadYaml(mark, f"nested more than {DEEPEST} levels deep")
        if event.anchor:
            self._anchors[event.anchor] = None
        if event.tag and not event.tag.startswith(("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")):
            raise BadYaml(mark, f"the YAML tag {event.tag!r} has no meaning here")
        self._stack.append(_Open(mark, event.anchor, isinstance(event, yaml.MappingStartEvent)))

    def _close(self) -> None:
        done = self._stack.pop()
        if done.mapping:
            node: Node = make_mapping(done.mark, _with_merged(done.entries, done.merged))
        else:
            node = make_sequence(done.mark, tuple(done.items))
        self._register(done.anchor, node)
        self._add(node, done.mark)

    def _scalar(self, event: Any, mark: Mark) -> None:
        if event.tag and event.tag != "!" and not event.tag.startswith("tag:yaml.org,2002:"):
            raise BadYaml(mark, f"the YAML tag {event.tag!r} has no meaning here")
        if event.tag and event.implicit == (False, False):
            tag = event.tag
        else:
            tag = self._scalars.resolve(yaml.ScalarNode, event.value, event.implicit)
        top = self._stack[-1] if self._stack else None
        if tag == _MERGE and top and top.mapping and top.key is None:
            top.key = _Key("<<", mark, merge=True)
            return
        value = event.value if tag == _MERGE else _construct(self._scalars, tag, event.value, mark)
        node = Scalar(mark, value, event.value, event.end_mark.line + 1)
        self._register(event.anchor, node)
        self._add(node, mark)

    def _register(self, anchor: str | None, node: Node) -> None:
        if anchor:
            self._anchors[anchor] = node

    def _alias(self, anchor: Any, mark: Mark) -> Node:
        if anchor not in self._anchors:
            raise BadYaml(mark, f"the alias *{anchor} has no anchor &{anchor} before it")
        node = self._anchors[anchor]
        if node is None:
            raise BadYaml(mark, f"the alias *{anchor} contains itself")
        return node

    def _add(self, node: Node, mark: Mark) -> None:
        if node.size > MOST_NODES:
            raise BadYaml(mark, f"more than {MOST_NODES} values once aliases are followed")
        if node.depth + len(self._stack) > DEEPEST:
            raise BadYaml(mark, f"nested more than {DEEPEST} levels deep")
        if not self._stack:
            self.root, self._done = node, True
            return
        top = self._stack[-1]
        if not top.mapping:
            top.items.append(node)
        elif top.key is None:
            top.key = _key(node, mark)
        else:
            self._take_value(top, top.key, node, mark)
            top.key = None

    def _take_value(self, top: _Open, key: _Key, node: Node, mark: Mark) -> None:
        if key.merge:
            top.merged.extend(_mappings(node, mark))
            return
        first = top.lines.setdefault((type(key.value), key.value), key.mark.line)  # 1 is not true
        if len(top.lines) == len(top.entries):
            message = f"the key {key.value!r} is given twice; the first is in line {first}"
            self.problems.append(Problem(self._file, key.mark.line, key.mark.column, "", message))
        else:
            top.entries.append(Entry(key.value, key.mark, node))


def _key(node: Node, mark: Mark) -> _Key:
    if not isinstance(node, Scalar):
        raise BadYaml(mark, "a key must be a single value, not a list or a mapping")
    return _Key(node.value, mark, merge=False)


def _mappings(node: Node, mark: Mark) -> Sequence[Node]:
    """What a merge key takes its entries from. Raises BadYaml."""
    sources = node.items if isinstance(node, ListNode) else (node,)
    if not all(isinstance(source, MapNode) for source in sources):
        raise BadYaml(mark, "a merge key (<<) takes a mapping or a list of mappings")
    return sources


def _with_merged(entries: list[Entry], merged: list[Node]) -> tuple[Entry, ...]:
    """The entries with those of merge keys added: what is written here wins, then the first source."""
    found = {entry.key: entry for entry in entries}
    for source in merged:
        if isinstance(source, MapNode):
            for entry in source.entries:
                found.setdefault(entry.key, entry)
    return tuple(found.values())


def _plain_value(text: str) -> object:
    loader: Any = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))
    return text if tag == _MERGE else _value(loader, tag, text)


def _construct(loader: Any, tag: str, text: str, mark: Mark) -> object:
    try:
        return _value(loader, tag, text)
    except ValueError as error:
        message = f"{text!r} looks like a date, a number or a tagged value but is none: {error}"
        raise BadYaml(mark, message) from error


def _value(loader: Any, tag: str, text: str) -> object:
    """The value of a scalar with a resolved tag. Raises ValueError if the text does not fit the tag."""
    if tag == "tag:yaml.org,2002:value":
        return text
    try:
        return loader.construct_object(yaml.ScalarNode(tag, text))
    except (yaml.YAMLError, ValueError, KeyError, IndexError, OverflowError, AttributeError) as error:
        raise ValueError(getattr(error, "problem", None) or str(error)) from error
