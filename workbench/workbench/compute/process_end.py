"""Finding everything that belongs to a job, and ending it: SIGTERM, a grace period, SIGKILL.

To a job belong: its process group; descendants that left the group (orphans of the job become children of the
supervisor, a subreaper); and processes of this user that carry the run's id, and no other run's folder, in their
environment. A supervisor of another run is none of these, even if the job itself submitted that run, nor is what that
supervisor started.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from workbench.client.family import SUPERVISES
from workbench.compute.process_table import ProcessEntry, environment_of, processes

RUN_ID = b"WORKBENCH_RUN_ID"
RUN_DIR = b"WORKBENCH_RUN_DIR"
_POLL_SECONDS = 0.05
_KILL_SECONDS = 10.0


class Family(Struct, frozen=True):
    """What tells the processes of one job: its process groups; roots are PIDs whose descendants count, spared PIDs
    never do. `folder` is the run's: a copy of it has the same id, and none of its processes."""

    run_id: str
    folder: Path
    groups: frozenset[int]
    roots: frozenset[int]
    spared: frozenset[int]


def members(family: Family) -> list[ProcessEntry]:
    """The living processes of the family."""
    table = processes()
    found = _descendants(table, family)
    wanted = family.run_id.encode()
    for pid, entry in table.items():
        if pid in found or pid in family.spared:
            continue
        if entry.group in family.groups or _carries(pid, wanted, family.folder):
            found.add(pid)
    return [table[pid] for pid in found]


def _carries(pid: int, run_id: bytes, folder: Path) -> bool:
    variables = environment_of(pid)
    if variables.get(RUN_ID) != run_id:
        return False
    named = variables.get(RUN_DIR)
    try:
        return not named or os.path.samefile(named, folder)
    except OSError:
        return _works_in(pid, folder.parent.parent)  # its run's folder was moved, or this one is a copy of that


def _works_in(pid: int, workspace: Path) -> bool:
    """Whether the process's current folder is in the workspace; True where the system does not say."""
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(os.path.realpath(workspace))
    except OSError:
        return not os.path.isdir("/proc/self")


def _descendants(table: dict[int, ProcessEntry], family: Family) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, entry in table.items():
        children.setdefault(entry.parent, []).append(pid)
    found: set[int] = set()
    waiting = list(family.roots)
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            if pid in found or os.fsencode(SUPERVISES) in environment_of(pid):
                continue
            waiting.append(pid)
            found.add(pid)
    return found - family.spared


def end_family(
    family: Family, grace: float, meanwhile: Callable[[], object] = lambda: None, patience: float = 0.0
) -> int:
    """End all members: SIGTERM, SIGKILL after `grace` seconds; returns how many there were.

    Those that end by themselves within `patience` seconds are none. `meanwhile()` is called while waiting, to reap
    zombies.
    """
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if not members(family):
            return 0
        meanwhile()
        time.sleep(_POLL_SECONDS)
    seen: set[tuple[int, str]] = set()
    asked: set[tuple[int, str]] = set()
    started = time.monotonic()
    while True:
        alive = members(family)
        seen.update((entry.pid, entry.start) for entry in alive)
        waited = time.monotonic() - started
        if not alive or waited > grace + _KILL_SECONDS:
            return len(seen)
        if waited >= grace:
            _send(alive, signal.SIGKILL)
        else:
            fresh = [entry for entry in alive if (entry.pid, entry.start) not in asked]
            _send(fresh, signal.SIGTERM)
            asked.update((entry.pid, entry.start) for entry in fresh)
        meanwhile()
        time.sleep(_POLL_SECONDS)


def _send(entries: Iterable[ProcessEntry], number: signal.Signals) -> None:
    for entry in entries:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(entry.pid, number)
            if number is signal.SIGTERM:
                os.kill(entry.pid, signal.SIGCONT)  # a stopped process would not see the request
