"""The commands by what they are for: the order of the help page and of the reference."""

from collections.abc import Iterable

GROUPS: dict[str, tuple[str, ...]] = {
    "Running": ("run", "validate", "schema", "snapshot", "rerun", "reproduce", "cancel"),
    "Looking": ("dashboard", "ls", "show", "logs", "media", "compare", "sql"),
    "Runs": ("outputs", "tag", "note", "archive", "rm", "restore", "open", "export", "adopt", "close"),
    "Data": ("data", "datastore", "model", "lineage"),
    "Environments and computes": ("env", "compute"),
    "Upkeep": ("doctor", "gc", "backup", "verify", "completion", "uninstall"),
}
_OTHERS = "Others"


def grouped(commands: Iterable[str]) -> dict[str, list[str]]:
    """The commands by their group; those of none come last."""
    names = list(commands)
    found = {title: [name for name in group if name in names] for title, group in GROUPS.items()}
    known = {name for group in GROUPS.values() for name in group}
    others = [name for name in names if name not in known]
    return {**found, **({_OTHERS: others} if others else {})}
