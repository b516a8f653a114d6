"""Commands that change every run of a filter."""

from workbench_store.errors import UsageError


def filter_of_all(text: str) -> str:
    """The filter of `--all`. Raises UsageError for an empty one, as a shell makes of a variable that is not set."""
    if not text.strip():
        raise UsageError("--all is given an empty filter, which every run passes", remedy="Name the runs, or a filter.")
    return text


def condition_of_where(text: str | None) -> str:
    """The condition of `--where`, or "" where there is none. Raises UsageError for an empty one, as above."""
    if text is not None and not text.strip():
        raise UsageError("--where is given an empty condition", remedy="Name the runs, or a condition.")
    return text or ""
