"""Which run a process shares with the script that it belongs to. (Python 3.8.)

Children that a script forks, or that `multiprocessing` and what stands on it start, log into the run that the script
has open when they log, not into the one that was open when they began: a pool outlives runs. Programs that a script
starts otherwise have runs of their own, and so have their children.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Tuple

    from workbench_store.layout import RunLayout, WorkspaceLayout

#: Tells a script's children who belongs to it: the PIDs of the script and of those of its children that may have some
#: in turn, with commas, then a colon, then the folder of a run that it had open.
VARIABLE = "WORKBENCH_SCRIPT_RUN"
_NEVER = object()


class Family:
    """The script that this process belongs to, by its PID, and what this process has seen of it."""

    def __init__(self, script: int) -> None:
        self._script = script
        self._notice: Optional[str] = None
        self._seen: object = _NEVER

    def is_as_before(self) -> bool:
        """Whether the script tells what it told when `open_run` was asked last; costs one look at a file."""
        return self._seen is not _NEVER and self._look() == self._seen

    def open_run(self) -> Optional[RunLayout]:
        """The run that the script has open now."""
        from workbench_store.open_run import notice_of, open_run_of

        layout = _workspace()
        if layout is None:
            return None
        self._notice = str(notice_of(layout, self._script))
        self._seen = self._look()
        return open_run_of(layout, self._script)

    def _look(self) -> object:
        try:
            found = os.stat(str(self._notice))
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns


def found_family() -> Optional[Family]:
    """The family of a process that a script started; None for a script itself, and for all other programs."""
    members, me, parent = _told()[0], os.getpid(), _parent()
    if me in members:
        return None if members[0] == me else Family(members[0])
    if parent is None:
        return None
    if parent in members:
        _join_members()
        return Family(members[0])
    return Family(parent)  # older than any run of its, or its run's folder was told to others


def forked_family() -> Family:
    """That of a child which was just forked by a script."""
    return Family(os.getppid())


def tell_children(folder: Path) -> None:
    """Let the children that this process starts from now on find the run, whose folder that is."""
    os.environ[VARIABLE] = "{}:{}".format(os.getpid(), folder)


def tell_children_nothing() -> None:
    """As it was before `tell_children`."""
    os.environ.pop(VARIABLE, None)


def after_fork() -> None:
    """In a child that was just forked: it belongs to whatever its parent belongs to."""
    if os.getppid() in _told()[0]:
        _join_members()


def is_being_loaded() -> bool:
    """Whether this is a child that runs its script's top level again, before it does what it was started for."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and getattr(processes.current_process(), "_inheriting", False)


def _told() -> Tuple[List[int], str]:
    members, _, folder = os.environ.get(VARIABLE, "").partition(":")
    return [int(pid) for pid in members.split(",") if pid.isascii() and pid.isdigit()], folder


def _join_members() -> None:
    members, folder = _told()
    if os.getpid() not in members:
        os.environ[VARIABLE] = "{}:{}".format(",".join(map(str, [*members, os.getpid()])), folder)


def _parent() -> Optional[int]:
    """The process that started this one by multiprocessing, if one did."""
    processes = sys.modules.get("multiprocessing.process")
    if processes is None:
        return None
    if is_being_loaded():
        # It does not know yet. Between a fork server's child and who asked for it is the server.
        return _parent_of(os.getppid()) if "multiprocessing.forkserver" in sys.modules else os.getppid()
    parent = processes.parent_process()
    return None if parent is None else int(parent.pid)


def _parent_of(pid: int) -> Optional[int]:
    try:
        # The command name, in parentheses, may hold spaces and parentheses itself: proc(5).
        return int(Path("/proc/{}/stat".format(pid)).read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        members = _told()[0]
        return members[0] if members else None


def _workspace() -> Optional[WorkspaceLayout]:
    """Where the script has its runs: that of a run of its, or the one at hand."""
    from workbench_store.errors import WorkspaceError
    from workbench_store.layout import WorkspaceLayout
    from workbench_store.workspace import layout_at_hand

    folder = _told()[1]
    if folder:
        return WorkspaceLayout(Path(folder).parent.parent)
    try:
        return layout_at_hand()
    except (WorkspaceError, OSError):
        return None


# Children may have children, even where they record nothing themselves.
if _parent() in _told()[0]:
    _join_members()
