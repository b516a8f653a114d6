"""A job on this machine, which `local_start` started: watched by PID, start time and exit file."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from workbench_store.layout import RunLayout
from workbench_store.processes import boot_id, folder_id, is_here, process_alive, process_start

from workbench.client.json_files import read_json
from workbench.compute.job_log import JobLog
from workbench.compute.job_pipes import found_pipes
from workbench.compute.process_end import Family, end_family, members
from workbench.compute.protocol import JobExit

_POLL_SECONDS = 0.02
#: Ranks that nobody else ends, as their parent was killed, have this long between SIGTERM and SIGKILL.
_ORPHANS_GRACE_SECONDS = 10.0
#: So often the output of a job without its parent is brought to its log.
_ALONE_SECONDS = 0.05


def find_job(files: RunLayout, run_id: str) -> "LocalJob | None":
    """The job that an earlier supervisor of this machine and boot started; None when there was none."""
    return LocalJob(files, run_id, None) if read_json(files.job_process) else None


class WatchedProcess(Struct, frozen=True):
    """A process by PID and start time; `start` None means the system did not say."""

    pid: int
    start: str | None

    def alive(self) -> bool:
        return process_start(self.pid) is not None if self.start is None else process_alive(self.pid, self.start)

    def replaced(self) -> bool:
        """Whether another process has its PID by now."""
        now = process_start(self.pid)
        return now is not None and self.start is not None and now != self.start

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, waiting for that up to `seconds`."""
        deadline = time.monotonic() + seconds
        descriptor = _pidfd(self.pid)
        try:
            while self.alive():
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                if descriptor is None:
                    time.sleep(min(_POLL_SECONDS, remaining))
                else:
                    select.select([descriptor], [], [], remaining)
            return True
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends (pidfd_open(2)); None where there is no such
    thing."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def job_identity(files: RunLayout) -> Mapping[str, Any]:
    """What the job's parent wrote (`job.json`); empty when its processes were of another host or boot, or belong to
    the run that this one is a copy of."""
    found = read_json(files.job_process) or {}
    if found and not found.get("pid"):  # the ranks may be named where the room for that was reserved
        found = read_json(_reserved(files.job_process)) or found
    here = is_here(found.get("host"), found.get("boot")) and found.get("boot") == boot_id()
    own = found.get("folder") in (None, folder_id(files.control))
    return found if here and own else {}


def ranks_of(identity: Mapping[str, Any]) -> list[WatchedProcess]:
    """A job's own processes by rank, from its `job_identity`."""
    listed = identity.get("ranks") or [identity]
    return [WatchedProcess(int(one["pid"]), one.get("start")) for one in listed if one.get("pid")]


def living_process(files: RunLayout) -> int | None:
    """The PID of one of the job's own processes that lives, or of their parent while it has not named them; jobs of
    other hosts cannot be seen."""
    identity = job_identity(files)
    processes = ranks_of(identity)
    if not processes and identity.get("parent"):
        processes = [WatchedProcess(int(identity["parent"]), identity.get("parent_start"))]
    return next((process.pid for process in processes if process.alive()), None)


def recorded_exit(files: RunLayout) -> Mapping[str, Any] | None:
    """How the job ended, as its parent wrote it, be it only where it had reserved the room for that; None while nobody
    has."""
    return read_json(files.exit_status) or read_json(_reserved(files.exit_status)) or None


def _reserved(path: Path) -> Path:
    """Where the job's parent has taken room for that file, and writes it first."""
    return path.with_name(path.name + ".tmp")


