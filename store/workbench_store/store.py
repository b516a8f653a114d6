"""The store as everyone else sees it: bring it up to date, then ask. Every method opens and lets go of the file."""

import difflib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from workbench_store.absence import is_on_disk, is_put_away, no_run
from workbench_store.errors import StoreBusy, StoreDamaged, StoreInUse, StoreTooNew, WorkspaceError
from workbench_store.faults import fault
from workbench_store.fold import fold_detail
from workbench_store.forget import forget_runs, removed_but_known
from workbench_store.ingest import (
    WORKSPACE,
    Batch,
    JournalKey,
    events_of,
    ingest,
    read_offsets,
    read_settled,
    write_settled,
)
from workbench_store.journal.packed import journal_size
from workbench_store.journal.reader import read_chunk
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import Lease, keep_in_memory, lease_of, why_in_memory
from workbench_store.memory_lease import MemoryLease
from workbench_store.news import JournalWatch
from workbench_store.overlay import States, with_states
from workbench_store.prefixes import the_one
from workbench_store.queries import media as media_queries
from workbench_store.queries import points as point_queries
from workbench_store.queries import ports as port_queries
from workbench_store.queries import runs as run_queries
from workbench_store.records import (
    ArtifactRecord,
    MediaKey,
    MediaQuery,
    MediaRecord,
    MetricSummary,
    Recorded,
    Refresh,
    RunDetail,
    RunPorts,
    RunQuery,
    RunRecord,
    RunTable,
    Series,
    Unread,
)
from workbench_store.user_sql.result import QueryResult
from workbench_store.user_sql.session import DEFAULT_SECONDS, Matching, matching, query

#: What one transaction takes at most: bounded, so that no reader waits for a backlog.
_CHUNK_BYTES = 8 * 1024 * 1024
_BATCH_POINTS = 1_000_000
#: Each series of a chunk costs memory of its own, however few points it has.
_BATCH_SERIES = 30_000
_BATCH_BYTES = 48 * 1024 * 1024
#: So long, in seconds, news wait for those who read: a query may take ten. After that what is there is shown without.
_INGEST_PATIENCE = 12.0
#: So many runs that have settled are worth a transaction, which spares every later process a look at each.
_WORTH_WRITING = 50


