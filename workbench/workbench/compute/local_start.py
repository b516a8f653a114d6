"""Starting a job on this machine: its parent process is called first, and starts the job when it is told to."""

import errno
import marshal
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain

from workbench_store import faults
from workbench_store.errors import ComputeError
from workbench_store.processes import boot_id, host_id

from workbench.compute.job_log import new_pipes
from workbench.compute.local_job import LocalJob
from workbench.compute.parent_code import MODULES, PROGRAM
from workbench.compute.protocol import JobLaunch, RankLaunch

_BASHES = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash")


def shell() -> str:
    """The shell that runs commands: bash where there is one, as on Azure ML, else sh."""
    return next((path for path in _BASHES if os.access(path, os.X_OK)), "/bin/sh")


class PreparedLocalJob:
    """A job whose parent loads what it needs, and waits for the word while the job's files are brought."""

    def __init__(self, launch: JobLaunch) -> None:
        self._launch = launch
        self._pipes = new_pipes(launch.logs)
        try:
            self._parent: subprocess.Popen[bytes] | OSError | None = _call_parent(launch, self._pipes)
        except OSError as error:
            self._parent = error
        finally:
            for _, target in self._pipes:
                os.close(target)

    def start(self, ranks: Sequence[RankLaunch] = (RankLaunch(),)) -> LocalJob:
        """Let the parent start these processes. Raises ComputeError when that is not possible."""
        if self._parent is None or isinstance(self._parent, OSError):
            raise _not_started(self._launch, self._parent) from self._parent
        parent, self._parent = self._parent, None
        try:
            _say(parent, marshal.dumps(self._word(ranks)))
        except BrokenPipeError as error:
            raise ComputeError("the job cannot be started: its parent process was killed") from error
        return LocalJob(
            self._launch.files, self._launch.run_id, parent, dict(enumerate(source for source, _ in self._pipes))
        )

    def _word(self, ranks: Sequence[RankLaunch]) -> dict[str, object]:
        """As the job's parent reads it."""
        listed = [{"variables": dict(one.variables), "rank": one.rank, "essential": one.essential} for one in ranks]
        logs = [str(self._launch.files.rank_log(rank)) for rank in range(self._launch.logs)]
        return {"ranks": listed, "logs": logs, "pipes": self._pipes}

    def drop(self) -> None:
        """Start nothing; of a job that was started, nothing is dropped."""
        if self._parent is None:
            return
        for source, _ in self._pipes:
            os.close(source)
        if isinstance(self._parent, subprocess.Popen):
            self._parent.kill()  # it would end by itself, but not while it is stopped
            with suppress(BrokenPipeError):
                _say(self._parent, b"")
            self._parent.wait()
        self._parent = None


def _say(parent: "subprocess.Popen[bytes]", last: bytes) -> None:
    """Say the last that it is told. Raises BrokenPipeError if it is gone."""
    if parent.stdin is not None:
        with parent.stdin as stdin:
            stdin.write(last)


def _not_started(launch: JobLaunch, error: OSError | None) -> ComputeError:
    why = _largest(launch) if error is not None and error.errno == errno.E2BIG else str(error or "it was given up")
    return ComputeError(f"the job cannot be started: {why}")


def _call_parent(launch: JobLaunch, pipes: list[tuple[int, int]]) -> "subprocess.Popen[bytes]":
    files = launch.files
    files.user_log.parent.mkdir(parents=True, exist_ok=True)
    arguments = [sys.executable, "-I", "-S", "-c", PROGRAM, shell(), launch.command, str(launch.working_directory)]
    arguments += [str(files.job_process), str(files.exit_status), host_id(), boot_id(), str(faults.__file__)]
    with files.user_log.open("ab") as log:
        parent = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",  # the job's own folder may not be there yet
            env=dict(launch.environment),
            start_new_session=True,
            pass_fds=(*launch.descriptors, *chain(*pipes)),
        )
    if parent.stdin is not None:
        with suppress(BrokenPipeError):  # whoever starts the job finds that out
            parent.stdin.write(MODULES)
            parent.stdin.flush()
    return parent


def _largest(launch: JobLaunch) -> str:
    """What to make smaller where the system takes no program with so much text."""
    texts = {f"the variable {name}": value for name, value in launch.environment.items()}
    texts["the command, with its inputs put in,"] = launch.command
    sizes = {what: len(os.fsencode(text)) for what, text in texts.items()}
    largest = max(sizes, key=sizes.__getitem__)
    return (
        f"its command and variables are too large for the system ({sum(sizes.values()):,} bytes); "
        f"{largest} alone has {sizes[largest]:,}: give it by a file"
    )
