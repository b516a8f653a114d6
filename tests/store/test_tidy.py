"""Tidying after runs that are over: journals are compressed and points gathered, and nobody sees a difference."""

import gzip
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench_store.journal import packed
from workbench_store.journal.packed import journal_size, journals_in, pack, packed_path, read_journal
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.migrations import MIGRATIONS, SCHEMA_VERSION
from workbench_store.rebuild import rebuild
from workbench_store.store import Store
from workbench_store.tidy import tidy, waiting

from tests.store.journals import fresh, make_run, python, write_points
from tests.store.test_recovery import everything

LONG_AGO = 1_000_000.0


def end_run(layout: WorkspaceLayout, name: str) -> None:
    writer = JournalWriter(layout.run(name).journals, "script")
    writer.event("state", state="Completed", generation=1, judged=False, seq=2)
    writer.close()


def finished_run(layout: WorkspaceLayout, name: str, points: int = 3000) -> Path:
    folder = make_run(layout, name)
    write_points(folder, "loss", [(0, step, 1.0 + step, step / 7) for step in range(points)])
    end_run(layout, name)
    return folder


def packed_files(layout: WorkspaceLayout) -> list[Path]:
    return sorted(layout.runs.glob("*/journal/*.gz"))


@given(
    size=st.integers(0, 400),
    pieces=st.lists(st.tuples(st.integers(0, 500), st.integers(1, 300)), max_size=8),
    member=st.integers(1, 97),
)
@settings(max_examples=80)
def test_a_packed_journal_is_read_from_any_offset(
    tmp_path_factory: pytest.TempPathFactory, size: int, pieces: list[tuple[int, int]], member: int
) -> None:
    path = tmp_path_factory.mktemp("j") / "a.wbj"
    data = random.Random(size).randbytes(size)
    path.write_bytes(data)
    whole = packed.MEMBER_BYTES
    packed.MEMBER_BYTES = member
    try:
        assert pack(path) and not path.exists()
        assert gzip.decompress(packed_path(path).read_bytes()) == data if size else True
        assert journal_size(path) == size and journals_in(path.parent) == [("a.wbj", size)]
        for offset, most in pieces:
            assert read_journal(path, offset, most) == data[offset : offset + most]
    finally:
        packed.MEMBER_BYTES = whole


def test_tidying_changes_nothing_that_anyone_sees(layout: WorkspaceLayout) -> None:
    for number in range(3):
        finished_run(layout, f"run-{number}")
    before = everything(layout)
    assert waiting(layout, quiet_seconds=0) == 3
    time.sleep(0.05)
    done = tidy(layout, quiet_seconds=0)
    assert done.runs == 3 and done.saved_bytes > 100_000 and not done.doubtful
    assert len(packed_files(layout)) == 3 and waiting(layout, quiet_seconds=0) == 0
    assert everything(layout) == before
    rebuild(layout)
    assert everything(layout) == before
    assert tidy(layout, quiet_seconds=0).saved_bytes == 0


def test_what_tidies_in_the_background_gives_way_to_a_backup(layout: WorkspaceLayout) -> None:
    for name in ("a", "b"):
        finished_run(layout, name)
    with FileLock(layout.backup_lock):
        assert tidy(layout, budget_seconds=60, quiet_seconds=-1).runs == 0
    assert tidy(layout, budget_seconds=60, quiet_seconds=-1).runs == 2


def test_what_ended_lately_is_left_alone(layout: WorkspaceLayout) -> None:
    finished_run(layout, "young")
    fresh(layout)
    assert waiting(layout) == 0 and tidy(layout).runs == 0 and not packed_files(layout)


def test_a_journal_that_is_open_for_writing_is_left_alone(layout: WorkspaceLayout) -> None:
    folder = finished_run(layout, "r")
    writer = JournalWriter(folder, "client", 3)
    for step in range(3000):
        writer.points(1.0 + step, step, ("late",), (1.0,))
    time.sleep(0.05)
    assert tidy(layout, quiet_seconds=0).runs == 0
    assert writer.path.exists() and len(packed_files(layout)) == 1
    writer.points(5000.0, 5000, ("late",), (2.0,))
    writer.close()
    time.sleep(0.05)
    assert tidy(layout, quiet_seconds=0).runs == 1 and not writer.path.exists()
    assert fresh(layout).series("r", "late", rank=3).values[-1] == 2.0


def test_what_is_written_after_tidying_is_taken_in_and_tidied_too(layout: WorkspaceLayout) -> None:
    folder = finished_run(layout, "r")
    time.sleep(0.05)
    tidy(layout, quiet_seconds=0)
    write_points(folder, "late", [(0, step, 1.0 + step, 1.0) for step in range(3000)])
    assert len(fresh(layout).series("r", "late").values) == 3000
    time.sleep(0.05)
    assert tidy(layout, quiet_seconds=0).runs == 1 and len(packed_files(layout)) == 2


