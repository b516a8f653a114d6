"""Names for hosts, boots and processes, by which one process tells whether another still lives. (Python 3.8.)

A PID alone is not a name: it is reused. Host, boot, PID and the process's start time together are.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Tuple


@lru_cache(maxsize=None)
def host_id() -> str:
    """This machine: its host name, and the machine id where there is one (host names alone repeat)."""
    name = _host_name()
    machine = _read("/etc/machine-id") or _read("/var/lib/dbus/machine-id") or _darwin("kern.uuid")
    return f"{name}-{machine[:12]}" if machine else name


@lru_cache(maxsize=None)
def boot_id() -> str:
    """This run of the machine since it was switched on; "" where the system does not say."""
    return _read("/proc/sys/kernel/random/boot_id") or _darwin("kern.bootsessionuuid")


def is_here(host: Optional[str], boot: Optional[str]) -> bool:
    """Whether a process that recorded this host and boot runs, or ran, on this machine.

    A boot id is the machine's own, whatever it is called now; only where there is none the host's name decides.
    """
    if boot and boot == boot_id():
        return True
    return host == host_id()


def folder_id(folder: Path) -> "list[int]":
    """A folder's device and inode: they stay when it is renamed, and a copy has others. Raises OSError."""
    status = folder.stat()
    return [status.st_dev, status.st_ino]


def process_start(pid: int) -> Optional[str]:
    """When the process started, as text that only compares for equality; None when it is not alive.

    A zombie is not alive. Linux: clock ticks since boot, field 22 of /proc/PID/stat (proc(5)); elsewhere from `ps`.
    """
    state, start = _state_and_start(pid)
    return start if start and state not in ("Z", "X", "x") else None


def process_alive(pid: int, start: Optional[str]) -> bool:
    """Whether the process that had this PID and start time still lives (a zombie does not)."""
    return start is not None and process_start(pid) == start


def process_stopped(pid: int, start: Optional[str]) -> bool:
    """Whether the process that had this PID and start time lives and is stopped, by a signal or by a debugger."""
    state, now = _state_and_start(pid)
    return bool(start) and now == start and state in ("T", "t")


def parent_of(pid: int) -> Optional[int]:
    """The PID of the process that this one comes from now; None where the system does not say."""
    fields = _fields(pid)
    return int(fields[1]) if len(fields) > 1 else None


def is_stopped(pid: int) -> bool:
    """Whether the process that has this PID now is stopped."""
    return _state_and_start(pid)[0] in ("T", "t")


def _state_and_start(pid: int) -> Tuple[str, str]:
    """The letter for the process's state and when it started; "" for what is not known."""
    if pid <= 0:
        return "", ""
    fields = _fields(pid)
    if len(fields) > 19:
        return fields[0].decode("ascii"), fields[19].decode("ascii")
    return ("", "") if sys.platform.startswith("linux") else _by_ps(pid)


def _fields(pid: int) -> "list[bytes]":
    """What Linux says of the process, from the third field of /proc/PID/stat on (proc(5)); nothing elsewhere."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The command name, in parentheses, may hold spaces and parentheses itself: fields follow the last one.
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def _by_ps(pid: int) -> Tuple[str, str]:
    import subprocess  # costs a script's start several milliseconds, and Linux never needs it

    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    try:
        answer = subprocess.run(command, env={**os.environ, "LC_ALL": "C"}, stdout=subprocess.PIPE, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "", ""
    state, _, start = answer.stdout.decode("utf-8", "replace").strip().partition(" ")
    return state[:1], start.strip()


def _host_name() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket

    return socket.gethostname()


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _darwin(name: str) -> str:
    """A text that macOS's sysctl(3) knows by that name; "" elsewhere."""
    if sys.platform != "darwin":
        return ""
    import ctypes

    library = ctypes.CDLL(None)
    size = ctypes.c_size_t(256)
    buffer = ctypes.create_string_buffer(size.value)
    failed = library.sysctlbyname(name.encode(), buffer, ctypes.byref(size), None, ctypes.c_size_t(0))
    return "" if failed else buffer.value.decode("utf-8", "replace")
