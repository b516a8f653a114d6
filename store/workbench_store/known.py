"""Which workspaces this user has: each is noted in the cache folder when it is opened for writing. (Python 3.8.)

A note is a small file, `workspaces/ID-INODE`, that holds the path. A moved workspace keeps its note, a copy gets its
own. Each workspace notes in turn which cache folders it was used with, as another may be named each time.
"""

from __future__ import annotations

import os
from pathlib import Path

from workbench_store.cache_root import cache_root, usable_cache
from workbench_store.errors import WorkspaceError
from workbench_store.layout import WorkspaceLayout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List


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


def _note_cache(layout: WorkspaceLayout, cache: Path) -> None:
    if cache not in caches_of(layout):
        with layout.caches.open("ab") as file:
            file.write(os.fsencode(str(cache)) + b"\n")


def caches_of(layout: WorkspaceLayout) -> List[Path]:
    """The cache folders that the workspace was used with, as far as that can be read."""
    try:
        return [Path(os.fsdecode(line)) for line in layout.caches.read_bytes().splitlines()]
    except OSError:
        return []


def _note(root: Path, identity: str) -> Path:
    """Raises ValueError for an id that is none: it comes from a file, and becomes a name."""
    if not identity.isalnum():
        raise ValueError(identity)
    return cache_root() / "workspaces" / "{}-{:x}".format(identity, root.stat().st_ino)
