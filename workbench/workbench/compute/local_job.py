"""A job on this machine: started through its parent process, watched by PID, start time and exit file."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench_store.errors import ComputeError
from workbench_store.layout import RunLayout
from workbench_store.processes import boot_id, host_id, process_alive, process_start

from workbench.compute import job_parent
from workbench.compute.process_end import Family, end_family
from workbench.compute.protocol import JobExit, JobLaunch

_BASHES = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash")
_POLL_SECONDS = 0.02


def shell() -> str:
    """The shell that runs commands: bash where there is one, as on Azure ML, else sh."""
    return next((path for path in _BASHES if os.access(path, os.X_OK)), "/bin/sh")


def start_job(launch: JobLaunch) -> "LocalJob":
    """Start the job's parent, which starts the job. Raises ComputeError when that is not possible."""
    files = launch.files
    arguments = [sys.executable, "-I", "-S", job_parent.__file__, shell(), launch.command]
    arguments += [str(files.job_process), str(files.exit_status), host_id(), boot_id()]
    files.user_log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with files.user_log.open("ab") as log:
            parent = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=launch.working_directory,
                env=dict(launch.environment),
                start_new_session=True,
            )
    except OSError as error:
        raise ComputeError(f"the job cannot be started: {error}") from error
    return LocalJob(files, launch.run_id, parent)


def find_job(files: RunLayout, run_id: str) -> "LocalJob | None":
    """The job that an earlier supervisor of this machine and boot started; None when there was none."""
    return LocalJob(files, run_id, None) if read_json(files.job_process) else None


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None when it is not there or not an object."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


@dataclass(frozen=True)
class _Watched:
    """A process by PID and start time; `start` None means the system did not say."""

    pid: int
    start: str | None

    def alive(self) -> bool:
        return process_start(self.pid) is not None if self.start is None else process_alive(self.pid, self.start)

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


class LocalJob:
    """The running job of one run. `parent` is known when this process started it."""

    def __init__(self, files: RunLayout, run_id: str, parent: subprocess.Popen[bytes] | None) -> None:
        self._files = files
        self._run_id = run_id
        self._parent = parent
        self._seen = _Watched(parent.pid, process_start(parent.pid)) if parent else None
        self._began = time.monotonic()

    def _identity(self) -> Mapping[str, Any]:
        found = read_json(self._files.job_process) or {}
        here = found.get("host") == host_id() and found.get("boot") == boot_id()
        return found if here else {}

    def _processes(self) -> list[_Watched]:
        """The parent, then the job itself; empty when they were of another boot and so are gone."""
        identity = self._identity()
        parent = self._seen
        if parent is None and identity.get("parent"):
            parent = _Watched(int(identity["parent"]), identity.get("parent_start"))
        job = _Watched(int(identity["pid"]), identity.get("start")) if identity.get("pid") else None
        return [process for process in (parent, job) if process is not None]

    @property
    def pid(self) -> int | None:
        """The job's own process, or its parent while that has not named it."""
        processes = self._processes()
        return processes[-1].pid if processes else None

    def elapsed(self) -> float:
        """Seconds since the job started; the monotonic clock is the same for all processes of one boot."""
        return time.monotonic() - float(self._identity().get("monotonic", self._began))

    def wait(self, seconds: float) -> JobExit | None:
        """How the job ended; None if it runs on after `seconds`."""
        deadline = time.monotonic() + seconds
        for process in self._processes():
            if not process.wait(max(0.0, deadline - time.monotonic())):
                return None
        # The parent may have died between the two looks, before or after naming the job: look again.
        if any(process.alive() for process in self._processes()):
            return None
        return self._exit()

    def _exit(self) -> JobExit:
        if self._parent is not None:
            self._parent.poll()
        found = read_json(self._files.exit_status)
        if found is not None:
            return JobExit(found["exit_code"], _text(found["signal"]), float(found["ended"]), found.get("seconds"))
        return self._reaped() or JobExit(None, None, time.time(), None)

    def _reaped(self) -> JobExit | None:
        """When the parent was killed, its orphan became this subreaper's child, and its status can be had
        here."""
        pid = self._identity().get("pid")
        if not pid:
            return None
        try:
            found, status = os.waitpid(int(pid), os.WNOHANG)
        except OSError:
            return None
        if found == 0:
            return None
        ended = _exit_of(os.waitstatus_to_exitcode(status), self.elapsed())
        self._keep(ended)
        return ended

    def _keep(self, ended: JobExit) -> None:
        """Write what can be learnt only once."""
        content = {
            "exit_code": ended.exit_code,
            "signal": ended.signal,
            "ended": ended.ended,
            "seconds": ended.seconds,
        }
        hidden = self._files.exit_status.with_suffix(".tmp")
        hidden.write_text(json.dumps(content))
        hidden.replace(self._files.exit_status)

    def end(self, grace: float) -> int:
        """End all that belongs to the job; the parent is spared, since it writes how the job ended."""
        processes = self._processes()
        parent = processes[0].pid if processes else None
        identity = self._identity()
        ours = frozenset({os.getpid()} if parent is None else {os.getpid(), parent})
        family = Family(self._run_id, identity.get("pid"), roots=ours, spared=ours)
        return end_family(family, grace, self.reap)

    def reap(self) -> None:
        """Collect the zombies of the job's orphans, which are this subreaper's children; never the job's
        own."""
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


def _exit_of(code: int, seconds: float) -> JobExit:
    """From a code as `subprocess` gives it: negative for a signal."""
    if code >= 0:
        return JobExit(code, None, time.time(), seconds)
    known = set(signal.Signals)
    return JobExit(None, signal.Signals(-code).name if -code in known else str(-code), time.time(), seconds)