class LocalJob:
    """The running job of one run. `parent`, and the `pipes` of its logs by rank, are known when this process started
    it."""

    def __init__(
        self,
        files: RunLayout,
        run_id: str,
        parent: subprocess.Popen[bytes] | None,
        pipes: dict[int, int] | None = None,
    ) -> None:
        self._files = files
        self._run_id = run_id
        self._parent = parent
        self._seen = WatchedProcess(parent.pid, process_start(parent.pid)) if parent else None
        self._began = time.monotonic()
        self._codes: dict[int, int] = {}
        self._logs: list[JobLog] = []
        # Open from the first moment: what is in a pipe is lost when the last process that has it ends.
        self._pipes = self._found_pipes() if pipes is None else pipes

    def _identity(self) -> Mapping[str, Any]:
        return job_identity(self._files)

    def _its_parent(self) -> WatchedProcess | None:
        """The parent; None when it was of another boot and so is gone."""
        identity = self._identity()
        if self._seen is None and identity.get("parent"):
            return WatchedProcess(int(identity["parent"]), identity.get("parent_start"))
        return self._seen

    def _ranks(self) -> list[WatchedProcess]:
        """The job's own processes by rank; none while the parent has not named them."""
        return ranks_of(self._identity())

    def _processes(self) -> list[WatchedProcess]:
        parent = self._its_parent()
        return [*([parent] if parent else []), *self._ranks()]

    @property
    def pid(self) -> int | None:
        """The process whose tree is the job: its own, or its parent where it has several, or has not named it."""
        ranks, parent = self._ranks(), self._its_parent()
        if len(ranks) == 1 or (ranks and parent is None):
            return ranks[0].pid
        return parent.pid if parent else None

    def elapsed(self) -> float:
        """Seconds since the job started; the monotonic clock is the same for all processes of one boot."""
        return time.monotonic() - float(self._identity().get("monotonic", self._began))

    def wait(self, seconds: float) -> JobExit | None:
        """How the job ended; None if it runs on after `seconds`."""
        deadline = time.monotonic() + seconds
        # The parent may die before or after naming the job: who there is is looked up each time.
        while process := next((one for one in self._processes() if one.alive()), None):
            remaining = max(0.0, deadline - time.monotonic())
            alone = self._is_alone()
            if alone:
                self._empty_pipes()
            if process.wait(min(remaining, _ALONE_SECONDS) if alone else remaining):
                continue
            if time.monotonic() >= deadline:
                if self._left_alone():
                    self.end(_ORPHANS_GRACE_SECONDS)
                return None
        return self._exit()

    def _is_alone(self) -> bool:
        """Whether the job's parent is gone."""
        parent = self._its_parent()
        return parent is None or not parent.alive()

    def _found_pipes(self) -> dict[int, int]:
        """The pipes of the job's logs by rank, as one of its processes has them."""
        return found_pipes(self._identity().get("pipes") or (), self._holders())

    def _holders(self) -> Iterator[int]:
        yield from (process.pid for process in self._processes())
        yield from (member.pid for member in members(self._family(frozenset())))

    def _empty_pipes(self) -> None:
        """Bring the output of a job whose parent is gone to its logs, which was the parent's task."""
        if not self._logs:
            for rank, source in self._pipes.items():
                with suppress(OSError):
                    self._logs.append(JobLog(source, str(self._files.rank_log(rank))))
        for log in self._logs:
            log.take_all()

    def _left_alone(self) -> bool:
        """Whether ranks live on that their parent would have ended, had it not been killed: one has failed, or all
        essential ones have ended."""
        listed, parent = self._identity().get("ranks") or (), self._its_parent()
        if len(listed) < 2 or (parent is not None and parent.alive()):
            return False
        self._collect()
        needed = [rank for rank, one in zip(self._ranks(), listed, strict=True) if one.get("essential", True)]
        failed = any(self._codes.get(rank.pid) for rank in self._ranks())
        return failed or not any(rank.alive() for rank in needed)

    def _exit(self) -> JobExit:
        if self._parent is not None:
            self._parent.poll()
        self._empty_pipes()
        found = recorded_exit(self._files)
        if found is not None:
            return JobExit(
                found["exit_code"],
                _text(found["signal"]),
                float(found["ended"]),
                found.get("seconds"),
                found.get("rank"),
                found.get("unsaved", 0) + self._unsaved(),
            )
        ended = self._reaped() or JobExit(None, None, time.time(), None)
        # Its pipes, and what was in them, went with the last process that had them.
        unheard = bool(self._identity().get("pipes")) and not self._pipes
        return replace(ended, unsaved=self._unsaved(), unheard=unheard)

    def _unsaved(self) -> int:
        return sum(log.unsaved for log in self._logs)

    def _reaped(self) -> JobExit | None:
        """When the parent was killed, its orphans became this subreaper's children, and how the first that failed
        ended can be had here; None unless all of them are."""
        self._collect()
        ranks = self._ranks()
        numbers = {rank.pid: number for number, rank in enumerate(ranks)}
        # In the order in which they were collected, so that the first to fail is told, not those ended for it.
        codes = {numbers[pid]: code for pid, code in self._codes.items() if pid in numbers}
        if not ranks or len(codes) < len(ranks):
            return None
        verdict = next((number for number, code in codes.items() if code), 0)
        ended = _exit_of(codes[verdict], self.elapsed(), verdict if len(ranks) > 1 else None)
        self._keep(ended)
        return ended

    def _collect(self) -> None:
        """Take note of how ranks that are this process's children ended."""
        for rank in self._ranks():
            with suppress(OSError):
                found, status = os.waitpid(rank.pid, os.WNOHANG)
                if found:
                    self._codes[found] = os.waitstatus_to_exitcode(status)

    def _keep(self, ended: JobExit) -> None:
        """Write what can be learnt only once."""
        content = {
            "exit_code": ended.exit_code,
            "signal": ended.signal,
            "ended": ended.ended,
            "seconds": ended.seconds,
            "rank": ended.rank,
        }
        # Into the room that the job's parent took on the disk, if it is there; else it is known here alone.
        hidden = _reserved(self._files.exit_status)
        with suppress(OSError):
            with hidden.open("r+b" if hidden.exists() else "wb") as file:
                file.write(json.dumps(content).encode())
            hidden.replace(self._files.exit_status)

    def end(self, grace: float, patience: float = 0.0) -> int:
        """End all that belongs to the job. The parent is spared, since it writes how the job ended; but one that has
        not started it yet (as long as the disk is full) must not do so later."""
        parent = self._its_parent()
        if parent is not None and parent.alive():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(parent.pid, signal.SIGCONT)  # one that is stopped would never write it
        if parent is not None and not self._ranks() and parent.alive():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(parent.pid, signal.SIGKILL)
            parent.wait(_POLL_SECONDS * 50)
        # A PID may be another process's by now: then neither its children nor its group are the job's.
        ours = frozenset({os.getpid(), *([parent.pid] if parent is not None and parent.alive() else [])})
        ended = end_family(self._family(ours), grace, self.reap, patience)
        if self._is_alone():
            self._empty_pipes()
        return ended

    def _family(self, spared: frozenset[int]) -> Family:
        """What tells the job's processes; those that are spared may have some below them."""
        groups = frozenset(rank.pid for rank in self._ranks() if not rank.replaced())
        return Family(self._run_id, self._files.root, groups, roots=spared, spared=spared)

    def reap(self) -> None:
        """Collect the zombies of the job's orphans, which are this subreaper's children; never the job's
        own."""
        self._collect()
        kept = {process.pid for process in self._processes()}
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except OSError:
                return
            if found is None or found.si_pid in kept:
                return
            with suppress(OSError):
                os.waitpid(found.si_pid, os.WNOHANG)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _exit_of(code: int, seconds: float, rank: int | None) -> JobExit:
    """From a code as `subprocess` gives it: negative for a signal."""
    if code >= 0:
        return JobExit(code, None, time.time(), seconds, rank)
    known = set(signal.Signals)
    return JobExit(None, signal.Signals(-code).name if -code in known else str(-code), time.time(), seconds, rank)
