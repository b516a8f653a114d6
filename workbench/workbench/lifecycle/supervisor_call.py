"""Calling a supervisor: a process that loads what it needs while whoever called it finds out which run it is for.

Commands that submit call it before they load anything else, so this imports little.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import contextlib
import fcntl
import json
import os
import sys

import workbench_store

from workbench.client.family import SUPERVISES
from workbench.lifecycle import supervisor_boot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: A run's own variables: a supervisor that a job started must not be taken for a part of that job.
_NOT_INHERITED = ("WORKBENCH_RUN_", "AZUREML_RUN_ID", "WORKBENCH_EXPERIMENT", "WORKBENCH_WORKSPACE", "WORKBENCH_FAMILY")
_called_ahead: list[SupervisorCall] = []


class SupervisorCall:
    """A process on its way, and the two pipes to it: `requests`, in lines of JSON, and `answers`, of a byte each."""

    def __init__(self, pid: int, requests: int, answers: int) -> None:
        self._pid = pid
        self._requests = requests
        self.answers = answers

    def say(self, content: dict[str, Any]) -> None:
        """Say a line of JSON."""
        self.write(json.dumps(content).encode() + b"\n")

    def write(self, data: bytes) -> None:
        """Write to it; if it is not there any more, that is told by what it does not answer."""
        with contextlib.suppress(BrokenPipeError):
            while data:
                data = data[os.write(self._requests, data) :]

    def close(self) -> None:
        """Leave it: it goes on if it has been told to, and ends by itself otherwise. A second call does nothing."""
        if self._pid:
            os.close(self._requests)
            os.close(self.answers)
            with contextlib.suppress(ChildProcessError):  # a program that submits may reap children by itself
                os.waitpid(self._pid, 0)  # it has forked by then, and ended
            self._pid = 0


def call_ahead() -> None:
    """Call the supervisor of the run that this process is about to submit. Where that fails, so does submitting, which
    tells it."""
    with contextlib.suppress(OSError):
        _called_ahead.append(_call())


def called_supervisor() -> SupervisorCall:
    """The one that was called ahead, or one that is called now. Raises OSError if Python cannot be started."""
    return _called_ahead.pop() if _called_ahead else _call()


def _call() -> SupervisorCall:
    theirs_in, requests = _pipe()
    answers, theirs_out = _pipe()
    try:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", supervisor_boot.__file__],
            {**inherited_environment(), SUPERVISES: "1"},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs_in, 0),
                (os.POSIX_SPAWN_DUP2, theirs_out, 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGCHLD],  # where it is ignored, nobody learns how a process ended
        )
    except BaseException:
        os.close(requests)
        os.close(answers)
        raise
    finally:
        os.close(theirs_in)
        os.close(theirs_out)
    call = SupervisorCall(pid, requests, answers)
    call.say({"path": import_path()})
    return call


def _pipe() -> tuple[int, int]:
    """The ends for reading and writing, above the standard streams, which this process may have closed."""
    ends = os.pipe()
    if min(ends) > 2:
        return ends
    try:
        reading, writing = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3) for end in ends)
    finally:
        os.close(ends[0])
        os.close(ends[1])
    return reading, writing


def inherited_environment() -> dict[str, str]:
    """This process's environment without what belongs to a run that it may itself be part of."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}


def import_path() -> list[str]:
    """Where the supervisor finds what this process has imported, whether installed, editable or from a folder."""
    roots = [_folder_above(__file__, 3), _folder_above(str(workbench_store.__file__), 2)]
    return list(dict.fromkeys([*roots, *filter(os.path.isabs, sys.path)]))


def _folder_above(path: str, levels: int) -> str:
    path = os.path.realpath(path)
    for _ in range(levels):
        path = os.path.dirname(path)
    return path
