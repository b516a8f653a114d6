"""Telling whoever submits that a snapshot takes long, and how far it is."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench_store.snapshot import Progress
from workbench_store.words import counted

#: A snapshot that takes less than this, in seconds, is not worth a word.
_PATIENCE = 2.0
_INTERVAL = 5.0


@contextmanager
def telling(narrate: Callable[[str], None], code: Path) -> Iterator[Progress]:
    """Give what is to be kept up to date; while the block lasts `narrate` gets a line now and then."""
    progress, over = Progress(), threading.Event()
    thread = threading.Thread(target=_tell, args=(narrate, code, progress, over), name="snapshot", daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        over.set()
        thread.join()


def _tell(narrate: Callable[[str], None], code: Path, progress: Progress, over: threading.Event) -> None:
    wait = _PATIENCE
    while not over.wait(wait):
        if wait == _PATIENCE:
            narrate(
                f"taking a snapshot of {code}; `workbench snapshot` shows what is big there, "
                ".amlignore, or else .gitignore, leaves it out"
            )
        narrate(_so_far(progress))
        wait = _INTERVAL


def _so_far(progress: Progress) -> str:
    if progress.total is None:
        return "  looking for its files"
    return f"  {progress.files:,} of {counted(progress.total, 'file')}, {progress.bytes / 2**20:,.0f} MiB so far"
