"""What each exit code means, and which error or state ends in which. The only place that says so."""

from enum import IntEnum

from workbench_store.errors import (
    ComputeError,
    DataError,
    EnvironmentFailed,
    NotFound,
    RunError,
    SnapshotError,
    SpecError,
    UsageError,
    WorkbenchError,
    WorkspaceError,
)
from workbench_store.states import RunState


class ExitCode(IntEnum):
    """The exit codes of `workbench`."""

    COMPLETED = 0
    RUN_FAILED = 1
    USAGE = 2
    BAD_SPEC = 3
    WORKSPACE = 4
    NOT_FOUND = 5
    REFUSED = 6
    RUN_CANCELED = 7
    NOT_RESPONDING = 8
    PROBLEMS = 9
    DIFFERENT = 10
    INTERNAL = 70
    INTERRUPTED = 130


#: One line for each code, for `--help` and the documentation.
MEANINGS: dict[ExitCode, str] = {
    ExitCode.COMPLETED: "done; the run is Completed",
    ExitCode.RUN_FAILED: "the run is Failed",
    ExitCode.USAGE: "wrong usage of the command",
    ExitCode.BAD_SPEC: "the job file is wrong, or its code folder cannot be snapshotted; nothing was started",
    ExitCode.WORKSPACE: "the workspace or its store is missing, damaged, busy or not writable",
    ExitCode.NOT_FOUND: "no such run, snapshot, compute, datastore or asset, or the prefix is ambiguous",
    ExitCode.REFUSED: "refused: it does not fit the run's state, the compute, the environment or the data",
    ExitCode.RUN_CANCELED: "the run is Canceled",
    ExitCode.NOT_RESPONDING: "the run is NotResponding: adopt or close it",
    ExitCode.PROBLEMS: "`doctor`, `verify` or `compute test` found problems",
    ExitCode.DIFFERENT: "`reproduce`: not everything came out the same",
    ExitCode.INTERNAL: "an error of Workbench itself",
    ExitCode.INTERRUPTED: "interrupted, or detached from a run that goes on",
}

_OF_STATE = {
    RunState.COMPLETED: ExitCode.COMPLETED,
    RunState.FAILED: ExitCode.RUN_FAILED,
    RunState.CANCELED: ExitCode.RUN_CANCELED,
    RunState.NOT_RESPONDING: ExitCode.NOT_RESPONDING,
}

_OF_ERROR: tuple[tuple[type[WorkbenchError], ExitCode], ...] = (
    (SpecError, ExitCode.BAD_SPEC),
    (SnapshotError, ExitCode.BAD_SPEC),
    (WorkspaceError, ExitCode.WORKSPACE),
    (NotFound, ExitCode.NOT_FOUND),
    (UsageError, ExitCode.USAGE),
    (EnvironmentFailed, ExitCode.REFUSED),
    (ComputeError, ExitCode.REFUSED),
    (RunError, ExitCode.REFUSED),
    (DataError, ExitCode.REFUSED),
)


def for_state(state: RunState) -> ExitCode:
    """The code that says in which state a followed run ended."""
    return _OF_STATE.get(state, ExitCode.INTERRUPTED)


def for_error(error: WorkbenchError) -> ExitCode:
    """The code of an error."""
    for kind, code in _OF_ERROR:
        if isinstance(error, kind):
            return code
    return ExitCode.INTERNAL
