"""What is half-written where content is kept."""

from collections.abc import Iterator
from pathlib import Path

from workbench_store.layout import WorkspaceLayout


def content_drafts(layout: WorkspaceLayout) -> Iterator[Path]:
    """What snapshots are writing just now, or were killed while writing."""
    for folder in (layout.blobs, layout.snapshots, layout.stat_cache):
        yield from folder.glob("*.new")
