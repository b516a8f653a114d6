"""What befalls the store file: damage, deletion, kills, newer versions; the journals bring everything back."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from workbench_store.errors import StoreDamaged, StoreTooNew, WorkspaceError
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.rebuild import rebuild
from workbench_store.records import MetricSummary, RunRecord
from workbench_store.store import Store

from tests.store.journals import fresh, make_run, python, the_summary, write_points

Everything = dict[str, tuple[RunRecord, dict[str, object], list[MetricSummary], list[list[float]]]]


def everything(layout: WorkspaceLayout) -> Everything:
    """All that a fresh reader can see."""
    store = fresh(layout)
    found: Everything = {}
    for name in sorted(store.runs().names):
        metrics = store.metrics(name, rank=None)
        values = [store.series(name, one.key, one.rank).values for one in metrics]
        found[name] = (store.run(name), store.params(name), metrics, values)
    return found


@pytest.fixture
def filled(layout: WorkspaceLayout) -> WorkspaceLayout:
    """Three runs with points of two ranks, parameters, tags and an edit of a user's."""
    for number in range(3):
        journals = make_run(layout, f"run-{number}")
        for rank in range(2):
            write_points(journals, "loss", [(rank, step, 1.0 + step, step / 7) for step in range(3000)])
        writer = JournalWriter(journals, "client")
        writer.event("params", params={"lr": number, "text": "ünïcode"})
        writer.close()
    edits = JournalWriter(layout.journals, "user")
    edits.event("tags", run="run-1", set={"best": "yes"}, remove=[])
    edits.close()
    return layout


def test_a_rebuilt_store_holds_everything_again(filled: WorkspaceLayout) -> None:
    before = everything(filled)
    assert before["run-1"][0].tags == {"best": "yes"} and len(before["run-2"][3][1]) == 3000
    filled.store.unlink()
    rebuild(filled)
    assert everything(filled) == before
    assert not list(filled.tmp.glob("*.old"))


@pytest.mark.slow
def test_damage_anywhere_in_the_file_never_passes_for_data(filled: WorkspaceLayout) -> None:
    before = everything(filled)
    whole, dice = filled.store.read_bytes(), random.Random(3)
    noticed = 0
    for _ in range(12):
        damaged = bytearray(whole)
        place = dice.randrange(len(whole))
        damaged[place : place + 64] = bytes(dice.randrange(256) for _ in range(len(damaged[place : place + 64])))
        filled.store.write_bytes(damaged)
        try:
            assert everything(filled) == before
        except StoreDamaged as error:
            assert "workbench doctor --rebuild" in str(error)
            noticed += 1
            rebuild(filled)
            assert everything(filled) == before
    assert noticed


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_off_file_is_damaged_and_rebuilt(filled: WorkspaceLayout, share: float) -> None:
    before = everything(filled)
    whole = filled.store.read_bytes()
    filled.store.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(StoreDamaged, match="doctor --rebuild"):
        everything(filled)
    rebuild(filled)
    assert everything(filled) == before


MAKER = """
import sys
from pathlib import Path
from workbench_store.store import Store
from workbench_store.workspace import open_workspace
layout = open_workspace(explicit=sys.argv[1])
print("ready", flush=True)
while True:
    Store(layout).refresh()
    layout.store.unlink()
"""


