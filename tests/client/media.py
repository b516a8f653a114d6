"""A run that is open in the test's own process, and what of it can be read back."""

import json
from typing import Any

from workbench.client.active_run import ActiveRun
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import MediaQuery, MediaRecord
from workbench_store.store import Store


def media_of(run: ActiveRun, kind: str | None = None) -> list[MediaRecord]:
    """What the run has logged so far, of one kind or of all."""
    store = Store(WorkspaceLayout(run.path.parent.parent))
    store.refresh()
    return store.media(run.name, MediaQuery(kind=kind))


def file_of(run: ActiveRun, record: MediaRecord) -> bytes:
    assert record.path is not None
    data = (run.path / record.path).read_bytes()
    assert len(data) == record.size
    return data


def json_of(run: ActiveRun, record: MediaRecord) -> Any:
    return json.loads(file_of(run, record))
