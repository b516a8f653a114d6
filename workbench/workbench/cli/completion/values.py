"""The values that an argument may have: names of runs, computes and data by what is in folders, fields of the filter
language, paths. Nothing here opens the database, so that a shell need not wait."""

import argparse
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from workbench_store.errors import WorkbenchError
from workbench_store.workspace import layout_at_hand

#: More than that no shell shows well.
_MOST = 1000


class Candidate(NamedTuple):
    """A word, and what it is."""

    value: str
    text: str = ""


class Values(NamedTuple):
    """Words, or paths."""

    paths: bool
    items: tuple[Candidate, ...]


def values_for(parser: argparse.ArgumentParser, action: argparse.Action, current: str, workspace: str | None) -> Values:
    """What the parser's argument may be; `current` is what is typed of it. Trouble means nothing."""
    if action.choices is not None:
        return Values(False, tuple(Candidate(str(choice)) for choice in action.choices))
    found = Values(False, ())
    with suppress(WorkbenchError, OSError, ValueError):
        of_command = _OF_COMMANDS.get((parser.prog, action.dest), ())
        for kind, wanted in _KINDS.items():
            if kind in of_command if of_command else wanted(action):
                more = _SOURCES[kind](current, workspace)
                found = Values(found.paths or more.paths, found.items + more.items)
    return found


def _named(*names: str) -> Callable[[argparse.Action], bool]:
    """Whether the argument's placeholder or own name is one of these."""
    return lambda action: bool({*str(action.metavar or action.dest).split("|"), action.dest} & {*names})


_KINDS: dict[str, Callable[[argparse.Action], bool]] = {
    "runs": _named("RUN", "runs"),
    "filters": _named("FILTER"),
    "computes": _named("compute", "COMPUTE"),
    "jobs": _named("JOB", "file"),
    "folders": _named("DIR"),
    "paths": _named("path", "PATH", "PATH_OR_URL", "PATH_OR_URI", "place"),
    "columns": _named("COLUMN"),
    "data": _named(),
    "models": _named(),
    "trash": _named(),
}
#: Arguments that are told by their command alone: NAME is many things, and a RUN may be one in the trash.
_OF_COMMANDS = {
    ("workbench restore", "names"): ("trash",),
    ("workbench tag", "tags"): ("runs",),
    ("workbench lineage", "name"): ("runs", "data", "models"),
    ("workbench data show", "name"): ("data",),
    ("workbench model show", "name"): ("models",),
}


def _words(values: Iterable[str]) -> Values:
    return Values(False, tuple(Candidate(value) for value in values))


def _runs(current: str, workspace: str | None) -> Values:
    """The names of the runs' folders."""
    layout = layout_at_hand(workspace)
    return _words(()) if layout is None else _folders_in(layout.runs, current)


def _trash(current: str, workspace: str | None) -> Values:
    """The names of the runs in the trash."""
    layout = layout_at_hand(workspace)
    return _words(()) if layout is None else _folders_in(layout.trash, current)


def _folders_in(place: Path, current: str) -> Values:
    names = (entry.name for entry in os.scandir(place) if entry.name.startswith(current or ""))
    return _words(name for name, _ in zip((name for name in names if name[0] != "."), range(_MOST), strict=False))


def _computes(_current: str, workspace: str | None) -> Values:
    layout = layout_at_hand(workspace)
    if layout is None:
        return _words(["local"])
    from workbench.compute.registry import list_computes

    return Values(False, tuple(Candidate(entry.name, entry.kind) for entry in list_computes(layout)))


def _filters(current: str, _workspace: str | None) -> Values:
    """Words of the filter language; behind `state:` the states."""
    from workbench_store.states import RunState

    from workbench.view.filter import FIELDS

    turned, word = ("-", current[1:]) if current.startswith("-") else ("", current)
    name, colon, _ = word.partition(":")
    states = [str(state) for state in RunState if state is not RunState.UNKNOWN]
    known = {"state": states, "status": states, "kind": ["job", "script"], "archived": ["yes", "no", "all"]}
    if colon:
        # Written small, as the filter does not mind.
        return _words(f"{turned}{name}:{value.lower()}" for value in known.get(name, ()))
    return _words(f"{turned}{field}:" for field in sorted({*FIELDS, "tag", "archived"}))


def _assets(kind: str, workspace: str | None) -> Values:
    """Names of data assets or models, as the workspace's journals have them."""
    layout = layout_at_hand(workspace)
    if layout is None:
        return _words(())
    from workbench_store.edits import read_edits

    events = read_edits(layout, "asset")
    return _words(sorted({str(one.fields.get("name")) for one in events if one.fields.get("kind") == kind}))


def _columns(_current: str, _workspace: str | None) -> Values:
    from workbench.view.filter import FIELDS

    return _words(sorted({*FIELDS.values()}))


def _jobs(current: str, _workspace: str | None) -> Values:
    return _paths(current, lambda entry: entry.is_dir() or entry.name.endswith((".yml", ".yaml")))


def _folders(current: str, _workspace: str | None) -> Values:
    return _paths(current, lambda entry: entry.is_dir())


def _any_path(current: str, _workspace: str | None) -> Values:
    return _paths(current, lambda entry: True)


def _paths(current: str, wanted: Callable[["os.DirEntry[str]"], bool]) -> Values:
    """What is in the folder that is typed so far; hidden files where a dot is typed."""
    folder, _, start = current.rpartition("/")
    typed = f"{folder}/" if "/" in current else ""
    place = Path(os.path.expanduser(typed or "."))
    return Values(True, tuple(Candidate(typed + name) for name in _entries(place, start, wanted)))


def _entries(place: Path, start: str, wanted: Callable[["os.DirEntry[str]"], bool]) -> Iterator[str]:
    with os.scandir(place) as entries:
        for entry in entries:
            hidden = entry.name.startswith(".") and not start.startswith(".")
            if entry.name.startswith(start) and not hidden and wanted(entry):
                yield entry.name + ("/" if entry.is_dir() else "")


_SOURCES: dict[str, Callable[[str, str | None], Values]] = {
    "runs": _runs,
    "filters": _filters,
    "computes": _computes,
    "jobs": _jobs,
    "folders": _folders,
    "paths": _any_path,
    "columns": _columns,
    "data": lambda _current, workspace: _assets("data", workspace),
    "trash": _trash,
    "models": lambda _current, workspace: _assets("model", workspace),
}
