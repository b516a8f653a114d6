"""Journals with known content, and what a fresh reader sees of them."""

import subprocess
import sys
from pathlib import Path

from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import MetricSummary
from workbench_store.store import Store

#: A point as (rank, step, time, value).
Point = tuple[int, int, float, float]


def make_run(layout: WorkspaceLayout, name: str) -> Path:
    """The journal folder of a run that has only begun; returns the folder."""
    folder = layout.run(name).journals
    folder.mkdir(parents=True)
    writer = JournalWriter(folder, "script")
    writer.event("run", name=name, id=name, kind="script", experiment="e", created=1.0)
    writer.event("state", state="Running", generation=1, judged=False, seq=1)
    writer.close()
    return folder


def write_points(folder: Path, key: str, points: list[Point]) -> None:
    """A journal of its own with these points."""
    rank = points[0][0] if points else 0
    writer = JournalWriter(folder, "client", rank)
    for _, step, when, value in points:
        writer.points(when, step, (key,), (value,))
    writer.close()


def fresh(layout: WorkspaceLayout) -> Store:
    """A store that has taken in everything."""
    store = Store(layout)
    store.refresh()
    return store


def the_summary(layout: WorkspaceLayout, name: str, key: str, rank: int = 0) -> MetricSummary:
    return next(one for one in fresh(layout).metrics(name, rank=rank) if one.key == key)


def python(code: str, *words: str) -> "subprocess.Popen[str]":
    """A process of its own that runs `code`."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
