"""A submitted run in a test's hands: waiting for it, reading what it recorded, killing its supervisor."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.compute.process_end import Family, members
from workbench.lifecycle.files import read_json
from workbench.lifecycle.judge import current_state, supervisor_alive
from workbench_store.journal.decoding import Event, decode
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.processes import process_alive
from workbench_store.states import RunState

DEADLINE_SECONDS = 30.0


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Poll until the condition holds; fail with what was waited for after a generous time."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Launched:
    """A submitted run, and what a test asks of it."""

    layout: WorkspaceLayout
    name: str

    @property
    def files(self) -> RunLayout:
        return self.layout.run(self.name)

    @property
    def state(self) -> RunState:
        return current_state(self.files)

    @cached_property  # for the day on which the run has no folder
    def id(self) -> str:
        return str((read_json(self.files.identity) or {})["id"])

    def events(self, name: str) -> list[dict[str, Any]]:
        """The fields of the run's events of that name, by time."""
        found: list[Event] = []
        for path in self.files.journals.glob("*.wbj"):
            found += [record for record, _ in decode(path.read_bytes()) if isinstance(record, Event)]
        return [event.fields for event in sorted(found, key=lambda event: event.time) if event.name == name]

    def states(self) -> list[str]:
        return [str(fields["state"]) for fields in self.events("state")]

    def warnings(self) -> list[str]:
        return [str(fields["text"]) for fields in self.events("warning")]

    def last_state(self) -> dict[str, Any]:
        return self.events("state")[-1]

    def artifacts(self) -> set[str]:
        return {str(fields["path"]) for fields in self.events("artifact")}

    def finish(self) -> RunState:
        """Wait for the end of the run and of its supervisor."""
        wait_until(lambda: self.state.final and not supervisor_alive(self.files), f"the end of {self.name}")
        return self.state

    def wait_for(self, *states: RunState) -> None:
        wait_until(lambda: self.state in states, f"{self.name} to be {states}")

    def wait_for_file(self, name: str) -> Path:
        """Wait for a file that the command writes into ./outputs."""
        path = self.files.outputs / name
        wait_until(path.exists, f"{path}")
        return path

    def supervisor_pid(self) -> int:
        wait_until(lambda: read_json(self.files.supervisor_process), "the supervisor")
        return int((read_json(self.files.supervisor_process) or {})["pid"])

    def kill_supervisor(self) -> None:
        """SIGKILL, and wait until its lock is free."""
        record = read_json(self.files.supervisor_process) or {}
        os.kill(self.supervisor_pid(), signal.SIGKILL)
        wait_until(lambda: not process_alive(int(record["pid"]), record["start"]), "the supervisor's death")
        wait_until(lambda: not supervisor_alive(self.files), "the supervisor's lock")

    def processes(self) -> list[int]:
        """The PIDs of everything that carries the run's id."""
        return [entry.pid for entry in members(Family(self.id, self.files.root, frozenset(), frozenset(), frozenset()))]

    def kill_everything(self) -> None:
        """SIGKILL whatever is left of the run, its supervisor first, until nothing is."""
        if supervisor_alive(self.files):
            self.kill_supervisor()
        wait_until(lambda: not _killed(self.processes()), "the run's processes to be gone")


def _killed(pids: list[int]) -> list[int]:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pids


#: Submits a command with the fields of a job.
Launch = Callable[..., Launched]
