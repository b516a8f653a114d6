"""What a run goes back to: the run whose past it began with, or that it repeats."""

from collections.abc import Mapping
from typing import NamedTuple


class Origin(NamedTuple):
    """The run that another goes back to; `step` is where a fork of it begins, None for a rerun."""

    run: str
    step: str | None


def origin_of(properties: Mapping[str, str]) -> Origin | None:
    """What a run with these properties goes back to; None for a run of its own."""
    forked, repeated = properties.get("workbench.forked_from"), properties.get("workbench.rerun_of")
    if forked:
        return Origin(forked, properties.get("workbench.forked_at_step", "?"))
    return Origin(repeated, None) if repeated else None


def origin_line(properties: Mapping[str, str]) -> str | None:
    """For example `forked from brave_heron at step 40`, `repeats brave_heron`; None for a run of its own."""
    origin = origin_of(properties)
    if origin is None:
        return None
    return f"repeats {origin.run}" if origin.step is None else f"forked from {origin.run} at step {origin.step}"
