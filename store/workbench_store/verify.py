"""Proof that all is there: every blob against its hash, every snapshot against its id, every table against journals.

The tables are compared with those of a second database that is made from the journals alone, by a digest of each run's
rows in each table, so that what differs is told by its run.
"""

import os
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench_store.absence import may_be_there
from workbench_store.blobs import BlobStore, blob_files
from workbench_store.errors import NotFound, SnapshotError, WorkspaceError
from workbench_store.ingest import WORKSPACE, JournalKey, read_offsets
from workbench_store.journal.packed import packed_path
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.rebuild import second_store
from workbench_store.records import Unread
from workbench_store.snapshot.manifest import read_snapshot
from workbench_store.snapshot.named import named_snapshots
from workbench_store.store import Store
from workbench_store.writing import may_write

if TYPE_CHECKING:
    import duckdb

_FROM_A_COPY = "Bring the journal back from a copy. The store may have what it has lost: do not make that again before."
#: So often both databases are brought up to date, until they have read the same.
_ATTEMPTS = 3
#: The rows of each table by the run that they are of, without the numbers that a database gives for itself.
_TABLES = {
    "runs": "SELECT name AS run, * EXCLUDE (id) FROM runs",
    "params": "SELECT r.name AS run, p.* EXCLUDE (run) FROM params p JOIN runs r ON r.id = p.run",
    "tags": "SELECT r.name AS run, t.* EXCLUDE (run) FROM tags t JOIN runs r ON r.id = t.run",
    "artifacts": "SELECT * FROM artifacts",
    "media": "SELECT * FROM media",
    "events": "SELECT e.run, j.file, e.* EXCLUDE (run, journal) FROM events e JOIN journals j ON j.id = e.journal",
    "metrics": (
        "SELECT run, key, rank, count, finite, min, min_step, max, max_step, last, last_step, last_time, first_time "
        "FROM series"
    ),
    "points": "SELECT s.run, s.key, s.rank, p.step, p.time, p.value FROM points p JOIN series s ON s.id = p.series",
}


class Fault(Struct, frozen=True):
    """Something that is not as it was recorded: what, and what to do."""

    what: str
    remedy: str


def verify_content(layout: WorkspaceLayout) -> Iterator[Fault | str]:
    """Look at every snapshot and every blob: the faults, and the name of each thing that was looked at."""
    blobs = BlobStore(layout)
    for path in sorted(layout.snapshots.glob("*.json")):
        id = path.name.removesuffix(".json")
        try:
            missing = sum(not blobs.has(entry.hash) for entry in read_snapshot(layout, id).entries)
        except (SnapshotError, NotFound) as error:
            yield Fault(f"snapshot {id}: {error.message}", "Bring snapshots/ back from a copy.")
            continue
        if missing:
            yield Fault(f"snapshot {id}: {missing} of its files are missing", "Bring blobs/ back from a copy.")
        yield f"snapshot {id}"
    for id, run in named_snapshots(layout, [*layout.runs.glob("[!.]*"), *layout.trash.glob("*")]).items():
        if not (layout.snapshots / f"{id}.json").exists():
            yield Fault(f"snapshot {id}, which run {run} names, is missing", "Bring snapshots/ back from a copy.")
    for path in sorted(blob_files(layout)):
        hash = path.parent.name + path.name
        if not blobs.verify(hash):
            remedy = "Bring it back from a copy, or remove it: the next run of the same file stores it anew."
            yield Fault(f"{path} is not what its name says", remedy)
        yield f"blob {hash}"


def verify_tables(layout: WorkspaceLayout) -> Iterator[Fault | str]:
    """Compare every table with what the journals say: the faults, and the name of each table.

    A run that is being written to all the time is left out, and named: `growing RUN`. Raises StoreBusy when the store
    is being made again just now, and WorkspaceError where there is no room for a second database.
    """
    with second_store(layout) as draft:
        ours, theirs, unread = _brought_level(layout, draft)
        yield from (Fault(str(one), one.remedy) for one in unread)
        _check_nothing_waits(layout, ours, theirs)
        with lease_of(draft).reading() as connection:
            growing = _told_of(connection, {key for key, end in theirs.items() if end > ours.get(key, 0)}, ours)
        hurt = _damaged(layout, draft) | _cut_short(layout, ours, theirs)
        runs = {key.run for key in ours.keys() | theirs.keys()} if unread else set()
        hidden = {run for run in runs if _is_hidden(layout, run, unread)}
        hurt = {key: what for key, what in hurt.items() if key.run not in hidden}
        yield from (Fault(f"{_place(key)}: {what}", _FROM_A_COPY) for key, what in hurt.items())
        differing = {}
        for table in _TABLES:
            differing[table], further = _differing(layout, draft, table, ours)
            growing |= further
        losing = {key.run for key in hurt}
        losing |= {run for found in differing.values() for run, has, wanted in found if has > wanted}
        for table, found in differing.items():
            yield from (_fault(table, *one, one[0] in losing) for one in found if one[0] not in growing | hidden)
            yield f"table {table}"
        yield from (f"growing {run}" for run in sorted(growing - hidden - {WORKSPACE}))


def _brought_level(
    layout: WorkspaceLayout, draft: WorkspaceLayout
) -> tuple[dict[JournalKey, int], dict[JournalKey, int], tuple[Unread, ...]]:
    """Let both read the journals; how far each has, and what cannot be read. The draft reads last: what it has less of
    is not there any more."""
    ours: dict[JournalKey, int] = {}
    theirs: dict[JournalKey, int] = {}
    unread: tuple[Unread, ...] = ()
    for _attempt in range(_ATTEMPTS):
        _refresh(layout)
        ours = _offsets(layout)
        unread = _refresh(draft)
        theirs = _offsets(draft)
        if ours == theirs:
            break
    return ours, theirs, unread


