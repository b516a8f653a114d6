"""The machine's processes: who is whose child, in which group, and which carry a run's id in their
environment.

Linux: read from /proc (proc(5)). Elsewhere: from psutil.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

#: More than /proc/PID/stat can have: 51 numbers and a name of 64 bytes at most.
_STAT_BYTES = 4096
_LINUX = sys.platform.startswith("linux")
if not _LINUX:
    import psutil


class ProcessEntry(Struct, frozen=True):
    """One living process (a zombie is not). `start` is as `workbench_store.processes.process_start` gives
    it."""

    pid: int
    parent: int
    group: int
    start: str


def processes() -> dict[int, ProcessEntry]:
    """All living processes by PID."""
    return {entry.pid: entry for entry in _entries()}


def environment_of(pid: int) -> dict[bytes, bytes]:
    """The environment that the process was started with; empty when it is another user's or gone."""
    if _LINUX:
        try:
            raw = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return {}
        return dict(part.split(b"=", 1) for part in raw.split(b"\0") if b"=" in part)
    try:
        return {os.fsencode(k): os.fsencode(v) for k, v in psutil.Process(pid).environ().items()}
    except (psutil.Error, OSError):
        return {}


def _entries() -> Iterator[ProcessEntry]:
    if not _LINUX:
        yield from _by_psutil()
        return
    for name in os.listdir("/proc"):
        if name.isdigit():
            entry = _by_proc(int(name))
            if entry is not None:
                yield entry


def _by_proc(pid: int) -> ProcessEntry | None:
    try:
        # Bare calls: a login node has thousands of processes, and a file object takes three times as long.
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.read(descriptor, _STAT_BYTES)
        finally:
            os.close(descriptor)
    except OSError:
        return None
    # The command name, in parentheses, may hold spaces and parentheses itself.
    fields = text.rpartition(b")")[2].split()
    if len(fields) < 20 or fields[0] in (b"Z", b"X", b"x"):
        return None
    return ProcessEntry(pid, int(fields[1]), int(fields[2]), fields[19].decode("ascii"))


def _by_psutil() -> Iterator[ProcessEntry]:
    from workbench_store.processes import process_start

    for process in psutil.process_iter(["pid", "ppid", "status"]):
        pid = process.info["pid"]
        start = process_start(pid) if process.info["status"] != psutil.STATUS_ZOMBIE else None
        try:
            group = os.getpgid(pid)
        except OSError:
            continue
        if start is not None:
            yield ProcessEntry(pid, process.info["ppid"] or 0, group, start)
