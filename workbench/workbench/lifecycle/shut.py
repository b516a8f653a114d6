"""A run's folder that is there, and that cannot be looked into for a while: somebody mends its permissions, or a
network has trouble. Its job goes on, and no run fails for that."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from workbench_store.layout import RunLayout

#: After so long it is no passing trouble.
_PASSING_SECONDS = 60.0
_LOOK_SECONDS = 0.1


def is_shut(files: RunLayout) -> bool:
    """Whether what steers the run cannot be seen just now, though it may be there."""
    try:
        os.stat(files.supervisor_process)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return False


def is_shut_to_writers(files: RunLayout) -> bool:
    """Whether it can be seen, or not even that, and this user may not write to it just now. What is on a disk that
    nobody may write to is not waited for."""
    return is_shut(files) or any(_refuses(folder) for folder in (files.root, files.control))


def _refuses(folder: Path) -> bool:
    try:
        return not (os.access(folder, os.W_OK | os.X_OK) or os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False


class Shut:
    """Tells whether a run's folder is shut, and has not been for so long that nobody waits for it any more."""

    def __init__(
        self, files: RunLayout, is_shut: Callable[[RunLayout], bool] = is_shut, seconds: float = _PASSING_SECONDS
    ) -> None:
        self._files = files
        self._is_shut = is_shut
        self._seconds = seconds
        self._since: float | None = None

    def wait(self) -> None:
        """Wait while it is, and may pass."""
        while self.passing():
            time.sleep(_LOOK_SECONDS)

    def passing(self) -> bool:
        """Whether it is shut just now, which may pass."""
        if not self._is_shut(self._files):
            self._since = None
            return False
        now = time.monotonic()
        if self._since is None:
            self._since = now
        return now - self._since < self._seconds
