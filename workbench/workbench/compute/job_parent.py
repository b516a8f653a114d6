"""The parent of a job: starts the command, waits, writes how it ended. A process of its own: `local_start` calls it.

It leads a session of its own and outlives its supervisor, so that the exit status is never lost. It must
start fast, so it imports little, and of workbench only what is beside it. The job's stdout and stderr are pipes
(`job_log`), which it empties into the log of each rank.

A job is one command in one or several processes ("ranks"), each of a process group of its own. The first
rank that fails ends the others; once all essential ones have ended, so do the rest (parameter servers, which
never end by themselves).

It is called before the job can be started. Its code comes over its stdin, and then, when it is time, the word to go (a
mapping, marshalled: `ranks`, a list of mappings with `variables`, `rank` and `essential`, `logs`, a list of files, and
`pipes`, the descriptors of each log's pipe); without that it ends.

Arguments: shell, command, the job's folder, the file for the process ids, the file for the exit status, host id, boot
id, and where workbench_store.faults is.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import errno
import itertools
import marshal
import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

if __name__ == "job_parent":
    from job_log import JobLog, is_replaced, place_of  # type: ignore[import-not-found]
else:
    from workbench.compute.job_log import JobLog, is_replaced, place_of

# No json, pathlib, signal (but what it is made of) or typing here: each would add a third or more to the time that this
# takes to start.

#: Set to be ignored by Python or by whoever started us; a job begins with the system's defaults.
_DEFAULT_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGCHLD,
)
#: A rank that is ended because another failed has this long between SIGTERM and SIGKILL.
_GRACE_SECONDS = 10.0
#: While the disk is full it is tried again this often.
_RETRY_SECONDS = 0.2
#: So long a job that has ended waits for room for the last of its output.
_SAVE_SECONDS = 5.0
#: So often it is looked for what nothing tells of.
_LOOK_SECONDS = 0.05
_ROOM_BYTES = 1024
_ROOM_BYTES_OF_RANK = 128
#: Tells `mpi_rank` where the output of each rank goes: a JSON list.
_PIPES = "WORKBENCH_RANK_PIPES"


def _as_json(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_as_json(key)}: {_as_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_as_json, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(map(_in_json, value)) + '"'
    return {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))


def _in_json(character: str) -> str:
    plain = " " <= character <= "~" and character not in '"\\'
    return character if plain or character > "\uffff" else f"\\u{ord(character):04x}"


def _start_of(pid: int) -> str | None:
    """When a process started, as workbench_store.processes gives it; None where there is no /proc."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode("ascii")
    except (OSError, IndexError):
        return None


def _keep_to_itself() -> None:
    """The locks of the job's place are this process's; the job would keep them beyond its end in what it leaves
    behind."""
    try:
        every = {int(name) for name in os.listdir("/proc/self/fd")}
    except OSError:
        every = set(range(1024))
    for descriptor in every - {0, 1, 2}:
        try:  # noqa: SIM105
            os.set_inheritable(descriptor, False)
        except OSError:
            pass


def _folder_id(folder: str) -> list[int]:
    """As workbench_store.processes gives it: a copy of a run's folder does not have the run's processes."""
    status = os.stat(folder)
    return [status.st_dev, status.st_ino]


def _reserve(path: str, size: int) -> int:
    """Take the room on the disk that `_write` will need: a full disk must not swallow how a job ended. The descriptor
    of that room: nor must a folder that may not be looked into."""
    descriptor = -1
    while True:
        try:
            if descriptor < 0:
                descriptor = os.open(path + ".tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            if os.pwrite(descriptor, b" " * size, 0) == size:
                os.fsync(descriptor)
                return descriptor
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
        time.sleep(_RETRY_SECONDS)


def _write(path: str, room: int, content: dict[str, object]) -> None:
    """Fill what was reserved and rename it into place."""
    _fill(path, room, content)
    os.replace(path + ".tmp", path)


def _fill(path: str, room: int, content: dict[str, object]) -> None:
    """Blanks behind a JSON object mean nothing. Where a copy lies in the place of what was reserved, as `sed -i` over a
    whole folder leaves there, that is what is read."""
    if not os.fstat(room).st_nlink or is_replaced(room, path + ".tmp"):
        try:
            copy = os.open(path + ".tmp", os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError:
            pass  # the folder is gone, and with it who would ask
        else:
            os.dup2(copy, room, inheritable=False)
            os.close(copy)
    os.pwrite(room, _as_json(content).encode(), 0)
    os.fsync(room)
    os.close(room)


def _go_where_it_is(folder: str) -> None:
    """A copy may have taken the place of the folder that we are in."""
    try:
        if not os.stat(".").st_nlink:
            os.chdir(folder)
    except OSError:
        pass  # it is gone


def _write_for_good(path: str, room: int, content: dict[str, object]) -> None:
    """Once the job has started nobody can tell it again: a disk that turned read-only is waited for, and where the
    folder may not be written any more it is read where the room was reserved (`local_job`)."""
    while True:
        try:
            _fill(path, room, content)
            break
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
            time.sleep(_RETRY_SECONDS)
    try:  # noqa: SIM105 (contextlib would be one more module to load)
        os.replace(path + ".tmp", path)
    except OSError:
        pass


def _start(shell: str, command: str, variables: dict[str, str], output: str) -> int:
    """The PID of the command, in a process group of its own. Its output goes to a pipe, or to the end of a file."""
    # Open for reading too, a pipe never breaks: see job_log.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        shell,
        [shell, "-c", command],
        {**os.environ, **variables},
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)],
        setpgroup=0,
        setsigmask=[],
        setsigdef=_DEFAULT_SIGNALS,
    )


