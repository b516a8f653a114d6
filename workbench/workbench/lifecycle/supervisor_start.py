"""Giving a supervisor its run, and shaking hands with it.

The supervisor is called first, takes its run's lock as soon as it is told which that is, says so, and waits for the
word to go: its start costs nothing while the submitter is busy with the job file and the snapshot, and a run that
others can see is held from its first moment. If the submitter dies, the supervisor reads the end of its requests
instead, and goes on only if its run was already made.

To it go lines of JSON: where to find what it loads, what to supervise, then the secrets, then the word.
"""

import os
import select
from pathlib import Path

from workbench_store.cache_root import VARIABLE as CACHE
from workbench_store.cache_root import cache_root
from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.lifecycle.supervisor_call import SupervisorCall, called_supervisor

LOCKED = b"L"
BUSY = b"B"
GO = b"\n"
_START_SECONDS = 60.0


class SupervisorStart:
    """A supervisor on its way to its run: `tell` if there are secrets, `await_lock`, then `go`; or `abandon`."""

    def __init__(self, call: SupervisorCall) -> None:
        self._call = call

    def tell(self, secrets: dict[str, str]) -> None:
        """Variables for the job that are recorded nowhere: they are added to its environment."""
        self._call.say(secrets)

    def await_lock(self) -> bool | None:
        """True once it holds the run's lock, False if another holds it, None if it did not come up."""
        poll = select.poll()
        poll.register(self._call.answers, select.POLLIN)
        answer = os.read(self._call.answers, 1) if poll.poll(_START_SECONDS * 1000) else b""
        return {LOCKED: True, BUSY: False}.get(answer)

    def go(self) -> None:
        """Give the word; from now on it is on its own."""
        self._call.write(GO)
        self.abandon()

    def abandon(self) -> None:
        """Leave it; a supervisor that was not told to go ends by itself."""
        self._call.close()


def start_supervisor(layout: WorkspaceLayout, name: str, folder: Path, *, adopting: bool) -> SupervisorStart:
    """Let one take the run `name`, whose files are in `folder` for now. Raises OSError if Python cannot be started."""
    log = RunLayout(folder).supervisor_log
    log.parent.mkdir(parents=True, exist_ok=True)
    call = called_supervisor()
    call.say(
        {
            "workspace": str(layout.root),
            "name": name,
            "folder": str(folder),
            "adopting": adopting,
            "log": str(log),
            "variables": {CACHE: str(cache_root())},  # it is in another folder
        }
    )
    return SupervisorStart(call)
