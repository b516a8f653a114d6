"""The one error root. A message names the thing, the place and the remedy. (Python 3.8: the in-job client uses it.)

Exit codes are not here: `workbench.cli.exit_codes` maps these classes to them, in one place.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional


class WorkbenchError(Exception):
    """What every error that a user may see derives from.

    `message` says what is wrong and where; `remedy`, if there is one, says what to do about it.
    """

    def __init__(self, message: str, *, remedy: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message


class WorkspaceError(WorkbenchError):
    """The workspace cannot be found, made, opened or written."""


class StoreBusy(WorkspaceError):
    """Another program holds the store file; the message names its PID where that can be had."""


class StoreInUse(StoreBusy):
    """Programs of ours are reading or writing the store all the time; it can be had once they let go."""


class StoreTooNew(WorkspaceError):
    """The store was written by a newer version than this one."""


class StoreDamaged(WorkspaceError):
    """The store file cannot be read; `workbench doctor --rebuild` makes it again from the journals."""


class NotFound(WorkbenchError):
    """A run, snapshot, artifact or compute of that name does not exist (or a prefix is ambiguous)."""


class SpecError(WorkbenchError):
    """A job file or a builder call is wrong; nothing was started."""


class SnapshotError(WorkbenchError):
    """The code folder cannot be snapshotted, or a snapshot fails its verification."""


class EnvironmentFailed(WorkbenchError):
    """An environment cannot be prepared."""


class ComputeError(WorkbenchError):
    """A compute is unknown or cannot take the run."""


class DataError(WorkbenchError):
    """Data cannot be fetched, kept, registered or uploaded."""


class RunError(WorkbenchError):
    """What was asked of a run does not fit its state."""


class UsageError(WorkbenchError):
    """A wrong argument to the Python API or the command line."""


class StaleStore(UserWarning):
    """What runs recorded of late cannot be taken in, so that what is shown is older."""
