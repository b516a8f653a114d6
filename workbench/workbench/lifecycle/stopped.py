"""Supervisors that are stopped (SIGSTOP, a debugger): they hold their run, and do nothing until they are let go on."""

from workbench_store.errors import RunError
from workbench_store.layout import RunLayout
from workbench_store.processes import process_stopped

from workbench.lifecycle.files import read_json


def stopped(files: RunLayout, then: str) -> RunError | None:
    """The error that says so, if the run's supervisor is stopped; `then` is what follows from it."""
    record = read_json(files.supervisor_process) or {}
    pid, start = record.get("pid"), record.get("start")
    if not isinstance(pid, int) or not process_stopped(pid, start):
        return None
    return RunError(
        f"the supervisor of run {files.name} (PID {pid}) is stopped: {then}",
        remedy=f"Let it go on: kill -CONT {pid}",
    )
