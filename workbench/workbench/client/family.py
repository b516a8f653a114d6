"""Which script a process belongs to, and which run that has open. (Python 3.8; loaded with every script.)

Children that a script forks, or that `multiprocessing` and what stands on it start, log into the run that the script
has open when they log, not into the one that was open when they began: a pool outlives runs. So do their children.
Programs that a script starts otherwise have runs of their own, and so have their children.
"""

from __future__ import annotations

import os
import sys

from workbench.client.rank import pass_on_rank

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from workbench_store.open_run import OpenRun

#: The PIDs of a script and of its children down to the process that started this one, or to this one: with commas.
VARIABLE = "WORKBENCH_FAMILY"
#: In the environment of every supervisor, so that a job's end does not reach the runs that the job submitted.
SUPERVISES = "WORKBENCH_SUPERVISES"


class Family:
    """The processes that this one comes from, the script first. (Which of them has a run open may change.)"""

    def __init__(self, ancestors: List[int]) -> None:
        self._ancestors = ancestors[::-1]
        self._notices: Optional[List[str]] = None

    def look(self) -> Tuple[object, ...]:
        """Compares equal as long as nothing has changed in which run is open; costs a look at a file for each."""
        if self._notices is None:
            self._notices = _notices(self._ancestors)
        return tuple(_mark(notice) for notice in self._notices)

    def open_run(self) -> Optional[OpenRun]:
        """The run that the nearest of them has open."""
        from workbench_store.errors import WorkspaceError
        from workbench_store.open_run import open_run_of

        try:
            found = (open_run_of(pid) for pid in self._ancestors)
            return next((run for run in found if run is not None), None)
        except WorkspaceError:
            return None


def _notices(pids: List[int]) -> List[str]:
    from workbench_store.errors import WorkspaceError
    from workbench_store.open_run import notice_of

    try:
        return [str(notice_of(pid)) for pid in pids]
    except WorkspaceError:
        return []


def _mark(notice: str) -> object:
    try:
        found = os.stat(notice)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def own_family() -> Optional[Family]:
    """The family that this process is a child of; None for a script, and for a program that was started otherwise."""
    ancestors = _ancestors()
    return Family(ancestors) if ancestors else None


def is_being_loaded() -> bool:
    """Whether this is a child that runs its script's top level again, before it does what it was started for."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and getattr(processes.current_process(), "_inheriting", False)


def is_a_child() -> bool:
    """Whether multiprocessing started this process, and ends it in its own way."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and (processes.parent_process() is not None or is_being_loaded())


def _ancestors() -> List[int]:
    """Those before this process, the script first."""
    parent = _parent()
    before = _told_to_children_of(parent) if _forked is None else _forked
    # A fork server's children are forked by the server, and of whoever asked for them.
    return before if parent is None or parent in before else [*before, parent]


def _told_to_children_of(parent: Optional[int]) -> List[int]:
    """What a process that did not begin by a fork in Python is told of it: by the variable, which programs that are
    none of the family inherit too, so that it counts for children of those who are in it; or by multiprocessing."""
    if parent is None:
        return []
    told = _told()
    if parent in told:
        return told[: told.index(parent) + 1]
    config = _config()
    return [] if config is None else list(config.get(VARIABLE, ()))


def _told() -> List[int]:
    return [int(pid) for pid in os.environ.get(VARIABLE, "").split(",") if pid.isascii() and pid.isdigit()]


def _config() -> Optional[Dict[str, Any]]:
    """What children by multiprocessing take over from the process that makes them."""
    processes = sys.modules.get("multiprocessing.process")
    return None if processes is None else getattr(processes.current_process(), "_config", None)


def _parent() -> Optional[int]:
    """The process that started this one by multiprocessing, if one did."""
    processes = sys.modules.get("multiprocessing.process")
    if processes is None:
        return None
    if is_being_loaded():
        # It does not know yet. Between a fork server's child and who asked for it is the server.
        from workbench_store.processes import parent_of

        return parent_of(os.getppid()) if "multiprocessing.forkserver" in sys.modules else os.getppid()
    parent = processes.parent_process()
    return None if parent is None else int(parent.pid)


def tell_children() -> None:
    """Let the processes that this one starts by multiprocessing from now on know what they come from."""
    if is_being_loaded() and _parent() not in _told():
        return  # what it comes from is not known yet
    line = [*_ancestors(), os.getpid()]
    os.environ[VARIABLE] = ",".join(map(str, line))
    config = _config()
    if config is not None:
        config[VARIABLE] = line
        pass_on_rank(config)


def _after_fork() -> None:
    """A forked child comes from its parent, and from all that comes from. It is not told to programs yet: this may
    become one, which is none of the family."""
    global _forked
    _forked = _of_a_fork


def _before_fork() -> None:
    global _of_a_fork
    _of_a_fork = [*_ancestors(), os.getpid()]


#: What this process comes from, where it began by a fork in Python: nobody else is told that.
_forked: Optional[List[int]] = None
_of_a_fork: List[int] = []
tell_children()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
