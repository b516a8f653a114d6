"""Everything about one run: what its page and `show` draw."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import asdict, replace
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.records import ArtifactRecord, MediaKey, MetricSummary, PortRecord, RunDetail, RunRecord
from workbench_store.redaction import redacted

from workbench.lifecycle.judge import tell_what_was_left
from workbench.lifecycle.outputs import output_places
from workbench.view.duration import duration_of
from workbench.view.format import iso_time
from workbench.view.fresh import store_with

if TYPE_CHECKING:
    from workbench_store.store import Store


class SnapshotFile(Struct, frozen=True):
    """A file of a run's snapshot."""

    path: str
    size: int
    hash: str


class RunPage(Struct, frozen=True):
    """A run, whole but for its points and its log. `spec` is the job file as YAML, empty for a script's own run."""

    record: RunRecord
    detail: RunDetail
    params: dict[str, Any]
    metrics: tuple[MetricSummary, ...]
    artifacts: tuple[ArtifactRecord, ...]
    media: tuple[MediaKey, ...]
    files: tuple[SnapshotFile, ...]
    spec: str
    folder: Path

    @property
    def duration(self) -> float | None:
        """Seconds since the command started, or that it took; None when it never started."""
        return duration_of(self.record, time.time())

    @property
    def outputs(self) -> tuple[PortRecord, ...]:
        """Those of `detail`, each where it is now: the workspace may have been moved since."""
        now = output_places(RunLayout(self.folder))
        return tuple(
            replace(port, path=redacted(str(now[port.name]))) if port.name in now else port
            for port in self.detail.outputs
        )


def run_page(layout: WorkspaceLayout, store: "Store", name: str) -> RunPage:
    """The page of the run of exactly that name, its own journals read to the end. Raises NotFound."""
    tell_what_was_left(layout.run(name))
    store.refresh(only=name)
    with store_with(layout, store, name) as store, store.at_once():
        record, detail, params = store.run(name), store.detail(name), store.params(name)
        metrics, artifacts, media = store.metrics(name, rank=None), store.artifacts(name), store.media_keys(name)
    return RunPage(
        record=record,
        detail=detail,
        params=params,
        metrics=tuple(metrics),
        artifacts=tuple(artifacts),
        media=tuple(media),
        files=_files(layout, record.snapshot),
        spec=redacted(_text(layout.run(name).job_yaml)),
        folder=layout.run(name).root,
    )


def _files(layout: WorkspaceLayout, snapshot: str | None) -> tuple[SnapshotFile, ...]:
    if snapshot is None:
        return ()
    from workbench_store.errors import WorkbenchError
    from workbench_store.snapshot import read_snapshot

    try:
        entries = read_snapshot(layout, snapshot).entries
    except (WorkbenchError, OSError):
        return ()
    return tuple(SnapshotFile(entry.path, entry.size, entry.hash) for entry in entries)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def to_json_dict(page: RunPage) -> dict[str, Any]:
    """The page as JSON values; the fields are in docs/cli.md."""
    record, detail = page.record, page.detail
    return {
        "name": record.name,
        "id": record.id,
        "kind": record.kind,
        "experiment": record.experiment,
        "display_name": record.display_name,
        "description": record.description,
        "state": str(record.state),
        "reason": record.reason,
        "exit_code": record.exit_code,
        "signal": record.signal,
        "compute": record.compute,
        "command": record.command,
        "user": record.user,
        "host": record.host,
        "created": iso_time(record.created),
        "started": iso_time(record.started),
        "ended": iso_time(record.ended),
        "duration": page.duration,
        "tags": dict(record.tags),
        "note": record.note,
        "archived": record.archived,
        "params": page.params,
        "metrics": [_metric(summary) for summary in page.metrics],
        "stages": [
            {
                "stage": stage.stage,
                "status": stage.status,
                "began": iso_time(stage.began),
                "seconds": stage.seconds,
                "detail": dict(stage.detail),
            }
            for stage in detail.stages
        ],
        "states": [
            {"state": str(one.state), "time": iso_time(one.time), "reason": one.reason} for one in detail.states
        ],
        "inputs": [_port(port) for port in detail.inputs],
        "outputs": [_port(port) for port in page.outputs],
        "artifacts": [
            {"path": one.path, "kind": one.kind, "size": one.size, "hash": one.hash} for one in page.artifacts
        ],
        "media": [asdict(one) for one in page.media],
        "snapshot": _snapshot(page),
        "git": None if detail.git is None else _plain(asdict(detail.git)),
        "environment": None if detail.environment is None else _plain(asdict(detail.environment)),
        "notes": list(detail.notes),
        "warnings": list(detail.warnings),
        "properties": dict(detail.properties),
        "lost_points": record.lost_points,
        "gap_bytes": record.gap_bytes,
        "folder": str(page.folder),
        "spec": page.spec or None,
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(values, default=str)))


def _metric(summary: MetricSummary) -> dict[str, Any]:
    return {**asdict(summary), "last_time": iso_time(summary.last_time), "first_time": iso_time(summary.first_time)}


def _port(port: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(port).items() if value is not None}


def _snapshot(page: RunPage) -> dict[str, Any] | None:
    found = page.detail.snapshot
    if found is None:
        return None
    return {
        "id": found.id,
        "bytes": found.bytes,
        "upstream_hash": found.upstream_hash,
        "excluded": dict(found.excluded),
        "files": [{"path": file.path, "size": file.size, "hash": file.hash} for file in page.files],
    }
