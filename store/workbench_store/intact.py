"""Whether the journals of runs still hold what the store has read of them: they are the record, the store is not."""

from collections.abc import Sequence

from workbench_store.journal.reader import read_chunk
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.lease import lease_of

_CHUNK_BYTES = 32 * 1024 * 1024


def lost_by_journals(layout: WorkspaceLayout, names: Sequence[str]) -> dict[str, str]:
    """What the journals of these runs have less of than when the store read them, in words, by run; nothing of a run
    that has all. Every journal is read to its end. Raises StoreBusy, StoreDamaged, WorkspaceError, or OSError for a
    journal that is there and cannot be read."""
    with lease_of(layout).reading() as connection:
        rows = connection.execute(
            "SELECT run, file, ingested, gap_bytes FROM journals WHERE run IN (SELECT unnest(?::VARCHAR[])) "
            "ORDER BY run, file",
            [list(names)],
        ).fetchall()
    found: dict[str, str] = {}
    for run, file, ingested, gaps in rows:
        if run not in found and (what := _lost(layout.run(run), file, ingested, gaps)):
            found[run] = what
    return found


def _lost(files: RunLayout, file: str, ingested: int, gaps: int) -> str | None:
    end = damaged = 0
    try:
        while end < ingested:
            chunk = read_chunk(files.journals / file, end, _CHUNK_BYTES)
            if chunk.end == end:
                break
            end, damaged = chunk.end, damaged + chunk.gap_bytes
    except (FileNotFoundError, NotADirectoryError):
        return f"its journal {file} is gone"
    if end < ingested:
        return f"of {ingested} bytes of its journal {file} {end} are left"
    return f"{damaged - gaps} bytes of its journal {file} are damaged" if damaged > gaps else None
