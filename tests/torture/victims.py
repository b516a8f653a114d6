"""Who may die of what is going on in a world, how they are found, and how long they live when nobody kills them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from workbench.compute.local_job import WatchedProcess
from workbench.lifecycle.files import read_json
from workbench_store.layout import RunLayout

from tests.torture.world import World

Command = subprocess.Popen[bytes]
_APPEARS_SECONDS = 3.0


class Victim(NamedTuple):
    """Who may die, of which command; `seconds` is how long it lives after it is first seen, about."""

    name: str
    of: str
    seconds: float


VICTIMS = (
    Victim("script", "train", 0.6),
    Victim("submitter", "run", 0.5),
    Victim("supervisor", "run", 1.0),
    Victim("job parent", "run", 0.7),
    Victim("rank", "run", 0.6),
    Victim("reader", "ls", 0.5),
    Victim("rebuild", "rebuild", 0.6),
    Victim("tidy", "tidy", 0.7),
    Victim("snapshot", "snapshot", 0.5),
    Victim("collection", "collect", 0.5),
)


def kill_when_due(world: World, victim: Victim, command: Command, delay: float) -> bool:
    """Wait until the victim is there and `delay` seconds more, then kill it; whether it was there still."""
    limit = time.monotonic() + _APPEARS_SECONDS
    while not living(world, victim.name, command) and time.monotonic() < limit:
        if victim.name not in _FOUND_BY_FILES and command.poll() is not None:
            return False
        time.sleep(0.002)
    time.sleep(delay)
    return sum(map(_kill, living(world, victim.name, command))) > 0


def living(world: World, who: str, command: Command | None = None) -> list[WatchedProcess]:
    """The processes that are meant, as far as they live; PIDs that were given anew are nobody's here."""
    find = _FOUND_BY_FILES.get(who)
    if find is None:
        return [] if command is None or command.poll() is not None else [WatchedProcess(command.pid, None)]
    folders = [*(world.layout.run(name).root for name in world.run_names()), *world.layout.tmp.glob("run-*")]
    found = [process for folder in folders for process in find(RunLayout(folder))]
    return [process for process in found if process.alive()]


def _kill(process: WatchedProcess) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
        return True
    return False


def _supervisor(files: RunLayout) -> list[WatchedProcess]:
    return _named(read_json(files.supervisor_process), "pid", "start")


def _parent(files: RunLayout) -> list[WatchedProcess]:
    return _named(read_json(files.job_process), "parent", "parent_start")


def _last_rank(files: RunLayout) -> list[WatchedProcess]:
    ranks = (read_json(files.job_process) or {}).get("ranks") or [None]
    return _named(ranks[-1], "pid", "start")


def _named(record: dict[str, Any] | None, pid: str, start: str) -> list[WatchedProcess]:
    return [WatchedProcess(record[pid], record[start])] if record and record.get(pid) and record.get(start) else []


_FOUND_BY_FILES: dict[str, Callable[[RunLayout], list[WatchedProcess]]] = {
    "supervisor": _supervisor,
    "job parent": _parent,
    "rank": _last_rank,
}


def kill_supervisors(world: World) -> bool:
    """All of them; whether there was any."""
    return sum(map(_kill, living(world, "supervisor"))) > 0
