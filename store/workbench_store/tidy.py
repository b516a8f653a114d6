"""Tidying up after runs that are long over: their points go side by side, their journals are compressed.

Nothing that was recorded changes by it, and it may be killed anywhere: points move in one transaction, a journal is
replaced by one rename. One process at a time tidies a workspace; `python -m workbench_store.tidy ROOT` does all of it.
"""

import os
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench_store.errors import WorkbenchError
from workbench_store.faults import fault
from workbench_store.ingest import Settled, read_offsets_of, read_settled, write_settled
from workbench_store.journal.encoding import LONGEST_RECORD
from workbench_store.journal.packed import pack, packed_path
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.locks import FileLock
from workbench_store.news import folder_stamp, journal_sizes
from workbench_store.queries import runs as run_queries
from workbench_store.store import Store

if TYPE_CHECKING:
    import duckdb

#: A run is left alone for this long after its end, in seconds: someone may still write to it, or look at its files.
QUIET_SECONDS = 600.0
#: Smaller journals stay as they are: a file costs a block of the disk anyway.
LEAST_BYTES = 64 * 1024
#: Points that one transaction moves at most (but one series always moves whole): readers wait for so long.
_MOST_POINTS = 500_000
#: DuckDB reads points in groups of so many rows; a series spread over one group more than it fills is near enough.
_ROW_GROUP = 122_880
#: For so long the background tidies at a time.
_BACKGROUND_SECONDS = 30.0
#: How often what was done is written down.
_WORTH_WRITING = 50


class Tidied(Struct, frozen=True):
    """What was done: runs gone over, points moved, bytes of disk won; `doubtful` names the runs whose points in the
    store are not as many as their summaries say, which were left alone."""

    runs: int = 0
    points: int = 0
    saved_bytes: int = 0
    doubtful: tuple[str, ...] = ()


def tidy(layout: WorkspaceLayout, budget_seconds: float | None = None, quiet_seconds: float = QUIET_SECONDS) -> Tidied:
    """Tidy the runs that ended longer ago than `quiet_seconds`, for about `budget_seconds` (None: all of them).

    With a budget it ends early as soon as a backup is wanted. Nothing happens while another process is at it. Raises
    StoreBusy, StoreDamaged, StoreTooNew, WorkspaceError, and OSError on a full disk.
    """
    turn = FileLock(layout.tidy_lock)
    if not turn.try_acquire():
        return Tidied()
    try:
        os.utime(layout.tidy_lock)
        return _tidy(layout, budget_seconds, quiet_seconds)
    finally:
        turn.release()


def waiting(layout: WorkspaceLayout, quiet_seconds: float = QUIET_SECONDS) -> int:
    """How many runs ended longer ago than `quiet_seconds` and were never gone over. Raises as `tidy`."""
    with lease_of(layout).reading() as connection:
        rows = connection.execute(
            "SELECT count(*) FROM runs LEFT JOIN settled ON run = name WHERE ended < ? AND NOT coalesce(tidy, false)",
            [time.time() - quiet_seconds],
        ).fetchall()
    return int(rows[0][0])


def _untidied(layout: WorkspaceLayout, quiet_seconds: float) -> list[str]:
    """The runs to go over, longest over first: also those that were written to after they had been tidied."""
    with lease_of(layout).reading() as connection:
        ends = run_queries.ends(connection)
        settled = read_settled(connection)
    latest = time.time() - quiet_seconds
    found = []
    for run, ended in sorted(ends.items(), key=lambda item: item[1]):
        stamp = folder_stamp(layout.run(run).journals)
        known = settled.get(run)
        if ended < latest and stamp is not None and (known is None or not known.tidy or known.stamp != stamp):
            found.append(run)
    return found


def _tidy(layout: WorkspaceLayout, budget_seconds: float | None, quiet_seconds: float) -> Tidied:
    deadline = None if budget_seconds is None else time.monotonic() + budget_seconds
    Store(layout).refresh()
    done: dict[str, Settled] = {}
    doubtful: list[str] = []
    runs = points = saved = 0
    for run in _untidied(layout, quiet_seconds):
        if deadline is not None and (time.monotonic() > deadline or not FileLock.is_free(layout.backup_lock)):
            break
        if not _is_taken_in(layout, run):
            continue
        scattered = _scattered(layout, run)
        if scattered is None:
            doubtful.append(run)
            continue
        points += _gather(layout, scattered)
        fault("tidy.gathered")
        won, whole = _pack_journals(layout, run, quiet_seconds)
        saved, runs = saved + won, runs + whole
        fault("tidy.packed")
        stamp = folder_stamp(layout.run(run).journals)
        if whole and stamp is not None:
            done[run] = Settled(stamp, tidy=True)
        if len(done) >= _WORTH_WRITING:
            done = _write_down(layout, done)
    _write_down(layout, done)
    return Tidied(runs, points, saved, tuple(doubtful))


