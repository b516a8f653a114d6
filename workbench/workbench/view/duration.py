"""How long a run took, or has gone on."""

from typing import Protocol


class Timed(Protocol):
    """A run's times: seconds by a monotonic clock where somebody measured them, and UTC epoch seconds. `going_since`
    is when one that goes on would have started if it had never been interrupted."""

    @property
    def seconds(self) -> float | None: ...

    @property
    def started(self) -> float | None: ...

    @property
    def going_since(self) -> float | None: ...

    @property
    def ended(self) -> float | None: ...


def duration_of(run: Timed, now: float) -> float | None:
    """Seconds; None for a run whose command never started. Wall clocks only stand in where nothing better is known."""
    if run.seconds is not None:
        return run.seconds
    if run.started is None:
        return None
    return max(0.0, run.ended - run.started if run.ended else now - (run.going_since or run.started))