def _told_of(
    connection: "duckdb.DuckDBPyConnection", keys: Set[JournalKey], before: Mapping[JournalKey, int]
) -> set[str]:
    """The runs that these journals tell of from those offsets on: the workspace's own tell of what users said."""
    return {key.run for key in keys} | {
        run
        for key in keys
        if key.run == WORKSPACE
        for (run,) in connection.execute(
            "SELECT DISTINCT e.run FROM events e JOIN journals j ON j.id = e.journal "
            "WHERE j.run = ? AND j.file = ? AND e.position >= ?",
            [key.run, key.file, before.get(key, 0)],
        ).fetchall()
    }


def _is_hidden(layout: WorkspaceLayout, run: str, unread: Sequence[Unread]) -> bool:
    """Whether some of the run's journals cannot be read, so that there is nothing to compare its rows with."""
    folder = os.path.join(layout.run(run).root if run else layout.journals, "")
    return any(folder.startswith(os.path.join(one.path, "")) or one.path.startswith(folder) for one in unread)


def _refresh(layout: WorkspaceLayout) -> tuple[Unread, ...]:
    store = Store(layout)
    store.lay_over({})  # what is in the tables is compared
    report = store.refresh()
    if report.blocked and may_write(layout):
        raise WorkspaceError(
            f"what the journals say cannot be written to {layout.store}, so that nothing is compared: {report.blocked}",
            remedy="Make room there. Nothing was changed.",
        )
    return report.unread


def _check_nothing_waits(layout: WorkspaceLayout, ours: dict[JournalKey, int], theirs: dict[JournalKey, int]) -> None:
    """Raises WorkspaceError where the store has not taken in all, and cannot: nothing could be compared."""
    if not may_write(layout) and any(end > ours.get(key, 0) for key, end in theirs.items()):
        raise WorkspaceError(
            f"{layout.store} has not taken in all that was recorded, and may not be written, so that its tables cannot "
            "be compared with the journals",
            remedy="Copy the workspace (workbench backup DIR) and verify the copy.",
        )


def _offsets(layout: WorkspaceLayout) -> dict[JournalKey, int]:
    with lease_of(layout).reading() as connection:
        return read_offsets(connection)


def _damaged(layout: WorkspaceLayout, draft: WorkspaceLayout) -> dict[JournalKey, str]:
    """The journals of which less can be read now than when the store read them.

    What could not be read then either is no fault: a record that a full disk cut off is written again after it.
    """
    before, now = _gaps(layout), _gaps(draft)
    return {key: f"{gap} bytes of it are damaged" for key, gap in now.items() if gap > before.get(key, 0)}


def _gaps(layout: WorkspaceLayout) -> dict[JournalKey, int]:
    with lease_of(layout).reading() as connection:
        rows = connection.execute("SELECT run, file, gap_bytes FROM journals WHERE gap_bytes > 0").fetchall()
    return {JournalKey(run, file): gap for run, file, gap in sorted(rows)}


def _cut_short(
    layout: WorkspaceLayout, ours: dict[JournalKey, int], theirs: dict[JournalKey, int]
) -> dict[JournalKey, str]:
    """The journals of which more was read than there is now."""
    short = {key: end for key, end in ours.items() if end > theirs.get(key, 0)}
    return {
        key: f"only {theirs.get(key, 0)} of its {end} bytes are left" if _is_there(layout, key) else "it is gone"
        for key, end in short.items()
    }


def _is_there(layout: WorkspaceLayout, key: JournalKey) -> bool:
    journal = layout.root / _place(key)
    return may_be_there(journal) or may_be_there(packed_path(journal))


def _place(key: JournalKey) -> str:
    return f"runs/{key.run}/journal/{key.file}" if key.run else f"journal/{key.file}"


def _differing(
    layout: WorkspaceLayout, draft: WorkspaceLayout, table: str, before: Mapping[JournalKey, int]
) -> tuple[list[tuple[str, int, int]], set[str]]:
    """The runs whose rows differ in a table, with how many rows each has here and by the journals; and the runs that
    others have brought further in the store since then, or taken out of it."""
    with lease_of(layout).reading() as connection:
        ours, now = _digests(connection, table), read_offsets(connection)
        moved = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
        further = _told_of(connection, moved, before)
    with lease_of(draft).reading() as connection:
        theirs = _digests(connection, table)
    both = {run: (ours.get(run, (0, 0)), theirs.get(run, (0, 0))) for run in sorted(ours.keys() | theirs.keys())}
    return [(run, found[0], wanted[0]) for run, (found, wanted) in both.items() if found != wanted], further


def _fault(table: str, run: str, found: int, wanted: int, losing: bool) -> Fault:
    """A run's rows in a table are not what its journals say, which for a `losing` run may have less than the store."""
    rows = f"{found} rows, and its journals say {wanted}" if found != wanted else "other values"
    remedy = _FROM_A_COPY if losing else "Make the store again: workbench doctor --rebuild"
    return Fault(f"table {table}: run {run} has {rows}", remedy)


def _digests(connection: "duckdb.DuckDBPyConnection", table: str) -> dict[str, tuple[int, int]]:
    """How many rows each run has in the table, and a number that tells these rows from others, in whatever order."""
    rows = connection.execute(
        f"SELECT run, count(*), bit_xor(hash(t)) FROM ({_TABLES[table]}) t GROUP BY run"
    ).fetchall()
    return {run: (count, digest) for run, count, digest in rows}
