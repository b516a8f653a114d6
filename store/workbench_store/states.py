"""The states of a run, by Azure ML's names. (Python 3.8.)"""

import enum


class RunState(str, enum.Enum):
    """Azure ML's run states. `UNKNOWN` stands for any word of another system that is not among them."""

    NOT_STARTED = "NotStarted"
    QUEUED = "Queued"
    PREPARING = "Preparing"
    PROVISIONING = "Provisioning"
    STARTING = "Starting"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    CANCEL_REQUESTED = "CancelRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"
    NOT_RESPONDING = "NotResponding"
    UNKNOWN = "Unknown"

    @property
    def final(self) -> bool:
        """Whether nothing can follow. NotResponding is not final here: such a run is adopted or closed."""
        return self in _FINAL

    @classmethod
    def parse(cls, text: str) -> "RunState":
        """The state of that name, or UNKNOWN."""
        try:
            return cls(text)
        except ValueError:
            return cls.UNKNOWN

    def __str__(self) -> str:
        return self.value


_FINAL = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELED})