class Store:
    """The database of one workspace. Objects are cheap; several in one process share one lease."""

    def __init__(self, layout: WorkspaceLayout, lease: MemoryLease | None = None) -> None:
        """`lease`: for a store of one's own, in memory."""
        self.layout = layout
        self._own_lease = lease
        self._watch = JournalWatch(layout)
        #: Goes up whenever a refresh found something new: each onlooker compares it with what it saw last.
        self.revision = 0
        self._offsets: dict[JournalKey, int] | None = None
        #: The file that the offsets are of.
        self._file = ("", 0)
        #: When the trash had changed last as its runs were looked for.
        self._trash = 0
        #: Sizes at which a journal was found to end in a record that is not whole.
        self._torn: dict[JournalKey, int] = {}
        #: Journals that could not be read as they were looked at last.
        self._unread: dict[JournalKey, Unread] = {}

    @property
    def _lease(self) -> Lease | MemoryLease:
        """This process's own: a forked child has another than its parent."""
        return self._own_lease or lease_of(self.layout)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is asked meanwhile is of one state of the store, whose file is opened once; nothing may be written.

        A block of 2 s or more may be interrupted (StoreBusy), as any question that lasts so long.
        """
        with self._lease.reading():
            yield

    # -- bringing it up to date

    def refresh(self, budget_seconds: float | None = None, only: str | None = None) -> Refresh:
        """Ingest what the journals have that the database has not, for about `budget_seconds` (None: all of it).

        `only` looks at one run. Where nothing can be written, what is there is kept and `.blocked` says why; where
        there is no file, the journals are read into memory and `.unsaved` says why; `.unread` are journals and folders
        that are there and cannot be read. Raises StoreBusy, StoreDamaged or
        StoreTooNew.
        """
        with self._lease.refreshing:  # threads of a notebook or a sweep share one object
            return self._refresh(budget_seconds, only)

    def _refresh(self, budget_seconds: float | None, only: str | None) -> Refresh:
        done = Refresh()
        unsaved = why_in_memory(self.layout)
        if unsaved is not None and not self.layout.runs.is_dir():
            raise unsaved  # the workspace itself is gone
        try:
            for brought in self._refreshing(budget_seconds, only):
                done = brought
                self.revision += done.changed
        except WorkspaceError as error:
            # What is left: no permission, a read-only file system, a full disk, others who read on and on. What is
            # there can still be read.
            hopeless = isinstance(error, StoreBusy | StoreDamaged | StoreTooNew) and not isinstance(error, StoreInUse)
            if hopeless or unsaved is not None:
                raise
            if self._lease.can_be_read:
                return replace(done, blocked=error.message)
            if isinstance(error, StoreInUse) or not self.layout.runs.is_dir():
                raise
            keep_in_memory(self.layout, error)
            return self._refresh(budget_seconds, only)
        unread = tuple(sorted([*self._watch.unread, *self._unread.values()]))
        return replace(done, unsaved=None if unsaved is None else unsaved.message, unread=unread)

    def _refreshing(self, budget_seconds: float | None, only: str | None) -> Iterator[Refresh]:
        """One transaction after the other; what they brought so far.

        What is there at the beginning is brought: runs that log all the time would keep it going for ever.
        """
        done = Refresh()
        runs: set[str] = set()
        deadline = None if budget_seconds is None else time.monotonic() + budget_seconds
        self._known_offsets()  # so that the watch knows of which runs there is no news
        sizes = self._watch.sizes(only)
        self._unread.clear()
        while grown := self._not_yet(sizes):
            read = self._read(grown, self._known_offsets())
            batch = self._ingest(read)
            runs |= {key.run for key in batch.chunks if key.run}  # the workspace's own journal has none
            late = deadline is not None and time.monotonic() > deadline
            done = Refresh(
                points=done.points + batch.points,
                events=done.events + batch.events,
                runs=len(runs),
                pending=late,
                elsewhere=done.elsewhere or len(batch.chunks) < len(read.chunks),
            )
            yield done
            if late or not read.chunks:
                return

    def _known_offsets(self) -> dict[JournalKey, int]:
        if self._offsets is not None and (self._file, self._trash) != (self._file_now(), _changed(self.layout.trash)):
            self._offsets = None
            self.revision += 1  # the store was made again, or runs were removed: what was seen may be gone
        if self._offsets is None:
            self._offsets = self._load_offsets()
        return self._offsets

    def _load_offsets(self) -> dict[JournalKey, int]:
        self._trash = _changed(self.layout.trash)
        with self._lease.reading() as connection:
            removed = removed_but_known(self.layout, connection)
            offsets = read_offsets(connection)
            self._watch.remember(read_settled(connection))
            ends = run_queries.ends(connection)
            self._file = self._file_now()
        writable = isinstance(self._lease, MemoryLease) or os.access(self.layout.store, os.W_OK)
        if removed and writable:  # a removal was killed, or had no room, between the folder and the rows
            forget_runs(self.layout, removed)
            self.revision += 1
            return self._load_offsets()
        self._torn.clear()
        settled = self._watch.settle(ends, offsets)
        if len(settled) >= _WORTH_WRITING and writable:
            with self._lease.writing() as connection:
                write_settled(connection, settled)
        return offsets

    def _file_now(self) -> tuple[str, int]:
        """Which file the store is, as far as can be told without opening it."""
        try:
            return self._lease.made, self.layout.store.stat().st_ino
        except OSError:
            return "", 0

    def _not_yet(self, sizes: dict[JournalKey, int]) -> list[JournalKey]:
        """Those of the journals that are not read to that size, unless they end in a record that is not whole."""
        offsets = self._known_offsets()
        return [key for key, size in sizes.items() if size > offsets.get(key, 0) and self._torn.get(key, 0) < size]

    def _path(self, key: JournalKey) -> Path:
        folder = self.layout.journals if key.run == WORKSPACE else self.layout.run(key.run).journals
        return folder / key.file

    def _read(self, grown: list[JournalKey], offsets: dict[JournalKey, int]) -> Batch:
        batch = Batch()
        read = points = series = 0
        for key in grown:
            start = offsets.get(key, 0)
            try:
                size = journal_size(self._path(key))
                chunk = read_chunk(self._path(key), start, _CHUNK_BYTES)
            except FileNotFoundError:
                continue  # removed meanwhile
            except OSError as error:
                self._unread[key] = Unread(str(self._path(key)), error.strerror or str(error))
                continue
            if chunk.end == start:
                self._torn[key] = size
                continue
            batch.chunks[key] = chunk
            points += chunk.count
            read += chunk.end - start
            series += len(chunk.points)
            if points >= _BATCH_POINTS or read >= _BATCH_BYTES or series >= _BATCH_SERIES:
                break
        return batch

    def _ingest(self, batch: Batch) -> Batch:
        if not batch.chunks:
            return batch
        with self._lease.writing(_INGEST_PATIENCE) as connection:
            news = ingest(connection, batch)
        fault("ingest.committed")
        if len(news.chunks) < len(batch.chunks):
            self._offsets = None  # another process was there first
            self._known_offsets()
        assert self._offsets is not None
        self._offsets.update({key: chunk.end for key, chunk in news.chunks.items()})
        return news

    def lay_over(self, states: States) -> None:
        """Show the runs with these changes of their state in place of those that the database has, to all in this
        process and until the next call. Nothing is written. Raises as any reading."""
        overlay = self._lease.overlay
        if states or overlay.rows:
            with self._lease.reading() as connection:
                self.revision += overlay.change(connection, states)

    @property
    def overlaid(self) -> bool:
        """Whether runs are shown otherwise than the database has them."""
        return bool(self._lease.overlay.rows)

    # -- runs

    def resolve(self, name: str) -> str:
        """The one run that has this name, or whose name alone begins so. Raises NotFound, naming what is near."""
        with self._lease.reading() as connection:
            found = run_queries.names_beginning(connection, name) if name else []
            if name not in found and is_put_away(self.layout, name):
                raise no_run(self.layout, name)  # and not another whose name begins so
            one = the_one(name, found)
            if one is not None:
                return one
            every = run_queries.all_names(connection)
        if is_on_disk(self.layout, name):
            return name  # the database could not be told; who needs no more than its folder need not be either
        # Of a path, as `workbench open` prints it, the last part.
        near = difflib.get_close_matches(os.path.basename(name.rstrip("/")), every, 3, 0.5)
        raise no_run(self.layout, name, *([f"Did you mean {' or '.join(near)}?"] if near else []))

    def has(self, name: str) -> bool:
        """Whether the database knows the run of exactly that name."""
        with self._lease.reading() as connection:
            return run_queries.is_known(connection, name)

    def run(self, name: str) -> RunRecord:
        """The run of exactly that name. Raises NotFound."""
        with self._lease.reading() as connection:
            record = run_queries.run_record(connection, name)
        if record is None:
            raise no_run(self.layout, name)
        return record

    def runs(self, query: RunQuery | None = None) -> RunTable:
        """The runs that the query asks for; all of them, newest first, without one."""
        with self._lease.reading() as connection:
            return run_queries.list_runs(connection, query or RunQuery())

    def matching(self, condition: str) -> Matching:
        """The runs for which the condition, as it may stand behind WHERE in SQL, holds. Raises QueryError."""
        return matching(self.layout, condition)

    def query(self, text: str, seconds: float = DEFAULT_SECONDS) -> QueryResult:
        """What a user's SELECT gives, over the views that docs/sql.md lists. Raises QueryError."""
        return query(self.layout, text, seconds=seconds)

    def recorded(self, names: list[str]) -> dict[str, Recorded]:
        """All metrics' last values (rank 0) and parameters of each of these runs."""
        with self._lease.reading() as connection:
            return run_queries.recorded(connection, names)

    def environment_keys(self) -> dict[str, str]:
        """The environment's key of each run that had one of its own, newest run first."""
        with self._lease.reading() as connection:
            return run_queries.environment_keys(connection)

    def unfinished(self, name: str | None = None) -> list[str]:
        """The runs whose state is not final, as far as the database was told; all, or the one of exactly that name."""
        with self._lease.reading() as connection:
            return run_queries.unfinished(connection, name)

    def state_counts(self) -> dict[str, int]:
        """How many runs are in each state."""
        with self._lease.reading() as connection:
            return run_queries.state_counts(connection)

    def keys(self, among: RunQuery | None = None) -> tuple[list[str], list[str]]:
        """The keys of metrics and the names of parameters, those of most runs first; `among`: of the runs asked for."""
        with self._lease.reading() as connection:
            return run_queries.metric_keys(connection, among), run_queries.param_keys(connection, among)

    # -- what a run recorded

    def params(self, name: str) -> dict[str, Any]:
        """A run's parameters."""
        with self._lease.reading() as connection:
            return run_queries.params_of(connection, name)

    def metrics(self, name: str, rank: int | None = 0) -> list[MetricSummary]:
        """A run's metrics, of one rank (None: of all)."""
        with self._lease.reading() as connection:
            return point_queries.summaries(connection, name, rank)

    def series(self, name: str, key: str, rank: int = 0, max_points: int | None = None) -> Series:
        """The points of one metric in order of step; empty if there are none. See `Series` for `max_points`."""
        with self._lease.reading() as connection:
            return point_queries.series(connection, name, key, rank, max_points)

    def series_of_runs(self, names: list[str], key: str, rank: int = 0, max_points: int = 500) -> dict[str, Series]:
        """One metric of several runs, about `max_points` points of each (see `Series`), but of runs without it."""
        with self._lease.reading() as connection:
            return point_queries.series_of_runs(connection, names, key, rank, max_points)

    def artifacts(self, name: str) -> list[ArtifactRecord]:
        """The files that a run saved, in order of path."""
        with self._lease.reading() as connection:
            return point_queries.artifacts(connection, name)

    def media_keys(self, name: str) -> list[MediaKey]:
        """The keys under which a run logged images, tables and the like, in order of key, kind and rank."""
        with self._lease.reading() as connection:
            return media_queries.media_keys(connection, name)

    def media(self, name: str, query: MediaQuery | None = None) -> list[MediaRecord]:
        """What a run logged under those keys, in order of key, kind, step, time and rank."""
        with self._lease.reading() as connection:
            return media_queries.media(connection, name, query or MediaQuery())

    def detail(self, name: str) -> RunDetail:
        """A run's states, stages, inputs, outputs, environment and snapshot."""
        with self._lease.reading() as connection:
            events = events_of(connection, [name]).get(name, [])
            states = self._lease.overlay.states
        return fold_detail(with_states(events, states[name]) if name in states else events)

    def ports(self) -> list[RunPorts]:
        """What went into and came out of every run, literals left out."""
        with self._lease.reading() as connection:
            return port_queries.all_ports(connection)


def _changed(folder: Path) -> int:
    """When something was put into a folder or taken out of it last, in nanoseconds; 0 if there is none."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
