"""A note beside a journal that something of it waits for room on the disk: for who finds its process killed. It says so
by the name of an empty file, which takes no room. (Python 3.8: the in-job client uses it.)
"""

from __future__ import annotations

from pathlib import Path

#: Behind the journal's name.
WAITING = ".waits"


class WaitingNote:
    """The note of one journal."""

    def __init__(self) -> None:
        self._journal = ""

    def leave(self, journal: Path) -> None:
        """Leave it beside a journal, which need not be there yet."""
        self._journal = journal.name
        try:
            self._in(journal.parent).touch()
        except OSError:
            pass

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