@pytest.mark.slow
def test_interleaved_points_are_gathered(layout: WorkspaceLayout) -> None:
    writers = {}
    for number in range(20):
        folder = make_run(layout, f"run-{number}")
        writers[number] = JournalWriter(folder, "client")
    store = Store(layout)
    for stretch in range(8):
        for writer in writers.values():
            for step in range(stretch * 250, stretch * 250 + 250):
                writer.points(float(step), step, ("a", "b", "c", "d"), (step * 1.0, float("nan"), 2.0, 3.0))
        store.refresh()
    for number, writer in writers.items():
        writer.close()
        end_run(layout, f"run-{number}")
    before = everything(layout)
    time.sleep(0.05)
    done = tidy(layout, quiet_seconds=0)
    assert done.runs == 20 and done.points > 50_000
    assert repr(everything(layout)) == repr(before)
    assert len(fresh(layout).series("run-3", "b").values) == 2000


@pytest.mark.slow
def test_kills_at_any_moment_leave_nothing_lost_or_doubled(layout: WorkspaceLayout) -> None:
    for number in range(4):
        finished_run(layout, f"run-{number}", 10_000)
    before = everything(layout)
    code = (
        "import sys; from pathlib import Path; from workbench_store import tidy; "
        "from workbench_store.layout import WorkspaceLayout; tidy._ROW_GROUP = -1; print('on', flush=True); "
        "tidy.tidy(WorkspaceLayout(Path(sys.argv[1])), quiet_seconds=0)"
    )
    dice = random.Random(5)
    killed = 0
    for number in range(9):  # the first ones soon, as a quick machine is done with all before long
        process = python(code, str(layout.root))
        assert process.stdout is not None and process.stdout.readline()
        try:
            process.wait(timeout=dice.uniform(0.0, 0.01 * (number + 1)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
        if killed % 5 == 0:
            assert everything(layout) == before
    assert killed >= 3
    tidy(layout, quiet_seconds=0)
    assert len(packed_files(layout)) == 4 and not list(layout.runs.glob("*/journal/*.part"))
    assert everything(layout) == before
    rebuild(layout)
    assert everything(layout) == before


def test_packing_cut_short_before_its_end_is_finished_by_the_next(layout: WorkspaceLayout) -> None:
    folder = finished_run(layout, "r")
    plain = max(folder.glob("*.wbj"), key=lambda path: path.stat().st_size)
    content = plain.read_bytes()
    time.sleep(0.05)
    tidy(layout, quiet_seconds=0)
    before = everything(layout)
    plain.write_bytes(content)
    assert everything(layout) == before
    tidy(layout, quiet_seconds=0)
    assert not plain.exists() and everything(layout) == before


@pytest.mark.slow
def test_damage_in_a_packed_journal_costs_only_what_it_hits(layout: WorkspaceLayout) -> None:
    finished_run(layout, "r", 100_000)  # several members
    time.sleep(0.05)
    tidy(layout, quiet_seconds=0)
    (path,) = packed_files(layout)
    data = bytearray(path.read_bytes())
    whole = fresh(layout).series("r", "loss").values
    assert len(whole) == 100_000
    for place in (0, len(data) // 2, len(data) - 40):
        damaged = bytearray(data)
        damaged[place : place + 40] = os.urandom(40)
        path.write_bytes(damaged)
        rebuild(layout, losing=True)
        kept = fresh(layout).series("r", "loss").values
        assert 50_000 < len(kept) < 100_000 or kept == whole
        assert set(kept) <= set(whole)
        assert fresh(layout).run("r").gap_bytes > 0 or kept == whole
    path.write_bytes(data[: len(data) // 2])
    rebuild(layout, losing=True)
    kept = fresh(layout).series("r", "loss").values
    assert kept == whole[: len(kept)] and len(kept) > 30_000


def test_points_that_are_missing_in_the_store_are_told_and_the_journals_kept(layout: WorkspaceLayout) -> None:
    from workbench_store.lease import lease_of

    finished_run(layout, "r")
    fresh(layout)
    with lease_of(layout).writing() as connection:
        connection.execute("DELETE FROM points WHERE step = 7")
    time.sleep(0.05)
    assert tidy(layout, quiet_seconds=0).doubtful == ("r",)
    assert not packed_files(layout)


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_a_store_of_an_older_schema_is_brought_up(layout: WorkspaceLayout, version: int) -> None:
    import duckdb

    finished_run(layout, "r")
    before = everything(layout)
    layout.store.unlink()
    with duckdb.connect(str(layout.store)) as connection:
        for migration in MIGRATIONS[:version]:
            connection.execute(migration)
        connection.execute("INSERT INTO meta VALUES ('schema', ?)", [str(version)])
    assert tidy(layout, quiet_seconds=0).runs == 1
    assert everything(layout) == before
