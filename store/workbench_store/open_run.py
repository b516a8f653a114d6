"""Which run a script has open just now, told to the processes that it started. (Python 3.8.)

While it has one, a script's process keeps a notice in the cache folder: `scripts/BOOT-NAMESPACE-PID`, the machine's
boot, within which PIDs mean something (each container has PIDs of its own) and the process's. Its children find it by
the PID alone, wherever the run is: they may be older than the run, or have seen others before it.
"""

from __future__ import annotations

import json
import os
import time
from functools import lru_cache
from pathlib import Path

from workbench_store.cache_root import usable_cache
from workbench_store.errors import WorkspaceError
from workbench_store.layout import RunLayout
from workbench_store.moved import folder_of_script
from workbench_store.processes import boot_id, process_alive, process_start
from workbench_store.run_ids import id_of
from workbench_store.workspace import layout_at_hand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

#: With so many notices it is looked for those of processes that were killed.
_MANY = 100
#: Of other machines and containers nobody here can tell which processes live: their notices go when they are this old.
_FOREIGN_SECONDS = 100 * 86_400.0


class OpenRun:
    """A run that another process has open: its folder, whether it has a past, and its id (empty if nobody knows)."""

    def __init__(self, files: RunLayout, has_past: bool = False, id: str = "") -> None:
        self.files = files
        self.has_past = has_past
        self.id = id


def put_up(run: RunLayout, has_past: bool) -> None:
    """Tell that this process has the run open; `has_past` says whether it was resumed or forked, so that steps go on.
    Raises OSError and WorkspaceError."""
    notice = notice_of(os.getpid())
    notice.parent.mkdir(mode=0o700, exist_ok=True)
    others = list(notice.parent.iterdir())
    for other in others if len(others) > _MANY else ():
        if _is_left_behind(other):
            _remove(other)
    draft = notice.with_name(".{}.new".format(notice.name))
    said = {
        "folder": str(run.root),
        "id": id_of(run.root),
        "has_past": has_past,
        "start": process_start(os.getpid()),
    }
    draft.write_text(json.dumps(said))
    draft.replace(notice)


def take_down() -> None:
    """Tell that this process has none open any more. Raises OSError and WorkspaceError."""
    _remove(notice_of(os.getpid()))


def notice_of(pid: int) -> Path:
    """Where the process of that PID, on this machine, tells which run it has open. Raises WorkspaceError."""
    return _folder() / "{}-{}".format(_here(), pid)


def open_run_of(pid: int) -> Optional[OpenRun]:
    """The run that the process has open; None where it has none, or does not live. Raises WorkspaceError."""
    said = _read(notice_of(pid))
    if said is None or not process_alive(pid, said["start"]):
        return None
    files = RunLayout(folder_of_script(Path(said["folder"]), pid))
    return OpenRun(files, said.get("has_past") is True, str(said.get("id", "")))


@lru_cache(maxsize=None)
def _here() -> str:
    """Where a PID names one process: this boot of this machine, and in it the container, if it is one."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return "{}-{}".format(boot_id()[:8], "".join(filter(str.isdigit, namespace)))


@lru_cache(maxsize=None)
def _folder() -> Path:
    """In the cache; where there can be none, in the workspace at hand."""
    try:
        return usable_cache() / "scripts"
    except WorkspaceError:
        layout = layout_at_hand()
        if layout is None:
            raise
        return layout.scripts


def _is_left_behind(notice: Path) -> bool:
    """Whether the process that put the notice up is gone, as far as that can be told from here."""
    where, _, pid = notice.name.rpartition("-")
    if where == _here() and pid.isdigit():
        said = _read(notice)
        return said is None or not process_alive(int(pid), said["start"])
    try:
        return notice.stat().st_mtime < time.time() - _FOREIGN_SECONDS
    except OSError:
        return False


def _remove(notice: Path) -> None:
    try:
        notice.unlink()
    except FileNotFoundError:
        pass


def _read(notice: Path) -> Optional[Dict[str, Any]]:
    try:
        said = json.loads(notice.read_text())
    except (OSError, ValueError):
        return None
    fits = isinstance(said, dict) and isinstance(said.get("folder"), str) and isinstance(said.get("start"), str)
    return said if fits else None
