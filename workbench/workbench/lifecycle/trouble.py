"""Errors that a supervisor survives, told in its log."""

from contextlib import suppress


def note_trouble() -> None:
    """Write the traceback of the error that is being handled to stderr, which is the supervisor's log.

    On a full disk that fails too, and must not be what ends the supervisor.
    """
    import traceback  # seldom wanted, and as long to load as much that always is

    with suppress(OSError, ValueError):
        traceback.print_exc()
