"""Errors that a supervisor survives, told in its log."""

import sys
from contextlib import suppress

#: What was told last.
_told: list[str] = []


def note_trouble() -> None:
    """Write the traceback of the error that is being handled to stderr, which is the supervisor's log; of one that
    comes again and again, once.

    On a full disk that fails too, and must not be what ends the supervisor.
    """
    import traceback  # seldom wanted, and as long to load as much that always is

    text = traceback.format_exc()
    if text in _told:
        return
    _told[:] = [*_told[-3:], text]
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
