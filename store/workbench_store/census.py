"""All the workspaces and caches that this user has, from the notes that known.py makes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from workbench_store.cache_root import VARIABLE, cache_root
from workbench_store.known import caches_of
from workbench_store.layout import WorkspaceLayout


class KnownWorkspace(NamedTuple):
    """A workspace that was opened once; `there` says whether it still is where it was."""

    path: Path
    there: bool


def known_workspaces() -> List[KnownWorkspace]:
    """All that were noted, in order of path. Raises WorkspaceError where there can be no cache."""
    found: Dict[Path, bool] = {}
    for note in (cache_root() / "workspaces").glob("[!.]*"):
        try:
            path = Path(os.fsdecode(note.read_bytes()))
        except OSError:
            continue
        there = _is(path, note.name.rpartition("-")[0])
        found[path] = there or found.get(path, False)
    return [KnownWorkspace(path, found[path]) for path in sorted(found)]


def other_caches(here: Optional[WorkspaceLayout] = None) -> List[Path]:
    """The cache folders beside this one that are there: the usual one, and those that the workspace at hand and the
    known ones were used with. In order of path. Raises WorkspaceError where there can be no cache."""
    found = {cache_root({name: os.environ[name] for name in os.environ if name != VARIABLE})}
    found.update(caches_of(here) if here is not None else [])
    for workspace in known_workspaces():
        found.update(caches_of(WorkspaceLayout(workspace.path)))
    return sorted(path for path in found - {cache_root()} if _holds_something(path))


def _holds_something(folder: Path) -> bool:
    try:
        return bool(os.listdir(str(folder)))
    except PermissionError:
        return True
    except OSError:
        return False


def _is(path: Path, identity: str) -> bool:
    try:
        content = json.loads(WorkspaceLayout(path).identity.read_text())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("id") == identity