def _start_all(shell: str, command: str, ranks: list[dict[str, Any]], outputs: list[str]) -> list[int]:
    """The PIDs of all ranks; none stays if one cannot be started. `outputs` is where each rank's output goes."""
    pids: list[int] = []
    try:
        for rank in ranks:
            pids.append(_start(shell, command, rank["variables"], outputs[rank["rank"]]))
    except BaseException:
        _signal_groups(set(pids), signal.SIGKILL)
        raise
    return pids


def _signal_groups(groups: set[int], number: int) -> None:
    for group in groups:
        try:  # noqa: SIM105 (contextlib would be one more module to load)
            os.killpg(group, number)
        except OSError:
            pass


class _Events:
    """Waits until a rank may have ended or its output is there, and brings that to its log."""

    def __init__(self, pids: list[int], logs: list[JobLog]) -> None:
        self._poll = select.poll()
        self._logs = {log.source: log for log in logs}
        self._ends: dict[int, int] = {}
        self._blind = False
        for log in logs:
            self._poll.register(log.source, select.POLLIN)
        for pid in pids:
            try:
                descriptor = os.pidfd_open(pid)
            except (OSError, AttributeError):
                self._blind = True  # an old system: it is looked again and again
                continue
            self._ends[pid] = descriptor
            self._poll.register(descriptor, select.POLLIN)

    def wait(self, most: float | None) -> None:
        """Wait so many seconds at most (None: for as long as it takes)."""
        if self._blind:
            most = min(_LOOK_SECONDS, most or _LOOK_SECONDS)
        if any(log.unsaved for log in self._logs.values()):
            most = min(_RETRY_SECONDS, most or _RETRY_SECONDS)
        ready = self._poll.poll(None if most is None else most * 1000)
        for descriptor, _ in ready:
            if descriptor in self._logs:
                self._logs[descriptor].take()
        for log in self._logs.values():
            if log.unsaved:
                log.take()

    def ended(self, pid: int) -> None:
        """That rank was seen to end."""
        descriptor = self._ends.pop(pid, None)
        if descriptor is not None:
            self._poll.unregister(descriptor)
            os.close(descriptor)


def _wait(pids: list[int], essential: list[bool], logs: list[JobLog]) -> tuple[int, int]:
    """Wait for all ranks; the first that failed by itself and its status, or zeros."""
    events = _Events(pids, logs)
    statuses: dict[int, int] = {}
    verdict: int | None = None
    ending_since: float | None = None
    while len(statuses) < len(pids):
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in pids:
            rank = pids.index(pid)
            statuses[rank] = status
            events.ended(pid)
            if verdict is None and ending_since is None and status != 0:
                verdict = rank
        left = {pids[rank] for rank in range(len(pids)) if rank not in statuses}
        waited_for = any(essential[rank] for rank in range(len(pids)) if rank not in statuses)
        if ending_since is None and left and (verdict is not None or not waited_for):
            ending_since = time.monotonic()
            _signal_groups(left, signal.SIGTERM)
        elif pid == 0 and ending_since is not None and time.monotonic() - ending_since > _GRACE_SECONDS:
            _signal_groups(left, signal.SIGKILL)
        if pid == 0:
            events.wait(None if ending_since is None else _LOOK_SECONDS)
    return (0, 0) if verdict is None else (verdict, statuses[verdict])


def _save(logs: list[JobLog]) -> None:
    """Bring what is in the pipes to the logs; a full disk is given a while."""
    deadline = time.monotonic() + _SAVE_SECONDS
    for log in logs:
        log.take_all()
    while any(log.unsaved for log in logs) and time.monotonic() < deadline:
        time.sleep(_RETRY_SECONDS)
        for log in logs:
            log.take()


