"""What a run goes back to: the run whose past it began with, or that it repeats."""

from collections.abc import Mapping


def origin_line(properties: Mapping[str, str]) -> str | None:
    """For example `forked from brave_heron at step 40`, `repeats brave_heron`; None for a run of its own."""
    forked, repeated = properties.get("workbench.forked_from"), properties.get("workbench.rerun_of")
    if forked:
        return f"forked from {forked} at step {properties.get('workbench.forked_at_step', '?')}"
    return f"repeats {repeated}" if repeated else None
