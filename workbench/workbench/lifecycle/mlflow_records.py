"""What a job recorded with MLflow, which without a server writes to the job's own folder: that is temporary storage, so
it is kept with the run's outputs."""

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

#: Where MLflow writes by itself: its database and its artifacts (3.x), its folder (before that).
PLACES = ("mlflow.db", "mlruns", "mlartifacts")


def keep_mlflow_records(layout: WorkspaceLayout, plan: Plan, recorder: RunRecorder) -> None:
    """Move them to ./outputs, and warn that they are not this run's. Can be cut short and done again.

    Raises OSError; then what is not in ./outputs yet is where it was.
    """
    code, outputs = code_folder(layout, plan.name), layout.run(plan.name).outputs
    kept = list(_written(layout, plan, code))
    for place in kept:
        source, target = code / place, outputs / place
        if source.is_dir():
            move_into(source, target)
        elif not target.exists():
            source.replace(target)
    if kept:
        recorder.warning(
            f"what the job recorded with MLflow is kept in outputs ({', '.join(kept)}); it is not among this run's "
            "metrics and parameters: for that, `import workbench` and workbench.log(...)"
        )


def _written(layout: WorkspaceLayout, plan: Plan, code: Path) -> Iterator[str]:
    """The places with something that the snapshot has not brought."""
    if not any((code / place).exists() for place in PLACES):
        return
    brought = _brought(layout, plan)
    for place in PLACES:
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
