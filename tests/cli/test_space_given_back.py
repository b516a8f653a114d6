"""Removing runs and giving space back on a disk that is really full: that is when it is asked for."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from workbench_store.edits import read_edits
from workbench_store.layout import WorkspaceLayout

import workbench as wb
from tests.cli.terminal import Workbench
from tests.small_disk import fill, small_disk

pytestmark = pytest.mark.slow

DISK_BYTES = 24 * 1024 * 1024
#: Of each run's output, in bytes.
OUTPUT_BYTES = 1_500_000


@pytest.fixture
def disk(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small file system that holds the workspace, with three runs: `early` is in the trash already."""
    with small_disk(here / "disk", DISK_BYTES) as place:
        monkeypatch.setenv("WORKBENCH_WORKSPACE", str(place))
        (here / "output.bin").write_bytes(b"x" * OUTPUT_BYTES)
        for name in ("early", "late", "kept"):
            with wb.start_run(name=name, system_metrics=False) as run:
                run.log({"k": 1})
                run.log_artifact("output.bin")
        yield place


@pytest.fixture
def layout(disk: Path) -> WorkspaceLayout:
    return WorkspaceLayout(disk / ".workbench")


def names(workbench: Workbench) -> list[str]:
    return sorted(run["name"] for run in json.loads(workbench("ls", "--json").stdout)["runs"])


def in_trash(workbench: Workbench) -> list[str]:
    return sorted(run["name"] for run in json.loads(workbench("restore", "--json").stdout))


def free(disk: Path) -> int:
    return shutil.disk_usage(disk).free


def test_what_is_removed_on_a_full_disk_gives_its_space_back(
    workbench: Workbench, disk: Path, layout: WorkspaceLayout
) -> None:
    assert names(workbench) == ["early", "kept", "late"]
    assert workbench("rm", "early").returncode == 0
    ballast = fill(disk / "ballast")
    removed = workbench("rm", "late")
    assert removed.returncode == 0 and "No space left" in removed.stderr, removed.stderr
    assert in_trash(workbench) == ["early", "late"]
    again = workbench("rm", "late")
    assert again.returncode == 0, "it is where it should be"
    told = workbench("doctor").stdout
    assert "run late is removed, and the store" in told and "Bring the folder back" not in told
    assert workbench("gc", "--trash-older", "1d", "--yes").returncode == 0 and in_trash(workbench) == ["early", "late"]
    assert free(disk) == 0
    done = workbench("gc", "--yes")
    assert done.returncode == 0 and "given back" in done.stderr, done.stderr
    # The store's log, which could not be written before, takes a part.
    assert free(disk) > 1.5 * OUTPUT_BYTES
    assert names(workbench) == ["kept"] and in_trash(workbench) == []
    assert list(layout.tmp.glob("purged-*")) == []
    ballast.unlink()
    assert "nothing to give back" in workbench("gc", "--yes").stderr
    assert "late" not in workbench("doctor").stdout and workbench("verify").returncode == 0
    assert [edit.fields["run"] for edit in read_edits(layout, "purged")] == ["early", "late"]


def test_a_run_that_was_removed_on_a_full_disk_comes_back(workbench: Workbench, disk: Path) -> None:
    assert names(workbench) == ["early", "kept", "late"]
    ballast = fill(disk / "ballast")
    assert workbench("rm", "late").returncode == 0
    assert workbench("restore", "late").returncode == 0 and in_trash(workbench) == []
    assert names(workbench) == ["early", "kept", "late"]
    ballast.unlink()
    assert names(workbench) == ["early", "kept", "late"] and workbench("verify").returncode == 0


