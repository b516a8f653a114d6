"""A note beside a journal that something of it waits for room on the disk: for who finds its process killed. It says so
by its name alone, which takes hardly any room. (Python 3.8: the in-job client uses it.)
"""

from __future__ import annotations

import os
from pathlib import Path

from workbench_store.layout import RunLayout

#: Behind the journal's name.
WAITING = ".waits"


def leave_note(note: Path, run: Path) -> bool:
    """Make a file of that name in the folder of a run; whether that was done. Where the disk takes no more files it is
    one more name of one that the run has."""
    try:
        note.touch()
        return True
    except OSError:
        pass
    try:
        os.link(str(RunLayout(run).identity), str(note))
        return True
    except OSError:
        return False


class WaitingNote:
    """The note of one journal."""

    def __init__(self) -> None:
        self._journal = ""

    def leave(self, journal: Path) -> None:
        """Leave it beside a journal, which need not be there yet."""
        self._journal = journal.name
        leave_note(self._in(journal.parent), journal.parent.parent)

    def remove(self, folder: Path) -> None:
        """Remove it from the folder, which may have moved since."""
        if not self._journal:
            return
        try:
            self._in(folder).unlink()
        except OSError:
            pass
        self._journal = ""

    def _in(self, folder: Path) -> Path:
        return folder / (self._journal + WAITING)
