"""What a job recorded with MLflow, which without a server writes to the job's own folder: that is temporary storage, so
it is kept with the run's outputs."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from workbench_store.errors import SnapshotError
from workbench_store.layout import WorkspaceLayout
from workbench_store.snapshot import read_snapshot

from workbench.data.copying import move_into
from workbench.data.hashing import hash_below
from workbench.lifecycle.plan import Plan
from workbench.lifecycle.recorder import RunRecorder
from workbench.lifecycle.staging import code_folder

#: Where MLflow writes by itself: its database, with what SQLite has beside it, and its artifacts (3.x), its folder
#: (before that).
PLACES = ("mlflow.db", "mlflow.db-journal", "mlflow.db-wal", "mlflow.db-shm", "mlruns", "mlartifacts")


def keep_mlflow_records(layout: WorkspaceLayout, plan: Plan, recorder: RunRecorder) -> None:
    """Move them to ./outputs, and warn that they are not this run's. Can be cut short and done again.

    Raises OSError; then what is not in ./outputs yet is where it was.
    """
    code, outputs = code_folder(layout, plan.name), layout.run(plan.name).outputs
    kept = list(_written(layout, plan, code))
    for place in kept:
        source, target = code / place, outputs / place
        if source.is_dir() and (target.is_dir() or not os.path.lexists(target)):
            move_into(source, target)
        else:
            source.replace(_free(target))
    if kept:
        recorder.warning(
            f"what the job recorded with MLflow is kept in outputs ({', '.join(kept)}); it is not among this run's "
            "metrics and parameters: for that, `import workbench` and workbench.log(...)"
        )


def _free(target: Path) -> Path:
    """The place, or one beside it where the job has put something of that name there itself."""
    places = itertools.chain([target], (target.with_name(f"{target.name}.{number}") for number in itertools.count(1)))
    return next(place for place in places if not os.path.lexists(place))


def _written(layout: WorkspaceLayout, plan: Plan, code: Path) -> Iterator[str]:
    """The places with something that the snapshot has not brought. A link leads to where it is kept already."""
    there = [place for place in PLACES if (code / place).exists() and not (code / place).is_symlink()]
    brought = _brought(layout, plan) if there else {}
    for place in there:
        below = hash_below(code / place)
        if any(brought.get("/".join(filter(None, (place, file.path)))) != file.hash for file in below):
            yield place


def _brought(layout: WorkspaceLayout, plan: Plan) -> dict[str, str]:
    if plan.snapshot is None:
        return {}
    try:
        return {entry.path: entry.hash for entry in read_snapshot(layout, plan.snapshot).entries}
    except (OSError, SnapshotError):
        return {}