def test_a_disk_that_fills_up_at_once_again_keeps_the_name_taken(
    workbench: Workbench, disk: Path, layout: WorkspaceLayout
) -> None:
    assert names(workbench) == ["early", "kept", "late"]
    ballast = fill(disk / "ballast")
    assert workbench("rm", "late").returncode == 0
    layout.trashed("late").root.rename(layout.purged("late"))  # the removal was killed with its files gone,
    for path in list(layout.purged("late").iterdir()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with ballast.open("ab") as file:  # and somebody took what they gave
        fill(disk / "ballast-2")
        file.flush()
    done = workbench("gc", "--yes")
    assert done.returncode == 4 and "the files of late are removed" in done.stderr, done.stderr
    assert layout.purged("late").is_dir()
    assert "is removed for good" in workbench("rm", "late").stderr
    for path in disk.glob("ballast*"):
        path.unlink()
    assert names(workbench) == ["early", "kept"]
    assert workbench("gc", "--yes").returncode == 0 and not layout.purged("late").exists()
    with wb.start_run(name="late", system_metrics=False) as run:
        run.set_tags({"new": "yes"})
    assert json.loads(workbench("show", "late", "--json").stdout)["tags"] == {"new": "yes"}


def test_a_rebuild_is_not_held_up_by_what_was_removed(workbench: Workbench, disk: Path) -> None:
    assert names(workbench) == ["early", "kept", "late"]
    ballast = fill(disk / "ballast")
    removed = workbench("rm", "late")
    assert removed.returncode == 0 and "No space left" in removed.stderr, removed.stderr
    ballast.unlink()
    assert "rebuilt" in workbench("doctor", "--rebuild").stderr  # that there is little room is told too
    assert names(workbench) == ["early", "kept"]


def test_where_no_store_can_be_made_runs_are_listed_and_removed(
    workbench: Workbench, disk: Path, layout: WorkspaceLayout
) -> None:
    ballast = fill(disk / "ballast")
    listed = workbench("ls")
    assert "late" in listed.stdout and "in memory alone" in listed.stderr and "No space left" in listed.stderr
    assert json.loads(workbench("show", "late", "--json").stdout)["metrics"][0]["last"] == 1
    assert "in memory" not in workbench("doctor").stdout and not layout.store.exists()
    refused = workbench("ls", "--where", "name = 'late'")
    assert refused.returncode == 4 and "No space left" in refused.stderr and "Traceback" not in refused.stderr
    assert workbench("rm", "late").returncode == 0 and names(workbench) == ["early", "kept"]
    assert workbench("gc", "--yes").returncode == 0 and free(disk) > 0.9 * OUTPUT_BYTES
    assert names(workbench) == ["early", "kept"]
    ballast.unlink()
    assert names(workbench) == ["early", "kept"] and layout.store.exists()
    assert "in memory alone" not in workbench("ls").stderr and workbench("verify").returncode == 0


def test_the_run_that_the_store_had_no_room_for_is_removed_by_its_name(
    workbench: Workbench, disk: Path, here: Path
) -> None:
    assert names(workbench) == ["early", "kept", "late"]
    with wb.start_run(name="filler", system_metrics=False) as run:
        run.log_artifact("output.bin")
    ballast = fill(disk / "ballast")
    assert "filler" not in names(workbench)
    shown = workbench("show", "filler")
    assert shown.returncode == 0 and "Completed" in shown.stdout and "cannot be taken in" in shown.stderr, shown.stderr
    traced = workbench("lineage", "filler")
    assert traced.returncode != 0 and "workbench rm" in traced.stderr, traced.stderr
    removed = workbench("rm", "filler")
    assert removed.returncode == 0, removed.stderr
    assert in_trash(workbench) == ["filler"] and free(disk) == 0
    assert workbench("gc", "--yes").returncode == 0 and free(disk) > 0.5 * OUTPUT_BYTES
    ballast.unlink()
    assert names(workbench) == ["early", "kept", "late"] and workbench("verify").returncode == 0


@pytest.mark.parametrize("room", [8, 48, 96, 200, 400], ids=lambda kib: f"{kib} KiB")
def test_with_hardly_any_room_nothing_ends_in_an_internal_error(workbench: Workbench, disk: Path, room: int) -> None:
    ballast = fill(disk / "ballast")
    with ballast.open("r+b") as file:
        file.truncate(ballast.stat().st_size - room * 1024)
    for words in (("ls",), ("sql", "SELECT 1"), ("verify",), ("doctor",), ("gc", "--preview"), ("rm", "late")):
        done = workbench(*words)
        assert done.returncode != 70 and "Traceback" not in done.stderr, done.stderr
    ballast.unlink()
    assert names(workbench) == ["early", "kept"] and workbench("verify").returncode == 0


def test_a_store_that_an_upgrade_has_no_room_to_bring_up_to_date(
    workbench: Workbench, disk: Path, layout: WorkspaceLayout
) -> None:
    assert names(workbench) == ["early", "kept", "late"]
    with duckdb.connect(str(layout.store)) as connection:  # as the version before made it
        connection.execute("ALTER TABLE runs DROP COLUMN going_since")
        connection.execute("UPDATE meta SET value = '5' WHERE key = 'schema'")
        connection.execute("CHECKPOINT")
    ballast = fill(disk / "ballast")
    listed = workbench("ls")
    assert listed.returncode == 0 and "late" in listed.stdout and "in memory alone" in listed.stderr, listed.stderr
    assert workbench("rm", "late").returncode == 0 and workbench("gc", "--yes").returncode == 0
    ballast.unlink()
    assert names(workbench) == ["early", "kept"] and workbench("verify").returncode == 0