def _write_down(layout: WorkspaceLayout, done: dict[str, Settled]) -> dict[str, Settled]:
    if done:
        with lease_of(layout).writing() as connection:
            write_settled(connection, done)
    return {}


def _is_taken_in(layout: WorkspaceLayout, run: str) -> bool:
    """Whether the store has all of the run's journals, but for a torn last record of each."""
    with lease_of(layout).reading() as connection:
        offsets = read_offsets_of(connection, run)
    try:
        sizes = dict(journal_sizes(run, layout.run(run).journals))
    except OSError:
        return False
    return all(0 <= size - offsets.get(key, 0) <= LONGEST_RECORD for key, size in sizes.items())


def _scattered(layout: WorkspaceLayout, run: str) -> dict[int, int] | None:
    """The run's series and how many points each has, if they lie far apart in the store, else none of them; None when
    there are not as many points as the summaries say."""
    with lease_of(layout).reading() as connection:
        told = dict(connection.execute("SELECT id, count FROM series WHERE run = ? ORDER BY id", [run]).fetchall())
        if not told:
            return {}
        spans = _spans(connection, list(told))
    if {id: count for id, (count, _) in spans.items()} != told:
        return None
    far = any(span > count + _ROW_GROUP for count, span in spans.values())
    return told if far else {}


def _spans(connection: "duckdb.DuckDBPyConnection", series: list[int]) -> dict[int, tuple[int, int]]:
    """How many points each series has, and over how many rows they are spread."""
    rows = connection.execute(
        "SELECT series, count(*), max(rowid) - min(rowid) + 1 FROM points "
        "WHERE series BETWEEN ? AND ? AND series IN (SELECT unnest(?::INTEGER[])) GROUP BY series",
        [min(series), max(series), series],
    ).fetchall()
    return {id: (count, span) for id, count, span in rows}


def _gather(layout: WorkspaceLayout, series: dict[int, int]) -> int:
    """Move these points to the end of the table, in order; how many they were."""
    part: list[int] = []
    size = moved = 0
    for id, count in series.items():
        if part and size + count > _MOST_POINTS:
            moved += _move(layout, part)
            part, size = [], 0
        part.append(id)
        size += count
    return moved + (_move(layout, part) if part else 0)


def _move(layout: WorkspaceLayout, series: list[int]) -> int:
    these = "series BETWEEN ? AND ? AND series IN (SELECT unnest(?::INTEGER[]))"
    given = [min(series), max(series), series]
    with lease_of(layout).writing() as connection:
        last = connection.execute("SELECT max(rowid) FROM points").fetchall()[0][0]
        order = "ORDER BY series, step, time"
        added = connection.execute(f"INSERT INTO points SELECT * FROM points WHERE {these} {order}", given).fetchall()
        fault("tidy.copied")
        gone = connection.execute(f"DELETE FROM points WHERE {these} AND rowid <= ?", [*given, last]).fetchall()
        if added != gone:
            raise RuntimeError(f"moving the points of series {series} made {added[0][0]} of {gone[0][0]}")
    return int(gone[0][0])


def _pack_journals(layout: WorkspaceLayout, run: str, quiet_seconds: float) -> tuple[int, bool]:
    """Compress the run's journals; the bytes won, and whether none is left that is worth it."""
    won, whole = 0, True
    folder = layout.run(run).journals
    for key, size in journal_sizes(run, folder):
        path = folder / key.file
        if size < LEAST_BYTES or not path.exists():
            continue
        if time.time() - path.stat().st_mtime < quiet_seconds or not pack(path):
            whole = False
            continue
        won += size - packed_path(path).stat().st_size
    return won, whole


def main(root: str) -> int:
    """Tidy the workspace at `root` in the background: gently, and what goes wrong is left in `tmp/tidy.log`."""
    layout = WorkspaceLayout(Path(root))
    if hasattr(os, "nice"):
        os.nice(10)
    try:
        tidy(layout, budget_seconds=_BACKGROUND_SECONDS)
    except (WorkbenchError, OSError):
        with suppress(OSError):
            layout.tmp.mkdir(mode=0o700, exist_ok=True)
            (layout.tmp / "tidy.log").write_text(traceback.format_exc(), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
