"""A journal's writer when the disk takes nothing, when its process forks, and when many threads use it."""

import os
import shutil
import threading
import time
from pathlib import Path
from typing import NoReturn

import pytest
from workbench_store.errors import WorkspaceError
from workbench_store.journal.decoding import Event, Gap, Points, Record, decode
from workbench_store.journal.retired import retire
from workbench_store.journal.writer import JournalWriter
from workbench_store.locks import FileLock

from tests.lifecycle.launched import wait_until
from tests.small_disk import fill, small_disk
from tests.store.journals import python


def records(folder: Path) -> list[Record]:
    return [record for path in sorted(folder.glob("*.wbj")) for record, _ in decode(path.read_bytes())]


def steps(folder: Path) -> list[int]:
    return [record.step for record in records(folder) if isinstance(record, Points)]


def lost(folder: Path) -> int:
    return sum(
        int(record.fields["points"])
        for record in records(folder)
        if isinstance(record, Event) and record.name == "lost"
    )


#: A file size limit is a disk that is full for this process alone.
LIMITED = """
import resource, signal, sys, time
from pathlib import Path
from workbench_store.journal import writer as module
from workbench_store.journal import waiting
waiting.HELD_BYTES, module.RETRY_SECONDS = 600, 0.0
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
writer = module.JournalWriter(Path(sys.argv[1]), "client")
def size():
    return writer.path.stat().st_size
def limit(bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, hard))
def log(step):
    writer.points(1.0, step, ("k",), (1.0,))
log(0)
record = size()
log(1)
record = size() - record
limit(size())
for step in range(2, 100):
    log(step)
"""


def run(folder: Path, text: str) -> str:
    process = python(LIMITED + text, str(folder))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return errors


def test_the_oldest_points_go_and_are_counted(tmp_path: Path) -> None:
    errors = run(tmp_path, "limit(hard); log(100); writer.close()")
    kept = steps(tmp_path)
    assert kept[:2] == [0, 1] and kept[2:] == list(range(103 - len(kept), 101)) and len(kept) > 5
    assert lost(tmp_path) == 101 - len(kept)
    assert errors.count("workbench:") == 1


def test_the_count_of_the_lost_waits_too_when_there_is_room_for_points_alone(tmp_path: Path) -> None:
    """Room for the points that waited and not for the word of those that did not."""
    run(tmp_path, "limit(size() + 600 // record * record); log(100); limit(hard); log(101); writer.close()")
    assert lost(tmp_path) > 0 and lost(tmp_path) + len(steps(tmp_path)) == 102
    assert steps(tmp_path)[-1] == 101


def test_what_never_could_be_written_is_told_at_the_end(tmp_path: Path) -> None:
    errors = run(tmp_path, "writer.close()")
    assert "98 points could not be written" in errors
    assert steps(tmp_path) == [0, 1]


def test_a_torn_write_is_written_again_whole(tmp_path: Path) -> None:
    torn = "before = size(); limit(size() + record // 2)\nwhile size() == before: time.sleep(0.001)\n"
    run(tmp_path, torn + "log(100); limit(hard); log(101); writer.close()")
    assert steps(tmp_path)[-2:] == [100, 101] and len(set(steps(tmp_path))) == len(steps(tmp_path))
    assert any(isinstance(record, Gap) for record in records(tmp_path))


def test_a_journal_of_which_the_disk_took_nothing_is_not_left(tmp_path: Path) -> None:
    run(tmp_path, "limit(0); other = module.JournalWriter(Path(sys.argv[1]), 'judge'); other.close()")
    assert len(list(tmp_path.glob("*.wbj"))) == 1
    run(tmp_path, "limit(0)\ntry: module.JournalWriter(Path(sys.argv[1]), 'user').finish()\nexcept Exception: pass")
    assert len(list(tmp_path.glob("*.wbj"))) == 2, "one of each script's own"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="nowhere"):
        JournalWriter(tmp_path / "nowhere", "client")


