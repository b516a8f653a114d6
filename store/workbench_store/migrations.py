"""The store's schema, as numbered steps that are only ever appended to, each recorded in the transaction that takes it.

There are no primary keys: only one process at a time writes, under the exclusive lease, and it keeps them unique.
What can be worked out from a run's events (stages, inputs, environment ...) has no table; `fold.py` does that.
"""

from typing import TYPE_CHECKING, NamedTuple

from workbench_store.connection import transaction
from workbench_store.errors import StoreTooNew
from workbench_store.faults import fault

if TYPE_CHECKING:
    import duckdb

_FIRST = """
CREATE TABLE meta (key VARCHAR, value VARCHAR);
CREATE TABLE journals (id INTEGER, run VARCHAR, file VARCHAR, ingested BIGINT, gap_bytes BIGINT);
CREATE TABLE settled (run VARCHAR, stamp BIGINT);
CREATE TABLE events (run VARCHAR, journal INTEGER, position BIGINT, time DOUBLE, name VARCHAR, fields VARCHAR);
CREATE TABLE runs (
    id INTEGER, name VARCHAR, run_id VARCHAR, kind VARCHAR, experiment VARCHAR, display_name VARCHAR,
    description VARCHAR, compute VARCHAR, command VARCHAR, user_name VARCHAR, host VARCHAR, created DOUBLE,
    state VARCHAR, reason VARCHAR, exit_code INTEGER, signal VARCHAR, started DOUBLE, ended DOUBLE, last_time DOUBLE,
    snapshot VARCHAR, environment VARCHAR, environment_label VARCHAR, lost_points BIGINT, gap_bytes BIGINT
);
CREATE TABLE params (run INTEGER, key VARCHAR, value VARCHAR, text VARCHAR, number DOUBLE);
CREATE TABLE tags (run INTEGER, key VARCHAR, value VARCHAR);
CREATE TABLE artifacts (run VARCHAR, path VARCHAR, kind VARCHAR, size BIGINT, hash VARCHAR, time DOUBLE);
CREATE TABLE series (
    id INTEGER, run VARCHAR, key VARCHAR, rank INTEGER, count BIGINT, finite BIGINT, total DOUBLE,
    min DOUBLE, min_step BIGINT, max DOUBLE, max_step BIGINT,
    last DOUBLE, last_step BIGINT, last_time DOUBLE, first_time DOUBLE
);
CREATE TABLE points (series INTEGER, step BIGINT, time DOUBLE, value DOUBLE);
"""

#: Runs whose points lie side by side and whose journals are compressed.
_SECOND = "ALTER TABLE settled ADD COLUMN tidy BOOLEAN DEFAULT false;"

#: How long runs took by a monotonic clock; and which file this is, since another may take its place while it is known.
_THIRD = """
ALTER TABLE runs ADD COLUMN seconds DOUBLE;
INSERT INTO meta VALUES ('made', uuid()::VARCHAR);
"""

#: What users write about a run afterwards.
_FOURTH = """
ALTER TABLE runs ADD COLUMN note VARCHAR;
ALTER TABLE runs ADD COLUMN archived BOOLEAN DEFAULT false;
"""

#: Images, tables, histograms, texts and figures, each by key, step and rank; `content` and `detail` are JSON.
_MEDIA = """
CREATE TABLE media (
    run VARCHAR, kind VARCHAR, key VARCHAR, step BIGINT, rank INTEGER, time DOUBLE, path VARCHAR, size BIGINT,
    format VARCHAR, caption VARCHAR, content VARCHAR, detail VARCHAR
);
"""

#: When a run that was resumed would have started if it had never been interrupted.
_GOING_SINCE = "ALTER TABLE runs ADD COLUMN going_since DOUBLE;"

MIGRATIONS: tuple[str, ...] = (_FIRST, _SECOND, _THIRD, _FOURTH, _MEDIA, _GOING_SINCE)
SCHEMA_VERSION = len(MIGRATIONS)
#: The version of a store that names none: its first step fails.
_NONSENSE = -1


class StoreMark(NamedTuple):
    """What a store file says of itself: its schema's version, 0 when there is nothing in it, and which file it is."""

    version: int
    made: str


def read_mark(connection: "duckdb.DuckDBPyConnection") -> StoreMark:
    """The mark of the attached store."""
    import duckdb

    try:
        rows = dict(connection.execute("SELECT key, value FROM store.meta").fetchall())
    except duckdb.CatalogException:  # there is no such table
        return StoreMark(0, "")
    version = str(rows.get("schema", 0))
    return StoreMark(int(version) if version.isdecimal() else _NONSENSE, str(rows.get("made", "")))


def check_version(version: int) -> None:
    """Raises StoreTooNew when this process is older than the store."""
    if version > SCHEMA_VERSION:
        raise StoreTooNew(
            f"the store has schema {version}, and this process knows only up to {SCHEMA_VERSION}",
            remedy="If Workbench was upgraded meanwhile, start this program again; else upgrade. Nothing was changed.",
        )


def migrate(connection: "duckdb.DuckDBPyConnection") -> StoreMark:
    """Bring the attached store, which nobody else can write meanwhile, to SCHEMA_VERSION; its mark then.

    An older store takes each step by itself, an empty one all of them at once. Raises StoreTooNew.
    """
    mark = read_mark(connection)
    check_version(mark.version)
    if mark.version == SCHEMA_VERSION:
        return mark
    if mark.version:
        for number in range(mark.version, SCHEMA_VERSION):
            _take(connection, range(number, number + 1))
    else:
        _take(connection, range(SCHEMA_VERSION))
    return read_mark(connection)


def _take(connection: "duckdb.DuckDBPyConnection", steps: range) -> None:
    with transaction(connection):
        for number in steps:
            connection.execute(MIGRATIONS[number])
        connection.execute("DELETE FROM meta WHERE key = 'schema'")
        connection.execute("INSERT INTO meta VALUES ('schema', ?)", [str(steps.stop)])
        fault("migration.before-commit")
    fault("migration.committed")
