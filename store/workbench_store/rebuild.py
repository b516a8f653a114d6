"""Making the store again from the journals, which are the record."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from workbench_store.cache_root import usable_cache
from workbench_store.errors import StoreBusy, WorkbenchError, WorkspaceError
from workbench_store.faults import fault
from workbench_store.forget import removed_runs
from workbench_store.interrupts import load_whole
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of, log_of
from workbench_store.locks import FileLock
from workbench_store.records import Refresh
from workbench_store.store import Store
from workbench_store.words import counted, listed
from workbench_store.writing import may_write

_TURN_SECONDS = 1.0


def rebuild(layout: WorkspaceLayout, *, losing: bool = False) -> Refresh:
    """Ingest every journal into a new store file beside the old one, which goes only once the new one is whole.

    Meanwhile the old one is read as ever. Unless `losing`, one that holds what the journals have lost stays. Raises
    WorkspaceError for that, and when the folder cannot be written, the disk has no room for both or a folder is in the
    way; StoreBusy when another program holds on to the file, or another rebuild is at work.
    """
    if not may_write(layout):
        raise WorkspaceError(f"{layout.root} may not be written", remedy="Rebuild a copy of it.")
    for path in (layout.store, log_of(layout.store)):
        if path.is_dir():
            raise WorkspaceError(f"{path} is a folder", remedy="Move it away, then rebuild again.")
    with second_store(layout) as draft:
        return _rebuild(layout, draft, None if losing else held(layout))


@contextmanager
def second_store(layout: WorkspaceLayout) -> Iterator[WorkspaceLayout]:
    """A place for a store of its own beside the real one, empty, for one process at a time; it is removed afterwards.
    Beside one that may not be written it is in the cache.

    Raises StoreBusy while another process has it.
    """
    if not may_write(layout):
        with TemporaryDirectory(prefix="verify-", dir=usable_cache(), ignore_cleanup_errors=True) as folder:
            yield layout.rebuilding(Path(folder))
        return
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


def _rebuild(layout: WorkspaceLayout, draft: WorkspaceLayout, before: "dict[str, Held] | None") -> Refresh:
    """`before` is what the old one held when this began: since then the journals can only have grown. None: whatever is
    lost is."""
    with lease_of(draft).writing():  # a file, or none: in memory it would be of no use here
        pass
    report = Store(draft).refresh()
    if report.blocked:
        raise WorkspaceError(f"the store cannot be made again: {report.blocked}", remedy="Nothing was changed.")
    if before is not None:
        _check_all_read(layout, report)
        _check_nothing_lost(layout, before, held(draft))
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


class Held(NamedTuple):
    """How many events and points of a run are in a store."""

    events: int
    points: int


def held(layout: WorkspaceLayout) -> dict[str, Held]:
    """What the store has of each run; nothing where it is not there or cannot be read."""
    load_whole("duckdb")
    import duckdb

    if not layout.store.exists():
        return {}
    try:
        with lease_of(layout).reading() as connection:
            rows = connection.execute(
                "SELECT run, sum(events)::BIGINT, sum(points)::BIGINT FROM ("
                "SELECT run, count(*) AS events, 0 AS points FROM events GROUP BY run "
                "UNION ALL SELECT run, 0, sum(count) FROM series GROUP BY run) GROUP BY run"
            ).fetchall()
    except (WorkbenchError, duckdb.Error):
        return {}
    return {run: Held(events, points) for run, events, points in rows}


def _check_all_read(layout: WorkspaceLayout, report: Refresh) -> None:
    if report.unread:
        raise WorkspaceError(
            f"{layout.store} cannot be made again as it should be: {listed([str(one) for one in report.unread])}; "
            "nothing was changed",
            remedy=f"{report.unread[0].remedy} To do without: workbench doctor --rebuild --losing",
        )


def _check_nothing_lost(layout: WorkspaceLayout, before: dict[str, Held], after: dict[str, Held]) -> None:
    removed = removed_runs(layout)  # their journals are elsewhere on purpose, or nowhere
    found = losses({run: one for run, one in before.items() if run not in removed}, after)
    lost = [f"{run} ({what})" for run, what in found.items()]
    if lost:
        raise WorkspaceError(
            f"{layout.store} holds what the journals have lost: {listed(lost, 5)}; nothing was changed",
            remedy="Bring the journals back from a copy first (workbench verify names them). To give up what only the "
            "store has: workbench doctor --rebuild --losing",
        )


def losses(before: dict[str, Held], after: dict[str, Held]) -> dict[str, str]:
    """The runs of which there is less, and of what, in words."""
    return {run: what for run in sorted(before) if (what := _less(before[run], after.get(run)))}


def _less(had: Held, has: Held | None) -> str:
    """What there is less of, in words; nothing if there is no less of anything."""
    events, points = has or Held(0, 0)
    lost = ((had.events - events, "event"), (had.points - points, "point"))
    return ", ".join(counted(number, what) for number, what in lost if number > 0)
