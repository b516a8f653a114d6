"""Proof that all is there: every blob against its hash, every snapshot against its id, every table against journals.

The tables are compared with those of a second database that is made from the journals alone, by a digest of each run's
rows in each table, so that what differs is told by its run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from workbench_store.blobs import BlobStore
from workbench_store.errors import NotFound, SnapshotError, WorkspaceError
from workbench_store.ingest import JournalKey, read_offsets
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.rebuild import second_store
from workbench_store.snapshot.manifest import read_snapshot
from workbench_store.store import Store

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


@dataclass(frozen=True)
class Fault:
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
    for path in sorted(layout.blobs.glob("??/*")):
        hash = path.parent.name + path.name
        if not blobs.verify(hash):
            yield Fault(f"{path} is not what its name says", "Bring it back from a copy.")
        yield f"blob {hash}"


def verify_tables(layout: WorkspaceLayout) -> Iterator[Fault | str]:
    """Compare every table with what the journals say: the faults, and the name of each table.

    A run that is being written to all the time is left out, and named as `growing`. Raises StoreBusy when the store is
    being made again just now, and WorkspaceError where there is no room for a second database.
    """
    with second_store(layout) as draft:
        growing = _bring_level(layout, draft)
        for table in _TABLES:
            yield from _compared(layout, draft, table, growing)
            yield f"table {table}"
        yield from (f"growing {run}" for run in sorted(growing))


def _bring_level(layout: WorkspaceLayout, draft: WorkspaceLayout) -> set[str]:
    """Let both have read the same of the journals; the runs of which they have not, as they grow meanwhile."""
    growing: set[str] = set()
    for _attempt in range(_ATTEMPTS):
        for one in (layout, draft):
            report = Store(one).refresh()
            if report.blocked:
                raise WorkspaceError(f"the journals cannot be read: {report.blocked}", remedy="Nothing was changed.")
        ours, theirs = _offsets(layout), _offsets(draft)
        growing = {key.run for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
        if not growing:
            break
    return growing


def _offsets(layout: WorkspaceLayout) -> dict[JournalKey, int]:
    with lease_of(layout).reading() as connection:
        return read_offsets(connection)


def _compared(layout: WorkspaceLayout, draft: WorkspaceLayout, table: str, growing: set[str]) -> Iterator[Fault]:
    ours, theirs = _digests(layout, table), _digests(draft, table)
    for run in sorted((ours.keys() | theirs.keys()) - growing):
        found, wanted = ours.get(run, (0, 0)), theirs.get(run, (0, 0))
        if found == wanted:
            continue
        rows = f"{found[0]} rows, and its journals say {wanted[0]}" if found[0] != wanted[0] else "other values"
        yield Fault(
            f"table {table}: run {run} has {rows}",
            "Make the store again from the journals: workbench doctor --rebuild",
        )


def _digests(layout: WorkspaceLayout, table: str) -> dict[str, tuple[int, int]]:
    """How many rows each run has in the table, and a number that tells these rows from others, in whatever order."""
    with lease_of(layout).reading() as connection:
        rows = connection.execute(
            f"SELECT run, count(*), bit_xor(hash(t)) FROM ({_TABLES[table]}) t GROUP BY run"
        ).fetchall()
    return {run: (count, digest) for run, count, digest in rows}
