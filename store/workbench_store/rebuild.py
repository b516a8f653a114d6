"""Making the store again from the journals, which are the record."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from workbench_store.errors import StoreBusy, WorkspaceError
from workbench_store.faults import fault
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of, log_of
from workbench_store.locks import FileLock
from workbench_store.records import Refresh
from workbench_store.store import Store

_TURN_SECONDS = 1.0


def rebuild(layout: WorkspaceLayout) -> Refresh:
    """Ingest every journal into a new store file beside the old one, which goes only once the new one is whole.

    Meanwhile the old one is read as ever. Raises WorkspaceError when the folder cannot be written, the disk has no
    room for both or a folder is in the way, and StoreBusy when another program holds on to the file, or another
    rebuild is at work.
    """
    for path in (layout.store, log_of(layout.store)):
        if path.is_dir():
            raise WorkspaceError(f"{path} is a folder", remedy="Move it away, then rebuild again.")
    with second_store(layout) as draft:
        return _rebuild(layout, draft)


@contextmanager
def second_store(layout: WorkspaceLayout) -> Iterator[WorkspaceLayout]:
    """A place for a store of its own beside the real one, empty, for one process at a time; it is removed afterwards.

    Raises StoreBusy while another process has it.
    """
    layout.tmp.mkdir(mode=0o700, exist_ok=True)
    turn = FileLock(layout.rebuild_lock)
    # Not `try_acquire`: who sweeps up after a killed rebuild holds it for a moment.
    if not turn.acquire(timeout=_TURN_SECONDS):
        raise StoreBusy("another process makes or verifies the store just now", remedy="Wait for it to end.")
    draft = layout.rebuilding()
    try:
        shutil.rmtree(draft.store.parent, ignore_errors=True)
        draft.store.parent.mkdir(mode=0o700)
        yield draft
    finally:
        shutil.rmtree(draft.store.parent, ignore_errors=True)
        turn.release()


def _rebuild(layout: WorkspaceLayout, draft: WorkspaceLayout) -> Refresh:
    report = Store(draft).refresh()
    if report.blocked:
        raise WorkspaceError(f"the store cannot be made again: {report.blocked}", remedy="Nothing was changed.")
    fault("rebuild.filled")
    with lease_of(layout).without_file():
        # The old log goes first: it is no part of the new file, and without it the old one is whole, only older.
        log_of(layout.store).unlink(missing_ok=True)
        fault("rebuild.log-removed")
        draft.store.replace(layout.store)
        fault("rebuild.replaced")
        if log_of(draft.store).exists():
            log_of(draft.store).replace(log_of(layout.store))
    return report