def test_a_child_goes_on_in_a_file_of_its_own(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "client", 3)
    writer.points(1.0, 0, ("k",), (1.0,))
    child = os.fork()
    if child == 0:
        writer.points(1.0, 1, ("k",), (1.0,))
        writer.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    writer.points(1.0, 2, ("k",), (1.0,))
    writer.close()
    assert len(list(tmp_path.glob("*.wbj"))) == 2
    assert [record.step for record, _ in decode(writer.path.read_bytes()) if isinstance(record, Points)] == [0, 2]
    opened = [record.fields for record in records(tmp_path) if isinstance(record, Event)]
    assert {fields["pid"] for fields in opened} == {os.getpid(), child} and {one["rank"] for one in opened} == {3}


def test_threads_never_tear_each_others_records(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "client")

    def work(number: int) -> None:
        for step in range(300):
            writer.points(1.0, number * 300 + step, ("k" * (number + 1),), (1.0,))
            if step % 50 == 0:
                writer.event("tags", set={"from": str(number)})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert sorted(steps(tmp_path)) == list(range(1800))
    assert not any(isinstance(record, Gap) for record in records(tmp_path))


def test_what_is_closed_in_a_while_may_be_anothers_file_by_then(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "ours", os.O_CREAT | os.O_WRONLY)
    retire(descriptor)
    os.close(descriptor)  # as those do that close "all"
    theirs = os.open(tmp_path / "theirs", os.O_CREAT | os.O_WRONLY)
    assert theirs == descriptor
    for number in range(40):  # so many that the first has its turn
        retire(os.open(tmp_path / str(number), os.O_CREAT | os.O_WRONLY))
    os.write(theirs, b"theirs")
    os.close(theirs)
    assert (tmp_path / "theirs").read_bytes() == b"theirs" and not (tmp_path / "ours").read_bytes()


@pytest.mark.parametrize("how", ["same", "other", "empty", "kept"])
def test_a_copy_in_the_place_of_a_journal_loses_nothing(tmp_path: Path, how: str) -> None:
    """As an editor or `sed -i` over a whole folder leaves there."""
    kept = tmp_path / "kept"
    kept.mkdir()
    writer = JournalWriter(tmp_path, "client")
    for step in range(1000):
        writer.points(float(step), step, ("a",), (0.5,))
        if step in (300, 600):
            copy = tmp_path / "copy"
            content = writer.path.read_bytes()
            copy.write_bytes({"other": content.replace(b"a", b"bc"), "empty": b""}.get(how, content))
            if how == "kept":
                writer.path.rename(kept / str(step))
            copy.replace(writer.path)
            writer.points(float(step), -step, ("a",), (0.5,))
            time.sleep(0.06)
    writer.close()
    assert sorted(steps(tmp_path)) == sorted([-600, -300, *range(1000)])
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [writer.path.name]
    assert FileLock.is_free(writer.path)


