"""A snapshot that takes long says so, and how far it is; one that does not says nothing."""

from pathlib import Path

import pytest
from workbench.lifecycle import slow_snapshot
from workbench_store.layout import WorkspaceLayout
from workbench_store.snapshot import Progress, take_snapshot

from tests.lifecycle.launched import wait_until


def test_it_is_told_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_snapshot, "_PATIENCE", 0.01)
    monkeypatch.setattr(slow_snapshot, "_INTERVAL", 0.02)
    said: list[str] = []
    with slow_snapshot.telling(said.append, Path("src")) as progress:
        wait_until(lambda: "looking for its files" in said[-1:][0] if said else False, "the first word")
        progress.total, progress.files, progress.bytes = 1234, 12, 3 * 2**20
        wait_until(lambda: said[-1] == "  12 of 1,234 files, 3 MiB so far", "how far it is")
    assert "taking a snapshot of src" in said[0] and ".amlignore" in said[0]
    before = len(said)
    with slow_snapshot.telling(said.append, Path("src")):
        pass
    assert len(said) == before


def test_what_is_stored_is_counted(layout: WorkspaceLayout, here: Path) -> None:
    (here / "src").mkdir()
    for number in range(5):
        (here / "src" / str(number)).write_text("x" * number)
    progress = Progress()
    taken = take_snapshot(layout, here / "src", progress=progress)
    assert (progress.files, progress.bytes, progress.total) == (5, 10, 5) == (taken.files, taken.bytes, 5)
