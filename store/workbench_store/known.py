"""Which workspaces this user has: each is noted in the cache folder when it is opened for writing. (Python 3.8.)

A note is a small file, `workspaces/ID-INODE`, that holds the path. A moved workspace keeps its note, a copy gets its
own. Each workspace notes in turn which cache folders it was used with, as another may be named each time.
"""

import json
import os
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from workbench_store.cache_root import VARIABLE, cache_root, usable_cache
from workbench_store.errors import WorkspaceError
from workbench_store.layout import WorkspaceLayout


class KnownWorkspace(NamedTuple):
    """A workspace that was opened once; `there` says whether it still is where it was."""

    path: Path
    there: bool


def remember(root: Path, identity: str) -> None:
    """Note where the workspace of that id is. Costs one small read when that is known; never raises."""
    try:
        note = _note(root, identity)
        content = os.fsencode(str(root))
        try:
            if note.read_bytes() == content:
                return
        except FileNotFoundError:
            pass
        usable_cache()
        note.parent.mkdir(mode=0o700, exist_ok=True)
        draft = note.with_name(".{}.{}.new".format(note.name, os.getpid()))
        draft.write_bytes(content)
        draft.replace(note)
        _note_cache(WorkspaceLayout(root), cache_root())
    except (OSError, ValueError, WorkspaceError):
        pass


def forget(root: Path, identity: str) -> None:
    """Take the note away, of a workspace that is about to be removed."""
    try:
        _note(root, identity).unlink()
    except (OSError, ValueError, WorkspaceError):
        pass


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


def _note_cache(layout: WorkspaceLayout, cache: Path) -> None:
    if cache not in _caches_of(layout):
        with layout.caches.open("ab") as file:
            file.write(os.fsencode(str(cache)) + b"\n")


def _caches_of(layout: WorkspaceLayout) -> List[Path]:
    try:
        return [Path(os.fsdecode(line)) for line in layout.caches.read_bytes().splitlines()]
    except OSError:
        return []


def other_caches(here: Optional[WorkspaceLayout] = None) -> List[Path]:
    """The cache folders beside this one that are there: the usual one, and those that the workspace at hand and the
    known ones were used with. In order of path. Raises WorkspaceError where there can be no cache."""
    found = {cache_root({name: os.environ[name] for name in os.environ if name != VARIABLE})}
    found.update(_caches_of(here) if here is not None else [])
    for workspace in known_workspaces():
        found.update(_caches_of(WorkspaceLayout(workspace.path)))
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


def _note(root: Path, identity: str) -> Path:
    """Raises ValueError for an id that is none: it comes from a file, and becomes a name."""
    if not identity.isalnum():
        raise ValueError(identity)
    return cache_root() / "workspaces" / "{}-{:x}".format(identity, root.stat().st_ino)