def test_threads_that_log_while_a_journal_is_put_back_lose_nothing(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "client")
    over = threading.Event()

    def log(number: int) -> None:
        for step in range(number * 5_000, (number + 1) * 5_000):
            writer.points(float(step), step, ("a",), (0.5,))

    def replace() -> None:
        while not over.wait(0.01):
            copy = tmp_path / "copy"
            copy.write_bytes(writer.path.read_bytes())
            copy.replace(writer.path)

    replacing = threading.Thread(target=replace)
    replacing.start()
    threads = [threading.Thread(target=log, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    replacing.join()
    writer.close()
    assert sorted(steps(tmp_path)) == list(range(20_000))


def no_room(*_: object) -> NoReturn:
    raise OSError(28, "full")


def test_a_journal_is_put_back_once_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, though nothing more is logged."""
    told: list[str] = []
    writer = JournalWriter(tmp_path, "client", tell=told.append)
    writer.points(1.0, 1, ("a",), (0.5,))
    copy = tmp_path / "copy"
    copy.write_bytes(b"edited")
    copy.replace(writer.path)
    with monkeypatch.context() as full:
        full.setattr("workbench_store.journal.replaced._append", no_room)
        time.sleep(0.06)
        writer.points(2.0, 2, ("a",), (0.5,))
        writer.points(3.0, 3, ("a",), (0.5,))
        assert steps(tmp_path) == [] and not list(tmp_path.glob("*.new"))
        assert writer.waiting and not writer.flush() and len(told) == 1 and "full" in told[0]
        assert list(tmp_path.glob("*.waits"))
    wait_until(lambda: sorted(steps(tmp_path)) == [1, 2, 3], "what was logged")
    assert writer.flush() and not writer.waiting and not list(tmp_path.glob("*.waits"))
    assert not writer.close().anything and sorted(steps(tmp_path)) == [1, 2, 3]


def test_what_cannot_be_put_back_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    writer = JournalWriter(tmp_path, "client", tell=told.append)
    writer.points(1.0, 1, ("a",), (0.5,))
    copy = tmp_path / "copy"
    copy.write_bytes(writer.path.read_bytes())
    copy.replace(writer.path)
    monkeypatch.setattr("workbench_store.journal.replaced._append", no_room)
    writer.points(2.0, 2, ("a", "b"), (0.5, 1.5))
    writer.event("tags", tags={"a": "b"})
    writer.event("state", state="Completed")
    lost = writer.close()
    assert (lost.points, lost.records, lost.all_records) == (2, 1, 3) and "2 points could not be written" in told[-1]
    assert steps(tmp_path) == [1]


def test_a_copy_in_the_place_of_a_long_journal_takes_the_room_of_what_it_lacks(here: Path) -> None:
    with small_disk(here / "disk", 4 * 1024**2) as disk:
        writer = JournalWriter(disk, "client")
        for step in range(30_000):
            writer.points(float(step), step, ("a",), (0.5,))
        copy = disk / "copy"
        shutil.copy(writer.path, copy)
        fill(disk / "ballast")
        os.truncate(disk / "ballast", os.path.getsize(disk / "ballast") - 500_000)
        copy.replace(writer.path)
        time.sleep(0.06)
        for step in range(30_000, 35_000):
            writer.points(float(step), step, ("a",), (0.5,))
        assert not writer.close().anything and sorted(steps(disk)) == list(range(35_000))


def test_a_file_system_that_numbers_one_file_anew_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench_store.journal.file.is_replaced", lambda *_: True)
    writer = JournalWriter(tmp_path, "client")
    for step in range(10):
        time.sleep(0.06)
        writer.points(float(step), step, ("a",), (0.5,))
    writer.event("tags", tags={})
    assert not writer.waiting and not FileLock.is_free(writer.path)
    writer.close()
    assert steps(tmp_path) == list(range(10)) and FileLock.is_free(writer.path)


def test_a_copy_with_the_half_of_a_record_is_no_copy(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "client")
    for step in range(10):
        writer.points(float(step), step, ("a",), (0.5,))
    copy = tmp_path / "copy"
    copy.write_bytes(writer.path.read_bytes()[:-5])
    copy.replace(writer.path)
    time.sleep(0.06)
    writer.points(10.0, 10, ("a",), (0.5,))
    assert sorted(steps(tmp_path)) == list(range(11)) and not any(isinstance(one, Gap) for one in records(tmp_path))
    writer.close()


@pytest.mark.parametrize("another", [False, True], ids=["a copy", "another"])
def test_a_journal_that_was_put_back_is_seen_to_be_written_to(tmp_path: Path, another: bool) -> None:
    writer = JournalWriter(tmp_path, "client")
    writer.points(1.0, 1, ("a",), (0.5,))
    copy = tmp_path / "copy"
    copy.write_bytes(b"nothing of ours" if another else writer.path.read_bytes())
    copy.replace(writer.path)
    time.sleep(0.06)
    writer.points(2.0, 2, ("a",), (0.5,))
    assert not FileLock.is_free(writer.path)
    writer.close()
    assert sorted(steps(tmp_path)) == [1, 2] and FileLock.is_free(writer.path)


def test_a_journal_that_cannot_be_put_back_and_moves_with_its_folder_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    writer = JournalWriter(folder, "client", tell=lambda _: None)
    writer.points(1.0, 1, ("a",), (0.5,))
    writer.path.rename(tmp_path / "kept")
    writer.path.write_bytes(b"edited")
    with monkeypatch.context() as full:
        full.setattr("workbench_store.journal.replaced._append", no_room)
        assert not writer.flush()
    folder.rename(tmp_path / "elsewhere")
    assert writer.flush()
    writer.close()
