"""Which run a script has open just now, told to the processes that it started. (Python 3.8.)

While it has one, a script's process keeps a notice in the workspace: `scripts/BOOT-PID`, the machine's boot and the
process's PID. A child may be older than the run, or have seen others before it; the notice tells all of them the same.
"""

from __future__ import annotations

import json
import os
import time

from workbench_store.processes import boot_id, process_alive, process_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Optional

    from workbench_store.layout import RunLayout, WorkspaceLayout

#: Of other machines nobody here can tell which processes live: their notices go when they are this old.
_FOREIGN_SECONDS = 100 * 86_400.0


def notice_of(layout: WorkspaceLayout, pid: int) -> Path:
    """Where the process of that PID, on this machine, tells which run it has open."""
    return layout.scripts / "{}-{}".format(boot_id()[:8], pid)


def put_up(layout: WorkspaceLayout, run: str) -> None:
    """Tell that this process has the run of that name open. Raises OSError."""
    notice = notice_of(layout, os.getpid())
    notice.parent.mkdir(mode=0o700, exist_ok=True)
    draft = notice.with_name(".{}.new".format(notice.name))
    draft.write_text(json.dumps({"run": run, "start": process_start(os.getpid())}))
    draft.replace(notice)


def take_down(layout: WorkspaceLayout) -> None:
    """Tell that this process has none open any more. Raises OSError."""
    try:
        notice_of(layout, os.getpid()).unlink()
    except FileNotFoundError:
        pass


def open_run_of(layout: WorkspaceLayout, pid: int) -> Optional[RunLayout]:
    """The run that the process has open; None where it has none, or does not live."""
    said = _read(notice_of(layout, pid))
    if said is None or not process_alive(pid, said["start"]):
        return None
    files = layout.run(said["run"])
    return files if files.root.parent == layout.runs else None


def is_left_behind(notice: Path) -> bool:
    """Whether the process that put the notice up is gone, as far as that can be told from here."""
    boot, _, pid = notice.name.rpartition("-")
    if boot == boot_id()[:8] and pid.isdigit():
        said = _read(notice)
        return said is None or not process_alive(int(pid), said["start"])
    try:
        return notice.stat().st_mtime < time.time() - _FOREIGN_SECONDS
    except OSError:
        return False


def _read(notice: Path) -> Optional[dict[str, str]]:
    try:
        said = json.loads(notice.read_text())
    except (OSError, ValueError):
        return None
    fits = isinstance(said, dict) and isinstance(said.get("run"), str) and isinstance(said.get("start"), str)
    return said if fits and said["run"] else None