def _fault_points(path: str) -> Callable[[str], object]:
    """`fault` of workbench_store.faults, loaded only where a test has armed it: each import delays the job."""
    if not any(name.startswith("WORKBENCH_FAULT") for name in os.environ):
        return lambda point: None
    import runpy

    found: Callable[[str], object] = runpy.run_path(path)["fault"]
    return found


def _identity(folder: str, host: str, boot: str, pipes: list[tuple[int, int]]) -> dict[str, object]:
    """What tells this process and the job's pipes from all others."""
    return {
        "parent": os.getpid(),
        "parent_start": _start_of(os.getpid()),
        "host": host,
        "boot": boot,
        "folder": _folder_id(folder),
        "started": time.time(),
        "monotonic": time.monotonic(),
        "pipes": [os.fstat(source).st_ino for source, _ in pipes],
    }


def _begin(shell: str, command: str, ranks: list[dict[str, Any]], outputs: list[str], pipes: list[Any]) -> list[int]:
    """Start the ranks, for good; their PIDs."""
    if len(pipes) > len(ranks):
        # Ranks that one of these starts find their pipes by it.
        os.environ[_PIPES] = _as_json([place_of(target, os.getpid()) for _, target in pipes])
    return _start_all(shell, command, ranks, outputs)


def _named(pids: list[int], ranks: list[dict[str, Any]]) -> dict[str, object]:
    """The ranks' processes; of the first also as that of the job."""
    started = [
        {"pid": pid, "start": _start_of(pid), "essential": rank["essential"]}
        for pid, rank in zip(pids, ranks, strict=True)
    ]
    return {**started[0], "ranks": started}


def _how_it_ended(status: int) -> dict[str, object]:
    ending = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    return {
        "exit_code": None if ending else os.WEXITSTATUS(status),
        "signal": _signal_names().get(ending, ending),
    }


def _signal_names() -> dict[int | None, str]:
    """Of those with several the first, as for `signal.Signals`."""
    names = [name for name in dir(signal) if name.startswith("SIG") and "_" not in name]
    return {getattr(signal, name): name for name in reversed(names)}


def _awaited(stdin: BinaryIO) -> dict[str, Any]:
    """The word to go; where there is none, this process ends. The job's own stdin is empty."""
    try:
        word: dict[str, Any] = marshal.load(stdin)
    except (EOFError, ValueError):
        os._exit(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return word


def main(arguments: list[str], stdin: BinaryIO) -> None:
    """Start the command as soon as there is the word, wait for it, write its exit status."""
    shell, command, working_directory, process_file, exit_file, host, boot, faults = arguments
    fault = _fault_points(faults)
    fault("parent.begun")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _keep_to_itself()
    word = _awaited(stdin)
    ranks, pipes = word["ranks"], word["pipes"]
    for descriptor in itertools.chain(*pipes):
        os.set_inheritable(descriptor, False)
    os.chdir(working_directory)
    folder = os.path.dirname(process_file)
    identity = _identity(folder, host, boot, pipes)
    # Written before the job is there as well: a supervisor killed in between must not take it for never
    # started.
    room = _ROOM_BYTES + _ROOM_BYTES_OF_RANK * max(len(ranks), len(pipes))
    _write(process_file, _reserve(process_file, room), {**identity, "pid": None, "start": None})
    fault("parent.announced")
    room_for_processes, room_for_exit = _reserve(process_file, room), _reserve(exit_file, _ROOM_BYTES)
    logs = [JobLog(source, log) for (source, _), log in zip(pipes, word["logs"], strict=False)]
    control = os.open(folder, os.O_RDONLY)
    began = time.monotonic()
    pids = _begin(shell, command, ranks, [place_of(target) for _, target in pipes] or word["logs"], pipes)
    # A workspace may be moved while the job runs: its folder is found wherever it is.
    os.chdir(control)
    process_file, exit_file = os.path.basename(process_file), os.path.basename(exit_file)
    fault("parent.spawned")
    _write_for_good(process_file, room_for_processes, {**identity, **_named(pids, ranks)})
    fault("parent.named")
    rank, status = _wait(pids, [bool(rank["essential"]) for rank in ranks], logs)
    times = {"ended": time.time(), "seconds": time.monotonic() - began}
    _save(logs)
    _go_where_it_is(folder)
    fault("parent.before-exit-status")
    failed = {"rank": rank if len(ranks) > 1 else None, "unsaved": sum(log.unsaved for log in logs)}
    _write_for_good(exit_file, room_for_exit, {**_how_it_ended(status), **times, **failed})
    fault("parent.after-exit-status")
    os._exit(0)  # Python would take apart what it has loaded first, and whoever waits for the end waits for that