@pytest.mark.slow
def test_kill_minus_nine_while_the_file_is_made(filled: WorkspaceLayout) -> None:
    before, dice = everything(filled), random.Random(4)
    for _ in range(8):
        process = python(MAKER, str(filled.root))
        assert process.stdout is not None and process.stdout.readline() == "ready\n", process.communicate()
        time.sleep(dice.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert everything(filled) == before


def test_a_file_from_before_the_schema_is_brought_up_to_date(filled: WorkspaceLayout) -> None:
    """Put in the place of a whole one while this process lives, as when a copy is restored."""
    before = everything(filled)
    filled.store.unlink()
    duckdb.connect(str(filled.store)).close()
    assert everything(filled) == before


WRITER_THAT_DIES = """
import os, signal, sys
from workbench_store.lease import lease_of
from workbench_store.workspace import open_workspace
with lease_of(open_workspace(explicit=sys.argv[1])).writing() as connection:
    connection.execute("COMMIT")
    connection.execute("INSERT INTO meta VALUES ('left', 'behind')")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def log_of(layout: WorkspaceLayout) -> Path:
    return layout.store.with_name(layout.store.name + ".wal")


@pytest.fixture
def with_log(filled: WorkspaceLayout) -> Iterator[WorkspaceLayout]:
    """A store whose writer was killed between commit and checkpoint, so that DuckDB's own log lies beside it."""
    fresh(filled)
    process = python(WRITER_THAT_DIES, str(filled.root))
    assert process.wait() == -signal.SIGKILL, process.communicate()
    process.communicate()
    assert log_of(filled).exists()
    yield filled


def test_the_log_of_a_killed_writer_is_taken_in(with_log: WorkspaceLayout) -> None:
    assert the_summary(with_log, "run-1", "loss").count == 3000
    with lease_of(with_log).reading() as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'left'").fetchall() == [("behind",)]


def test_a_deleted_file_whose_log_remains_comes_back(with_log: WorkspaceLayout) -> None:
    with_log.store.unlink()
    rebuild(with_log)
    assert the_summary(with_log, "run-1", "loss").count == 3000


def test_a_deleted_file_whose_log_remains_comes_back_by_refresh(with_log: WorkspaceLayout) -> None:
    with_log.store.unlink()
    assert the_summary(with_log, "run-1", "loss").count == 3000
    assert len(fresh(with_log).series("run-1", "loss")) == 3000


REBUILDER = """
import sys
from workbench_store.rebuild import rebuild
from workbench_store.workspace import open_workspace
layout = open_workspace(explicit=sys.argv[1])
print("ready", flush=True)
while True:
    rebuild(layout)
"""


@pytest.mark.slow
def test_kill_minus_nine_while_rebuilding(filled: WorkspaceLayout) -> None:
    before, dice = everything(filled), random.Random(5)
    for _ in range(6):
        process = python(REBUILDER, str(filled.root))
        assert process.stdout is not None and process.stdout.readline() == "ready\n", process.communicate()
        time.sleep(dice.uniform(0.0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert everything(filled) == before


def test_a_rebuild_and_a_reader_do_not_make_the_same_file(filled: WorkspaceLayout) -> None:
    before = everything(filled)
    filled.store_draft.write_text("a reader is at it")
    rebuild(filled)
    assert filled.store_draft.read_text() == "a reader is at it"
    assert everything(filled) == before


def set_version(layout: WorkspaceLayout, version: int) -> bytes:
    with lease_of(layout).writing() as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [str(version)])
    return layout.store.read_bytes()


def test_a_store_that_is_upgraded_beside_a_living_process_is_left_alone(filled: WorkspaceLayout) -> None:
    store = fresh(filled)
    content = set_version(filled, 999)
    write_points(filled.run("run-0").journals, "late", [(0, 0, 1.0, 1.0)])
    with pytest.raises(StoreTooNew, match="again"):
        store.refresh()
    with pytest.raises(StoreTooNew), lease_of(filled).writing():
        pass
    assert filled.store.read_bytes() == content and not log_of(filled).exists()


def test_a_process_that_comes_late_leaves_a_newer_store_alone(filled: WorkspaceLayout) -> None:
    fresh(filled)
    content = set_version(filled, 2**40)
    code = (
        "import sys; from workbench_store.store import Store; from workbench_store.workspace import open_workspace\n"
        "Store(open_workspace(explicit=sys.argv[1])).refresh()"
    )
    process = python(code, str(filled.root))
    _, errors = process.communicate()
    assert process.returncode == 1 and "StoreTooNew" in errors
    assert filled.store.read_bytes() == content and not log_of(filled).exists()


SESSION = """
import sys
from workbench_store.rebuild import rebuild
from workbench_store.records import RunQuery
from workbench_store.store import Store
from workbench_store.workspace import open_workspace
layout = open_workspace(explicit=sys.argv[1])
store = Store(layout)
store.refresh(); rebuild(layout); store.refresh()
for name in store.runs(RunQuery(metrics=("loss",), params=("lr",))).names:
    store.run(name), store.detail(name), store.series(name, "loss", max_points=100)
"""


def test_a_session_writes_only_into_the_workspace_and_notes_where_that_is(
    filled: WorkspaceLayout, tmp_path: Path
) -> None:
    places = {}
    for variable in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "WORKBENCH_CACHE"):
        (tmp_path / variable).mkdir()
        places[variable] = str(tmp_path / variable)
    here = tmp_path / "cwd"
    here.mkdir()
    outside = {path for path in tmp_path.rglob("*") if filled.root not in path.parents}
    subprocess.run(
        [sys.executable, "-c", SESSION, str(filled.root)],
        cwd=here,
        env={**os.environ, **places, "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    written = {path for path in tmp_path.rglob("*") if filled.root not in path.parents} - outside
    cache = tmp_path / "WORKBENCH_CACHE"
    (note,) = (cache / "workspaces").iterdir()
    assert written == {cache / "CACHEDIR.TAG", cache / "workspaces", note}
    assert note.read_text() == str(filled.root)


def test_a_store_object_of_before_the_fork_works_in_the_child(filled: WorkspaceLayout) -> None:
    store = fresh(filled)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        write_points(filled.run("run-0").journals, "of-child", [(0, 0, 1.0, 1.0)])
        done = store.refresh().points == 1 and store.series("run-0", "loss").total == 3000
        os._exit(0 if done else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.series("run-0", "of-child").total == 1


def test_a_child_forked_inside_a_lease_holds_nothing(filled: WorkspaceLayout) -> None:
    fresh(filled)
    with lease_of(filled).writing():
        child = os.fork()
        if child == 0:
            signal.pause()
    try:
        write_points(filled.run("run-0").journals, "after", [(0, 0, 1.0, 1.0)])
        process = python(SESSION.replace("rebuild(layout);", ""), str(filled.root))
        _, errors = process.communicate(timeout=25)
        assert process.returncode == 0, errors
        assert Store(filled).series("run-0", "after").total == 1
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("mark", ["0", "1", "3", "-1", "none"])
def test_a_store_that_says_another_version_than_it_has_is_damaged_and_is_made_again(
    layout: WorkspaceLayout, mark: str
) -> None:
    make_run(layout, "r")
    fresh(layout)
    with lease_of(layout).writing() as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [mark])
    lease_of(layout).rest()
    with pytest.raises(StoreDamaged, match="is damaged") as caught:
        fresh(layout)
    assert "doctor --rebuild" in str(caught.value.remedy)
    rebuild(layout)
    assert fresh(layout).runs().names == ["r"]


def test_a_fifo_in_the_place_of_the_store_keeps_nobody_waiting(layout: WorkspaceLayout) -> None:
    make_run(layout, "r")
    fresh(layout)
    layout.store.unlink()
    os.mkfifo(layout.store)
    with pytest.raises(WorkspaceError, match="is no file"):
        fresh(layout).runs()
    layout.store.unlink()
    assert fresh(layout).runs().names == ["r"]
