"""Everything that is kept, compared with what was recorded of it."""

from collections.abc import Iterator

from workbench_store.blobs import hash_of
from workbench_store.layout import WorkspaceLayout
from workbench_store.path_text import name_of_text
from workbench_store.store import Store
from workbench_store.user_sql.own import own_query
from workbench_store.verify import Fault, verify_content, verify_tables

#: A run's files may be looked at and changed by its user; that is told, but not mended.
_CHANGED = "If nobody meant to change it, bring it back from a copy."


def prove(layout: WorkspaceLayout) -> Iterator[Fault | str]:
    """The faults, and the name of each thing that was looked at: blobs, snapshots, tables, files of runs.

    Raises StoreBusy, StoreDamaged, StoreTooNew or WorkspaceError where it cannot be looked at.
    """
    yield from verify_content(layout)
    yield from verify_tables(layout)
    yield from _saved_files(layout)
    yield from _media_files(layout)


def _saved_files(layout: WorkspaceLayout) -> Iterator[Fault | str]:
    told = "SELECT run, path, hash, kind FROM artifacts WHERE kind <> 'log' ORDER BY time"
    elsewhere = _outputs_elsewhere(layout)
    latest = {(run, path): (hash, kind) for run, path, hash, kind in own_query(layout, told)}
    living = {run for (run,) in own_query(layout, "SELECT name FROM runs WHERE ended IS NULL")}
    for (run, path), (hash, kind) in latest.items():
        if kind == "gone" or (hash is None and run in living):
            continue  # a living script may be about to put another in its place
        may_be_gone = kind == "named-output" and (run, path.split("/")[1]) in elsewhere
        yield from _compared(layout, run, path, hash, may_be_gone)


def _media_files(layout: WorkspaceLayout) -> Iterator[Fault | str]:
    """Those of models are among the saved files."""
    told = "SELECT DISTINCT run, path FROM store.media WHERE path <> '' AND kind <> 'model' ORDER BY ALL"
    for run, path in own_query(layout, told):
        yield from _compared(layout, run, path, None, may_be_gone=False)


def _compared(
    layout: WorkspaceLayout, run: str, path: str, hash: str | None, may_be_gone: bool
) -> Iterator[Fault | str]:
    """A file of a run; of what a script logged no hash is kept."""
    place = layout.run(run).root / name_of_text(path)
    try:
        if not place.exists():
            if not may_be_gone:
                yield Fault(f"run {run}: {path} is gone", _CHANGED)
            return
        if hash is not None and hash_of(place) != hash:
            yield Fault(f"run {run}: {path} is not what it was when it was saved", _CHANGED)
    except OSError as error:
        why = error.strerror or str(error)
        yield Fault(f"run {run}: {path} cannot be read: {why}", f"Give yourself the permission to read {place}.")
        return
    yield f"file {run}/{path}"


def _outputs_elsewhere(layout: WorkspaceLayout) -> set[tuple[str, str]]:
    """Run and name of each output that is kept at a place of the user's choice, who may do there as they like."""
    outputs = ((ports.run, one) for ports in Store(layout).ports() for one in ports.outputs)
    # A workspace may have been moved or copied since: the end of the path stays.
    return {(run, one.name) for run, one in outputs if not str(one.path).endswith(f"/{run}/named-outputs/{one.name}")}
