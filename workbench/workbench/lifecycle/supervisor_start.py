"""Starting a supervisor and shaking hands with it.

The supervisor is started first, takes its run's lock, says so, and waits for the word to go: its start costs
nothing while the submitter is busy with the snapshot, and a run that others can see is held from its first
moment. If the submitter dies, the supervisor reads the end of the channel instead, and goes on only if its
run was already made.

Over the channel go lines of JSON: what to supervise, then the secrets, then the word.
"""

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import workbench_store
from workbench_store.cache_root import VARIABLE as CACHE
from workbench_store.cache_root import cache_root
from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.compute.process_end import SUPERVISES
from workbench.lifecycle import supervisor_boot

LOCKED = b"L"
BUSY = b"B"
GO = b"\n"
_START_SECONDS = 60.0
#: A run's own variables: a supervisor that a job started must not be taken for a part of that job.
_NOT_INHERITED = ("WORKBENCH_RUN_", "AZUREML_RUN_ID", "WORKBENCH_EXPERIMENT", "WORKBENCH_WORKSPACE", "WORKBENCH_FAMILY")


class SupervisorStart:
    """A supervisor on its way: `tell` if there are secrets, `await_lock`, then `go`; or `abandon`."""

    def __init__(self, child: "subprocess.Popen[bytes]", channel: socket.socket) -> None:
        self._child = child
        self._channel = channel

    def tell(self, secrets: dict[str, str]) -> None:
        """Variables for the job that are recorded nowhere: they are added to its environment."""
        self._send(secrets)

    def await_lock(self) -> bool | None:
        """True once it holds the run's lock, False if another holds it, None if it did not come up."""
        self._channel.settimeout(_START_SECONDS)
        try:
            answer = self._channel.recv(1)
        except OSError:
            return None
        return {LOCKED: True, BUSY: False}.get(answer)

    def go(self) -> None:
        """Give the word; from now on it is on its own."""
        with suppress(OSError):
            self._channel.sendall(GO)
        self.abandon()

    def _send(self, content: dict[str, Any]) -> None:
        with suppress(OSError):  # it ended at once: `await_lock` will tell
            self._channel.sendall(json.dumps(content).encode() + b"\n")

    def abandon(self) -> None:
        """Close the channel; a supervisor that was not told to go ends by itself."""
        self._channel.close()
        self._child.wait()


def start_supervisor(layout: WorkspaceLayout, name: str, folder: Path, *, adopting: bool) -> SupervisorStart:
    """Start one for the run `name`, whose files are in `folder` for now. Raises OSError if Python cannot be started."""
    ours, theirs = socket.socketpair()
    log = RunLayout(folder).supervisor_log
    log.parent.mkdir(parents=True, exist_ok=True)
    with theirs, log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-I", supervisor_boot.__file__, name, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={**inherited_environment(), SUPERVISES: name},
            start_new_session=True,
            close_fds=True,
            pass_fds=[theirs.fileno()],
        )
    request = {
        "path": import_path(),
        "workspace": str(layout.root),
        "name": name,
        "folder": str(folder),
        "adopting": adopting,
    }
    started = SupervisorStart(child, ours)
    started._send(request)
    return started


def inherited_environment() -> dict[str, str]:
    """The submitter's environment without what belongs to a run that the submitter itself may be part of, and with the
    cache where the submitter has it: the supervisor is in another folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    return {**inherited, CACHE: str(cache_root())}


def import_path() -> list[str]:
    """Where the supervisor finds what this process has imported, whether installed, editable or from a
    folder."""
    ours, store = (Path(str(file)).resolve().parents for file in (__file__, workbench_store.__file__))
    roots = [str(ours[2]), str(store[1])]
    return list(dict.fromkeys([*roots, *(entry for entry in sys.path if Path(entry).is_absolute())]))
