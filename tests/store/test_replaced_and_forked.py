"""The store when another file takes the place of the known one; forks, long reads, clocks that are set back."""

import os
import threading
from pathlib import Path

import pytest
from workbench_store.errors import StoreBusy, WorkspaceError
from workbench_store.fold import StoredEvent, fold_detail, fold_run
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.locks import FileLock
from workbench_store.rebuild import rebuild
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

from tests.store.journals import python


def write_run(layout: WorkspaceLayout, name: str, steps: int = 10) -> None:
    layout.run(name).journals.mkdir(parents=True)
    writer = JournalWriter(layout.run(name).journals, "script")
    for step in range(steps):
        writer.points(float(step), step, ("k",), (float(step),))
    writer.close()


@pytest.mark.parametrize("number", range(5))
def test_a_store_object_notices_another_file_in_the_place_of_its_own(layout: WorkspaceLayout, number: int) -> None:
    write_run(layout, "a")
    write_run(layout, "b")
    known = Store(layout)
    known.refresh()
    layout.store.unlink()
    other = Store(layout)
    other.refresh(only="a")  # a process that was killed half-way
    known.runs()
    known.refresh()
    assert sorted(known.runs().names) == ["a", "b"]
    assert len(known.series("b", "k")) == 10


def test_the_old_store_is_read_while_a_new_one_is_made(layout: WorkspaceLayout) -> None:
    write_run(layout, "a")
    store = Store(layout)
    store.refresh()
    turn = FileLock(layout.rebuild_lock)
    assert turn.try_acquire()
    with pytest.raises(StoreBusy, match="another process"):
        rebuild(layout)
    turn.release()
    before = store.runs()
    rebuild(layout)
    assert store.runs() == before
    assert not (layout.tmp / "rebuild").exists()


def test_a_child_forked_while_a_lease_is_looked_up_can_look_up_its_own(layout: WorkspaceLayout) -> None:
    from workbench_store import lease

    write_run(layout, "a")
    Store(layout).refresh()
    with lease._leases_guard:
        child = os.fork()
        if child == 0:
            os._exit(0 if Store(layout).runs().names == ["a"] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_read_ends_when_a_writer_waits_for_too_long(layout: WorkspaceLayout, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench_store import patience

    monkeypatch.setattr(patience, "READ_SECONDS", 0.1)
    write_run(layout, "a")
    Store(layout).refresh()
    writer = FileLock(layout.writer_lock)
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"
    with pytest.raises(StoreBusy, match="another process waited"), lease_of(layout).reading() as connection:
        assert writer.try_acquire()
        connection.execute(endless).fetchall()
    writer.release()
    assert Store(layout).runs().names == ["a"]


def event(journal: int, position: int, time: float, name: str, **fields: object) -> StoredEvent:
    return StoredEvent(time, journal, position, name, dict(fields))


def test_a_clock_that_is_set_back_does_not_change_the_order_within_a_journal() -> None:
    events = [
        event(1, 0, 1000.0, "stage", stage="run", status="started"),
        event(1, 10, 500.0, "stage", stage="run", status="done", seconds=3.0),
        event(1, 20, 501.0, "tags", set={"best": "new"}),
        event(2, 0, 900.0, "tags", set={"best": "old"}),
    ]
    (stage,) = fold_detail(events).stages
    assert (stage.status, stage.seconds) == ("done", 3.0)
    assert fold_run("r", events).tags == {"best": "new"}


def test_what_a_foreign_writer_says_of_durations_is_taken_with_care() -> None:
    for seconds, expected in ((-1.0, None), ("x", None), (float("nan"), None), (2.5, 2.5)):
        state = event(1, 0, 1.0, "state", state="Completed", generation=1, seq=1, seconds=seconds, ended="never")
        row = fold_run("r", [state]).row
        assert row["seconds"] == expected and row["ended"] == 1.0


def test_a_writer_tries_again_though_more_is_logged_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench_store.journal import writer as module

    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    writer = JournalWriter(tmp_path, "client", tell=lambda text: None)
    real, full = os.write, threading.Event()

    def write(descriptor: int, data: bytes) -> int:
        if full.is_set():
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    before = writer.path.stat().st_size
    full.set()
    writer.points(1.0, 0, ("k",), (0.0,))
    full.clear()
    step = 0
    while writer.path.stat().st_size == before:
        step += 1
        writer.points(1.0, step, ("k",), (0.0,))
        assert step < 10_000_000, "nothing is tried while more is logged"
    writer.close()


def test_a_current_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(WorkspaceError, match="current folder"):
        open_workspace()


def test_a_forked_child_uses_its_parents_store_object(layout: WorkspaceLayout) -> None:
    write_run(layout, "a")
    store = Store(layout)
    store.refresh()
    held, go_on = threading.Event(), threading.Event()

    def read() -> None:
        with lease_of(layout).reading():
            held.set()
            go_on.wait(30)

    reader = threading.Thread(target=read)
    reader.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(0 if store.runs().names == ["a"] else 1)
    assert os.waitpid(child, 0)[1] == 0
    go_on.set()
    reader.join()


def test_many_writers_do_not_use_up_the_descriptors(tmp_path: Path) -> None:
    done = python(
        "import resource, sys\nfrom pathlib import Path\nfrom workbench_store.journal.writer import JournalWriter\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "for number in range(300):\n"
        "    JournalWriter(Path(sys.argv[1]), ('judge', 'user', 'script')[number % 3]).close()\n",
        str(tmp_path),
    )
    _, errors = done.communicate(timeout=60)
    assert done.returncode == 0, errors


def test_a_run_that_is_still_written_to_is_not_settled(layout: WorkspaceLayout) -> None:
    from workbench_store.news import JournalWatch, journal_sizes

    write_run(layout, "a")
    folder = layout.run("a").journals
    writer = JournalWriter(folder, "user")
    offsets = dict(journal_sizes("a", folder))
    assert JournalWatch(layout).settle({"a": 1.0}, offsets) == {}
    writer.close()
    assert set(JournalWatch(layout).settle({"a": 1.0}, offsets)) == {"a"}


def test_reads_are_watched_though_the_question_who_waits_fails(
    layout: WorkspaceLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb
    from workbench_store import patience

    monkeypatch.setattr(patience, "READ_SECONDS", 0.05)
    answers = [WorkspaceError("no"), WorkspaceError("no"), True]

    def somebody_waits() -> bool:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    watched = patience.Patience(somebody_waits)
    connection = duckdb.connect()
    with pytest.raises(duckdb.InterruptException), watched.watch(connection):
        connection.execute("SELECT count(*) FROM range(1000000000) a, range(1000000000) b").fetchall()
