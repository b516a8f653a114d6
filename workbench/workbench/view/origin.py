"""What a run goes back to: the run whose past it began with, or that it repeats."""

from collections.abc import Mapping


def origin_of(properties: Mapping[str, str]) -> tuple[str, str] | None:
    """The run that it goes back to, and as what it does: `fork at step 40` or `rerun`; None for a run of its own."""
    forked, repeated = properties.get("workbench.forked_from"), properties.get("workbench.rerun_of")
    if forked:
        return forked, f"fork at step {properties.get('workbench.forked_at_step', '?')}"
    return (repeated, "rerun") if repeated else None


def origin_line(properties: Mapping[str, str]) -> str | None:
    """For example `forked from brave_heron at step 40`, `repeats brave_heron`; None for a run of its own."""
    origin = origin_of(properties)
    if origin is None:
        return None
    run, how = origin
    return f"repeats {run}" if how == "rerun" else f"forked from {run} {how.removeprefix('fork ')}"
