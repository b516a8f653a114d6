"""Which tables a name in a user's SQL can be of: those of its own SELECT and of the ones around it, not of others."""

from collections.abc import Iterator, Mapping
from typing import Any

#: By what a table is called in a SELECT (in lower case): the view that it is, or "" for a subquery or a function.
Tables = Mapping[str, str]
Scoped = tuple[dict[str, Any], Tables]


def scoped(tree: Any) -> Iterator[Scoped]:
    """Every node of a tree, parents first, with the tables whose columns may be named there."""
    waiting: list[tuple[Any, Tables, Tables]] = [(tree, {}, {})]
    while waiting:
        one, tables, outside = waiting.pop()
        if isinstance(one, list):
            waiting += [(item, tables, outside) for item in reversed(one)]
        elif isinstance(one, dict):
            if one.get("type") == "SELECT_NODE":
                tables, outside = {**tables, **dict(_tables(one.get("from_table")))}, tables
            yield one, tables
            for name, part in reversed(one.items()):
                # What stands in brackets behind FROM, and WITH, does not see the tables beside it.
                apart = name == "cte_map" or (name == "subquery" and "class" not in one)
                waiting.append((part, outside if apart else tables, outside))


def _tables(node: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(node, dict):
        return
    if node.get("type") == "JOIN":
        yield from _tables(node.get("left"))
        yield from _tables(node.get("right"))
        return
    name = str(node.get("table_name") or "")
    called = str(node.get("alias") or name)
    if called:
        yield called.lower(), name.lower()
