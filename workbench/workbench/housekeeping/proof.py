"""Everything that is kept, compared with what was recorded of it."""

from collections.abc import Iterator

from workbench_store.blobs import hash_of
from workbench_store.layout import WorkspaceLayout
from workbench_store.path_text import name_of_text
from workbench_store.user_sql.own import own_query
from workbench_store.verify import Fault, verify_content, verify_tables

#: A run's files may be looked at and changed by its user; that is told, but not mended.
_CHANGED = "If nobody meant to change it, bring it back from a copy."


def prove(layout: WorkspaceLayout) -> Iterator[Fault | str]:
    """The faults, and the name of each thing that was looked at: blobs, snapshots, tables, files that runs saved.

    Raises StoreBusy, StoreDamaged, StoreTooNew or WorkspaceError where it cannot be looked at.
    """
    yield from verify_content(layout)
    yield from verify_tables(layout)
    yield from _saved_files(layout)


def _saved_files(layout: WorkspaceLayout) -> Iterator[Fault | str]:
    told = "SELECT run, path, hash, kind FROM artifacts WHERE kind <> 'log' ORDER BY time"
    latest = {(run, path): (hash, kind) for run, path, hash, kind in own_query(layout, told)}
    for (run, path), (hash, kind) in latest.items():
        place = layout.run(run).root / name_of_text(path)
        if hash is None:
            continue
        if not place.exists():
            if kind != "named-output" or _is_kept_here(layout, run, path):
                yield Fault(f"run {run}: {path} is gone", _CHANGED)
            continue
        if hash_of(place) != hash:
            yield Fault(f"run {run}: {path} is not what it was when it was saved", _CHANGED)
        yield f"file {run}/{path}"


def _is_kept_here(layout: WorkspaceLayout, run: str, path: str) -> bool:
    """Whether the run's own folder has the named output that the path is a file of; it may be kept elsewhere."""
    output = "/".join(path.split("/")[:2])
    return (layout.run(run).root / output).exists()
