"""Giving space back, copies of a workspace, and proof that all is there: with real jobs."""

import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from workbench.housekeeping.giving_back import give_back, offer
from workbench.housekeeping.proof import prove
from workbench.housekeeping.usage import measure
from workbench.lifecycle import removal, remove_runs
from workbench.lifecycle.edits import edit_note, edit_tags
from workbench.lifecycle.how_it_ends import how_it_ends
from workbench.lifecycle.logs import read_log
from workbench.view.fresh import refresh
from workbench_store import backup, verify
from workbench_store.backup import back_up
from workbench_store.backup_place import put
from workbench_store.backup_sources import Source
from workbench_store.content_lock import adding_content, removing_content
from workbench_store.edits import append_edits
from workbench_store.errors import (
    NotFound,
    RunError,
    StoreBusy,
    StoreDamaged,
    UsageError,
    WorkbenchError,
    WorkspaceError,
)
from workbench_store.forget import forget_runs
from workbench_store.garbage import find_garbage, remove_garbage
from workbench_store.ingest import JournalKey
from workbench_store.intact import lost_by_journals
from workbench_store.journal.packed import pack
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.lease import lease_of
from workbench_store.locks import FileLock
from workbench_store.purging import begin_purges
from workbench_store.rebuild import rebuild
from workbench_store.shrink import shrink, unused_bytes
from workbench_store.snapshot import verify_snapshot
from workbench_store.snapshot.named import named_snapshots
from workbench_store.states import RunState
from workbench_store.store import Store
from workbench_store.tidy import tidy
from workbench_store.trash import in_trash, put_in_trash, take_from_trash
from workbench_store.verify import Fault

import workbench as wb
from tests.client.scripts import run_script, start_script
from tests.lifecycle.launched import wait_until
from tests.permissions import without_override
from tests.small_disk import small_disk
from tests.store.journals import fresh, make_run, write_points
from workbench import Workspace, command

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(here: Path) -> Workspace:
    return Workspace()


@pytest.fixture
def job(here: Path, workspace: Workspace) -> Callable[..., str]:
    """Run a job to its end, whose code is a file of that text; its name."""

    def run(name: str, text: str) -> str:
        folder = here / f"src-{name}"
        folder.mkdir()
        (folder / "shared.txt").write_text("in every snapshot\n")
        (folder / "own.txt").write_text(text)
        job = command(command="cp own.txt outputs/; echo done", code=str(folder), name=name, experiment_name="e")
        workspace.submit(job).wait(60)
        return name

    return run


def faults(layout: WorkspaceLayout) -> list[str]:
    return [found.what for found in prove(layout) if isinstance(found, Fault)]


def blobs(layout: WorkspaceLayout) -> set[str]:
    return {path.read_text() for path in layout.blobs.glob("??/*")}


def test_what_is_shared_with_a_living_run_stays(workspace: Workspace, job: Callable[..., str]) -> None:
    layout = workspace.layout
    for name in ("one", "two"):
        job(name, f"of {name}\n")
    remove_runs(layout, ["one"])
    remove_garbage(layout)
    assert blobs(layout) == {"in every snapshot\n", "of one\n", "of two\n"}, "the trash may be brought back"
    found = offer(layout, time.time(), 0.0)
    assert [one.name for one in found.trash] == ["one"] and found.garbage > 0
    give_back(layout, found)
    assert blobs(layout) == {"in every snapshot\n", "of two\n"}
    assert Store(layout).runs().names == ["two"] and faults(layout) == []
    snapshot = workspace.run("two").record().snapshot
    assert snapshot is not None
    verify_snapshot(layout, snapshot)
    assert offer(layout, time.time(), 0.0).garbage == 0


def test_only_what_lay_in_the_trash_long_enough_is_offered(workspace: Workspace, job: Callable[..., str]) -> None:
    remove_runs(workspace.layout, [job("one", "1")])
    assert offer(workspace.layout, time.time(), 60.0).trash == ()
    assert [one.name for one in offer(workspace.layout, time.time() + 61, 60.0).trash] == ["one"]


def test_a_run_that_is_not_over_is_not_removed(workspace: Workspace, job: Callable[..., str]) -> None:
    going = workspace.submit(command(command="sleep 600", name="going"))
    done = job("done", "x")
    with pytest.raises(RunError, match="run going is not over") as told:
        remove_runs(workspace.layout, [done, going.name])
    assert "workbench cancel going" in str(told.value.remedy)
    with wb.start_run(name="own", system_metrics=False), pytest.raises(RunError, match="run own is not over") as told:
        remove_runs(workspace.layout, ["own"])
    assert f"End the script (process {os.getpid()})" in str(told.value.remedy)
    remedy = how_it_ends(workspace.layout.run("going"), RunState.FINALIZING)
    assert "wait for that" in remedy and "cancel" not in remedy
    remove_runs(workspace.layout, ["own"])
    assert sorted(Store(workspace.layout).runs().names) == ["done", "going"], "all of them, or none"
    going.cancel()


RESUMED = """
import os, time, workbench
with workbench.start_run(resume="own", system_metrics=False, console=False) as run:
    print("resumed", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    run.log({"a": 2.0}, step=2)
"""


def test_a_run_that_was_resumed_meanwhile_is_neither_removed_nor_purged(
    workspace: Workspace, job: Callable[..., str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench_store.trash._HELD_SECONDS", 0.2)
    layout = workspace.layout
    with wb.start_run(name="own", system_metrics=False, console=False) as run:
        run.log({"a": 1.0}, step=1)
    script = start_script(here, RESUMED)
    try:
        assert script.stdout is not None and script.stdout.readline() == "resumed\n"
        with pytest.raises(RunError, match="not over"):
            remove_runs(layout, ["own"])
        with pytest.raises(RunError, match="a process holds it"):
            put_in_trash(layout, [job("first", "x"), "own"])  # as if it was resumed when all had been looked at
        assert [one.name for one in in_trash(layout)] == ["first"]
        layout.run("own").root.rename(layout.trashed("own").root)
        with pytest.raises(WorkspaceError, match="still writes"):
            begin_purges(layout, ["own"])
        layout.trashed("own").root.rename(layout.run("own").root)
        (here / "go").touch()
        script.wait(60)
    finally:
        script.kill()
        script.communicate()
    assert workspace.run("own").series("a").steps == [1, 2] and workspace.run("own").state == "Completed"


@pytest.mark.parametrize("hurt", ["gone", "cut short", "flipped"])
def test_a_run_of_which_only_the_store_has_all_is_not_removed(workspace: Workspace, hurt: str) -> None:
    layout = workspace.layout
    with wb.start_run(name="own", system_metrics=False, console=False) as run:
        for step in range(1000):
            run.log({"a": 1.0}, step=step)
    assert len(workspace.run("own").series("a")) == 1000
    (journal,) = layout.run("own").journals.glob("*.wbj")
    content = journal.read_bytes()
    half = len(content) // 2
    if hurt == "gone":
        journal.unlink()
    else:
        journal.write_bytes(content[:half] + (b"" if hurt == "cut short" else b"x" * 50 + content[half + 50 :]))
    with pytest.raises(RunError, match="only the store has all") as told:
        remove_runs(layout, ["own"])
    assert journal.name in told.value.message and len(workspace.run("own").series("a")) == 1000
    journal.write_bytes(content)
    remove_runs(layout, ["own"])
    take_from_trash(layout, "own")
    assert len(workspace.run("own").series("a")) == 1000


def test_a_run_that_holds_a_registered_version_is_not_removed(workspace: Workspace, here: Path) -> None:
    output = wb.Output(type="uri_folder", name="best", version="1")
    made = workspace.submit(command(command="echo x > ${{outputs.o}}/x.txt", outputs={"o": output}, name="maker"))
    made.wait(60)
    with pytest.raises(RunError, match="azureml:best:1"):
        remove_runs(workspace.layout, ["maker"])


def test_nothing_is_removed_while_a_job_is_being_submitted(
    workspace: Workspace, job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job("one", "1")
    monkeypatch.setattr("workbench_store.content_lock._WAIT_SECONDS", 0.2)
    with adding_content(workspace.layout), pytest.raises(StoreBusy, match="being submitted"):
        remove_garbage(workspace.layout)
    remove_garbage(workspace.layout)


def test_submitting_and_giving_back_at_once_loses_no_file(workspace: Workspace, job: Callable[..., str]) -> None:
    layout = workspace.layout
    job("first", "again and again\n")
    remove_runs(layout, ["first"])
    over = threading.Event()

    def give() -> None:
        while not over.is_set():
            give_back(layout, offer(layout, time.time(), 0.0))

    giving = threading.Thread(target=give)
    giving.start()
    try:
        for number in range(5):
            job(f"later-{number}", "again and again\n")
    finally:
        over.set()
        giving.join()
    assert faults(layout) == []
    assert {str(row.state) for row in fresh(layout).runs().rows} == {"Completed"}


def test_nothing_goes_while_a_manifest_cannot_be_read(workspace: Workspace, job: Callable[..., str]) -> None:
    job("one", "1")
    job("two", "2")
    snapshot = workspace.run("one").record().snapshot
    manifest = workspace.layout.snapshots / f"{snapshot}.json"
    manifest.chmod(0o600)
    manifest.write_text("{")
    before = blobs(workspace.layout)
    with pytest.raises(StoreDamaged, match="Nothing was removed"):
        remove_garbage(workspace.layout)
    assert blobs(workspace.layout) == before
    assert any(str(snapshot) in what for what in faults(workspace.layout))


def test_a_small_store_gets_smaller_on_a_disk_that_is_nearly_full(here: Path) -> None:
    with small_disk(here / "disk", 40 * 1024**2) as disk:
        layout = Workspace(disk).layout
        for name in ("big", "small"):
            count = 300_000 if name == "big" else 10
            points = [(0, step, float(step), step * 0.1) for step in range(count)]
            write_points(make_run(layout, name), "loss", points)
        fresh(layout)
        shutil.rmtree(layout.run("big").root)
        forget_runs(layout, ["big"])
        with lease_of(layout).writing() as connection:
            connection.execute("SELECT 1")
        ballast = disk / "ballast"
        with ballast.open("wb") as file:
            file.write(bytes(shutil.disk_usage(disk).free - 9 * 1024**2))
        assert shrink(layout) > 0 and fresh(layout).runs().names == ["small"]
        with ballast.open("ab") as file:
            file.write(bytes(shutil.disk_usage(disk).free - 2 * 1024**2))
        with pytest.raises(WorkspaceError, match=r"takes [\d,]+ bytes for a while, and [\d,]+ are free"):
            shrink(layout)


def test_the_store_gets_smaller_and_says_the_same(workspace: Workspace) -> None:
    layout = workspace.layout
    for name in ("big", "small"):
        journals = make_run(layout, name)
        count = 300_000 if name == "big" else 10
        write_points(journals, "loss", [(0, step, float(step), step * 0.1) for step in range(count)])
    store = fresh(layout)
    before = (layout.store.stat().st_size, store.series("small", "loss"), store.metrics("small"))
    shutil.rmtree(layout.run("big").root)
    forget_runs(layout, ["big"])
    with lease_of(layout).writing() as connection:
        connection.execute("SELECT 1")
    assert unused_bytes(layout) > 0 and layout.store.stat().st_size >= before[0]
    won = shrink(layout)
    assert won > 0 and layout.store.stat().st_size <= before[0] - won
    assert (store.series("small", "loss"), store.metrics("small")) == before[1:]
    assert fresh(layout).runs().names == ["small"] and list(layout.tmp.glob("shrink")) == []
    write_points(layout.run("small").journals, "loss", [(0, 99, 1.0, 1.0)])
    assert fresh(layout).series("small", "loss").steps[-1] == 99, "and takes in what comes"


def test_what_takes_space_is_told_by_kind_run_and_experiment(workspace: Workspace, job: Callable[..., str]) -> None:
    job("one", "x" * 200_000)
    usage = measure(workspace.layout, fresh(workspace.layout))
    assert usage.kinds["runs: outputs"] >= 200_000 and usage.kinds["snapshots"] >= 200_000
    assert usage.runs["one"] == usage.experiments["e"] >= 200_000
    on_disk = os.lstat(workspace.path).st_blocks * 512
    for place, folders, files in os.walk(workspace.path):
        on_disk += sum(os.lstat(os.path.join(place, name)).st_blocks * 512 for name in [*folders, *files])
    assert abs(usage.total - on_disk) < 65536


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("blob", "is not what its name says"),
        ("blob gone", "of its files are missing"),
        ("artifact", "is not what it was when it was saved"),
        ("artifact gone", "is gone"),
        ("points", "table points: run one"),
        ("value", "table points: run one has other values"),
        ("params", "table params"),
        ("state", "table runs: run one has other values"),
        ("doubled", "table points: run one"),
    ],
)
def test_verify_finds_whatever_is_not_as_it_was(
    workspace: Workspace, job: Callable[..., str], damage: str, told: str
) -> None:
    layout = workspace.layout
    job("one", "1")
    write_points(layout.run("one").journals, "loss", [(0, step, float(step), 0.5) for step in range(50)])
    writer = wb.Workspace().run("one")
    assert writer.state and faults(layout) == []
    blob = next(layout.blobs.glob("??/*"))
    statements = {
        "points": "DELETE FROM points WHERE step = 7",
        "value": "UPDATE points SET value = 0.6 WHERE step = 7",
        "params": "INSERT INTO params SELECT id, 'x', '1', '1', 1 FROM runs",
        "state": "UPDATE runs SET state = 'Failed'",
        "doubled": "INSERT INTO points SELECT * FROM points WHERE step = 7",
    }
    if damage in statements:
        with lease_of(layout).writing() as connection:
            connection.execute(statements[damage])
    elif damage == "blob":
        blob.chmod(0o600)
        blob.write_text("changed")
    elif damage == "blob gone":
        blob.unlink()
    else:
        saved = layout.run("one").outputs / "own.txt"
        saved.unlink()
        if damage == "artifact":
            saved.write_text("2")
    found = faults(layout)
    assert found and told in found[0]
    if damage in statements:
        rebuild(layout)
        assert faults(layout) == []


def test_a_backup_is_a_workspace_of_its_own(workspace: Workspace, job: Callable[..., str], tmp_path: Path) -> None:
    layout, target = workspace.layout, tmp_path / "copies" / "one"
    job("one", "1")
    job("two", "2")
    remove_runs(layout, ["two"])
    done = back_up(layout, target)
    assert done.copied == done.files > 0
    copy = WorkspaceLayout(target / ".workbench")
    assert faults(copy) == [] and fresh(copy).runs().names == ["one"]
    assert Store(copy).artifacts("one") == Store(layout).artifacts("one")
    assert (copy.root.stat().st_mode & 0o777) == 0o700
    shutil.rmtree(layout.root)
    shutil.copytree(copy.root, layout.root)
    assert faults(layout) == [] and Workspace().run("one").state
    assert workspace.layout.trashed("two").root.is_dir()


def test_a_file_whose_name_is_no_text_is_found_again(workspace: Workspace, tmp_path: Path) -> None:
    names = [b"bad\xff", b"bad\xfe", b"back\\xff", "good\u00e9".encode()]
    writes = "; ".join(f"open(b'outputs/' + {name!r}, 'wb').write({name!r})" for name in names)
    run = workspace.submit(command(command=shlex.join([sys.executable, "-c", writes]), name="odd"))
    assert run.wait(60) == "Completed", run.logs()
    saved = [one.path for one in run.artifacts if one.kind == "output"]
    assert sorted(saved) == ["outputs/back\\x5cxff", "outputs/bad\\xfe", "outputs/bad\\xff", "outputs/good\u00e9"]
    assert faults(workspace.layout) == []
    told: list[str] = []
    run.download(tmp_path / "to", told.append)
    assert told == [] and sorted(os.listdir(os.fsencode(tmp_path / "to" / "artifacts"))) == sorted(names)
    back_up(workspace.layout, tmp_path / "copy")
    assert faults(WorkspaceLayout(tmp_path / "copy" / ".workbench")) == []
    os.unlink(os.fsencode(run.files.outputs) + b"/bad\xff")
    assert faults(workspace.layout) == ["run odd: outputs/bad\\xff is gone"]


def test_a_backup_again_copies_what_is_new_and_keeps_what_was_removed(
    workspace: Workspace, job: Callable[..., str], tmp_path: Path
) -> None:
    layout, target = workspace.layout, tmp_path / "copy"
    for name in ("one", "two", "three"):
        job(name, name)
    back_up(layout, target)
    copy = WorkspaceLayout(target / ".workbench")
    assert back_up(layout, target).copied == 0
    job("four", "4")
    remove_runs(layout, ["one", "two"])
    give_back(layout, offer(layout, time.time() - 10, -3600.0))
    remove_runs(layout, ["three"])
    back_up(layout, target)
    assert faults(copy) == []
    assert sorted(fresh(copy).runs().names) == ["four", "one", "two"], "what was purged here is still there"
    assert copy.trashed("three").root.is_dir() and not copy.run("three").root.exists()


@pytest.mark.parametrize("way", ["removed", "restored"])
@pytest.mark.parametrize("what", ["outputs/m.bin", "journal"])
def test_a_backup_of_a_run_that_moved_keeps_what_only_the_copy_has(
    workspace: Workspace, tmp_path: Path, what: str, way: str
) -> None:
    layout, copy = workspace.layout, WorkspaceLayout(tmp_path / "copy" / ".workbench")
    own_run("one", 1.0, 10)
    (layout.run("one").outputs / "m.bin").write_text("precious")
    if way == "restored":
        remove_runs(layout, ["one"])
    back_up(layout, tmp_path / "copy")
    here, theirs = (layout.run, copy.trashed) if way == "removed" else (layout.trashed, copy.run)
    fresh(layout)
    lost = here("one").root / what
    if lost.is_dir():
        shutil.rmtree(lost)
        put_in_trash(layout, ["one"]) if way == "removed" else take_from_trash(layout, "one")
    else:
        lost.unlink()
        remove_runs(layout, ["one"]) if way == "removed" else take_from_trash(layout, "one")
    back_up(layout, tmp_path / "copy")
    kept = theirs("one")
    assert (kept.outputs / "m.bin").read_text() == "precious" and len(list(kept.journals.glob("script-*"))) == 1
    assert not (copy.run if way == "removed" else copy.trashed)("one").root.exists()


def test_a_backup_beside_which_a_run_moves_has_it_once_and_whole(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, copy = workspace.layout, WorkspaceLayout(tmp_path / "copy" / ".workbench")
    own_run("one", 1.0, 10)
    (layout.run("one").outputs / "m.bin").write_text("precious")
    back_up(layout, tmp_path / "copy")
    (layout.run("one").outputs / "m.bin").unlink()
    os.truncate(next(layout.run("one").journals.glob("script-*")), 200)

    def moves_beside(source: Source, place: Path, tmp: Path) -> int:
        if layout.run("one").root.exists():
            put_in_trash(layout, ["one"])
        return put(source, place, tmp)

    own_run("two", 1.0, 10)
    monkeypatch.setattr(backup, "put", moves_beside)
    with pytest.raises(WorkspaceError, match="otherwise, and keeps its own"):
        back_up(layout, tmp_path / "copy")
    kept = copy.trashed("one")
    assert (kept.outputs / "m.bin").read_text() == "precious" and not copy.run("one").root.exists()
    assert next(kept.journals.glob("script-*")).stat().st_size > 200


@pytest.mark.parametrize("moves", [False, True], ids=["stays", "moves"])
def test_a_backup_has_the_whole_journal_that_was_packed_since(
    workspace: Workspace, tmp_path: Path, moves: bool
) -> None:
    layout, copy = workspace.layout, WorkspaceLayout(tmp_path / "copy" / ".workbench")
    with wb.start_run(name="one", system_metrics=False, console=False) as run:
        for step in range(100):
            run.log({"a": 1.0}, step=step)
        back_up(layout, tmp_path / "copy")
        for step in range(100, 200):
            run.log({"a": 1.0}, step=step)
    (journal,) = layout.run("one").journals.glob("script-*.wbj")
    assert pack(journal)
    if moves:
        remove_runs(layout, ["one"])
    back_up(layout, tmp_path / "copy")
    if moves:
        assert [path.suffix for path in copy.trashed("one").journals.glob("script-*")] == [".gz"]
        take_from_trash(copy, "one")
    assert len(fresh(copy).series("one", "a")) == 200 and str(Store(copy).run("one").state) == "Completed"
    assert [path.suffix for path in copy.run("one").journals.glob("script-*")] == [".gz"]


def test_two_who_remove_the_same_runs_at_once_frighten_nobody(workspace: Workspace, tmp_path: Path) -> None:
    names = [f"r{number:03}" for number in range(40)]
    for name in names:
        make_run(workspace.layout, name)
        JournalWriter(workspace.layout.run(name).journals, "client").event(
            "state", state="Completed", generation=1, judged=False, seq=2
        )
    fresh(workspace.layout)
    told: list[str] = []

    def remove() -> None:
        try:
            remove_runs(workspace.layout, names)
        except WorkbenchError as error:
            told.append(str(error))

    threads = [threading.Thread(target=remove) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not [text for text in told if "is in the trash" not in text]
    assert sorted(one.name for one in in_trash(workspace.layout)) == names


def test_a_run_that_another_removes_just_then_has_lost_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_run("one", 1.0, 10)
    fresh(workspace.layout)

    def beside(layout: WorkspaceLayout, names: Sequence[str]) -> dict[str, str]:
        put_in_trash(layout, names)
        return lost_by_journals(layout, names) or {"one": "its journal is gone"}

    monkeypatch.setattr(removal, "lost_by_journals", beside)
    with pytest.raises(NotFound, match="run one is in the trash"):
        remove_runs(workspace.layout, ["one"])
    take_from_trash(workspace.layout, "one")
    assert len(fresh(workspace.layout).series("one", "a")) == 10


def test_a_backup_goes_on_past_a_journal_that_cannot_be_read_any_more(workspace: Workspace, tmp_path: Path) -> None:
    layout, copy = workspace.layout, WorkspaceLayout(tmp_path / "copy" / ".workbench")
    own_run("one", 1.0, 10)
    back_up(layout, tmp_path / "copy")
    (journal,) = layout.run("one").journals.glob("script-*")
    with journal.open("ab") as file:
        file.write(b"x")
    journal.chmod(0)
    own_run("two", 1.0, 10)
    command = [*without_override(), sys.executable, "-m", "workbench", "backup", str(tmp_path / "copy")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 4 and f"these cannot be read: {journal}: Permission denied" in done.stderr
    assert copy.run("two").root.is_dir() and next(copy.run("one").journals.glob("script-*")).stat().st_size > 0


def test_a_backup_after_a_removal_that_was_cut_short_is_whole(workspace: Workspace, tmp_path: Path) -> None:
    layout, copy = workspace.layout, WorkspaceLayout(tmp_path / "copy" / ".workbench")
    own_run("one", 1.0, 10)
    assert fresh(layout).runs().names == ["one"]
    layout.trash.mkdir()
    layout.run("one").root.rename(layout.trashed("one").root)  # as it lies there after SIGKILL, or on a full disk
    back_up(layout, tmp_path / "copy")
    assert copy.trashed("one").root.is_dir() and faults(copy) == []
    shutil.rmtree(layout.trashed("one").journals)
    layout.trashed("one").root.rename(layout.run("one").root)
    with pytest.raises(WorkspaceError, match="lost what"):
        back_up(layout, tmp_path / "other")


@pytest.mark.parametrize("left", [100, 0, None], ids=["cut", "empty", "gone"])
def test_verify_names_a_journal_that_was_cut_short_and_sends_for_a_copy(workspace: Workspace, left: int | None) -> None:
    layout = workspace.layout
    own_run("one", 1.0, 10)
    assert faults(layout) == []
    (journal,) = layout.run("one").journals.glob("script-*")
    size = journal.stat().st_size
    journal.unlink() if left is None else os.truncate(journal, left)
    found = [one for one in prove(layout) if isinstance(one, Fault)]
    told = "it is gone" if left is None else f"of its {size} bytes are left"
    assert [f"runs/one/journal/{journal.name}" in one.what and told in one.what for one in found].count(True) == 1
    assert {"doctor --rebuild" in one.remedy for one in found} == {False} and "copy" in found[0].remedy


@pytest.mark.parametrize("lock", ["tidy_lock", "backup_lock"])
def test_a_backup_is_made_of_journals_at_rest(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    own_run("one", 1.0, 10)
    held = FileLock(getattr(workspace.layout, lock))
    assert held.acquire(timeout=5.0)
    monkeypatch.setattr(backup, "_WAIT_SECONDS", 0.1)
    try:
        with pytest.raises(StoreBusy):
            back_up(workspace.layout, tmp_path / "copy")
    finally:
        held.release()
    back_up(workspace.layout, tmp_path / "copy")


def test_nothing_that_a_backup_refers_to_is_removed_beside_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_run("one", 1.0, 10)
    free: list[bool] = []

    def looks(source: Source, place: Path, tmp: Path) -> int:
        free.append(FileLock(workspace.layout.content_lock).acquire(timeout=0.0))
        return put(source, place, tmp)

    monkeypatch.setattr(backup, "put", looks)
    back_up(workspace.layout, tmp_path / "copy")
    assert set(free) == {False}


def test_a_copy_takes_no_judgement_of_those_who_look_at_it(workspace: Workspace, tmp_path: Path) -> None:
    layout, copy = workspace.layout, WorkspaceLayout(tmp_path / "copy" / ".workbench")
    make_run(layout, "living")
    held = FileLock(layout.run("living").script_lock)
    layout.run("living").control.mkdir(exist_ok=True)
    assert held.acquire(timeout=5.0)
    back_up(layout, tmp_path / "copy")
    refresh(copy, Store(copy))
    assert str(Store(copy).run("living").state) == "Failed", "nobody holds it there"
    back_up(layout, tmp_path / "copy")
    assert not list(copy.run("living").journals.glob("judge-*"))
    held.release()


ODD_NAMES = ("model.new", "heartbeat", "sampler.lock", "weights.new/w.bin", "a" * 255, "journal/x.wbj", "plain")


def test_a_backup_has_whatever_the_users_files_are_called(workspace: Workspace, tmp_path: Path) -> None:
    layout = workspace.layout
    makes = [
        f'mkdir -p "$(dirname "$f/{name}")" && echo {number} > "$f/{name}"' for number, name in enumerate(ODD_NAMES)
    ]
    text = f"for f in outputs ${{{{outputs.m}}}}; do mkdir -p $f; {'; '.join(makes)}; done"
    outputs = {"m": wb.Output(type="uri_folder")}
    run = workspace.submit(command(command=text, name="odd", outputs=outputs))
    assert run.wait(60) == "Completed", run.logs()
    back_up(layout, tmp_path / "copy")
    copy = WorkspaceLayout(tmp_path / "copy" / ".workbench")
    for folder in ("outputs", "named-outputs/m"):
        for number, name in enumerate(ODD_NAMES):
            assert (copy.run("odd").root / folder / name).read_text() == f"{number}\n"
    assert faults(copy) == [] and not (copy.run("odd").heartbeat.exists() or any(copy.tmp.glob("backup*")))
    (copy.run("odd").root / "named-outputs" / "m" / "model.new").unlink()
    assert faults(copy) == ["run odd: named-outputs/m/model.new is gone"]


def own_run(name: str, value: float, steps: int) -> None:
    with wb.start_run(name=name, system_metrics=False, console=False) as run:
        for step in range(steps):
            run.log({"a": value}, step=step)


def test_a_backup_keeps_two_runs_of_one_name_apart(workspace: Workspace, tmp_path: Path) -> None:
    layout, copy = workspace.layout, WorkspaceLayout(tmp_path / "copy" / ".workbench")
    own_run("best", 1.0, 100)
    back_up(layout, tmp_path / "copy")
    remove_runs(layout, ["best"])
    give_back(layout, offer(layout, time.time() - 10, -3600.0))
    own_run("best", 2.0, 10)
    own_run("other", 3.0, 10)
    for _ in range(2):
        with pytest.raises(WorkspaceError, match="another run named best"):
            back_up(layout, tmp_path / "copy")
        assert fresh(copy).series("best", "a").values == [1.0] * 100 and faults(copy) == []
        assert len(fresh(copy).series("other", "a")) == 10
    remove_runs(layout, ["best"])
    with pytest.raises(WorkspaceError, match="another run named best"):
        back_up(layout, tmp_path / "copy")
    assert fresh(copy).series("best", "a").values == [1.0] * 100 and not copy.trashed("best").root.exists()
    back_up(layout, tmp_path / "new")


@pytest.mark.parametrize("earlier", [True, False])
def test_a_run_that_comes_back_during_a_backup_is_in_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    layout, copy = workspace.layout, WorkspaceLayout(tmp_path / "copy" / ".workbench")
    own_run("precious", 1.0, 100)
    own_run("zebra", 1.0, 10)
    remove_runs(layout, ["precious"])
    if earlier:
        back_up(layout, tmp_path / "copy")
        own_run("zebra2", 1.0, 10)

    def copied(source: Source, *places: Path) -> int:
        if "zebra" in str(source.path) and layout.trashed("precious").root.exists():
            take_from_trash(layout, "precious")
        return put(source, *places)

    monkeypatch.setattr(backup, "put", copied)
    back_up(layout, tmp_path / "copy")
    assert fresh(copy).series("precious", "a").values == [1.0] * 100 and faults(copy) == []
    assert not copy.trashed("precious").root.exists()


def resumed_run(name: str, change: Callable[[Path], None]) -> None:
    """A run whose outputs the next script changes."""
    with wb.start_run(resume=name, system_metrics=False, console=False) as run:
        change(Path(run.path, "outputs"))


def test_a_backup_writes_through_no_link(workspace: Workspace, tmp_path: Path) -> None:
    target, theirs = tmp_path / "copy", tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "data").write_text("the user's own")
    own_run("r", 1.0, 1)

    def link(outputs: Path) -> None:
        (outputs / "latest").symlink_to(theirs)
        (outputs / "file").symlink_to(theirs / "data")

    def replace(outputs: Path) -> None:
        for name in ("latest", "file"):
            (outputs / name).unlink()
        (outputs / "latest").mkdir()
        (outputs / "latest" / "data").write_text("written by the run")
        (outputs / "file").write_text("written by the run")

    resumed_run("r", link)
    assert back_up(workspace.layout, target).copied > 0 and back_up(workspace.layout, target).copied == 0
    resumed_run("r", replace)
    back_up(workspace.layout, target)
    copied = WorkspaceLayout(target / ".workbench").run("r").outputs
    assert (theirs / "data").read_text() == "the user's own"
    assert not (copied / "latest").is_symlink() and (copied / "latest" / "data").read_text() == "written by the run"
    assert not (copied / "file").is_symlink() and (copied / "file").read_text() == "written by the run"


def test_a_backup_follows_what_becomes_of_another_kind(workspace: Workspace, tmp_path: Path) -> None:
    own_run("r", 1.0, 1)

    def first(outputs: Path) -> None:
        (outputs / "a").write_text("file")
        (outputs / "b").mkdir()
        (outputs / "b" / "x").write_text("x")
        (outputs / "c").mkdir()
        (outputs / "empty").mkdir()
        (outputs / "own.wbj").write_text("one")

    def second(outputs: Path) -> None:
        (outputs / "a").unlink()
        (outputs / "a").mkdir()
        (outputs / "a" / "x").write_text("in a folder")
        (outputs / "b" / "x").unlink()
        (outputs / "b").rmdir()
        (outputs / "b").write_text("file")
        (outputs / "c").rmdir()
        (outputs / "c").symlink_to("a")
        (outputs / "own.wbj").write_text("two")

    for change in (first, second):
        resumed_run("r", change)
        back_up(workspace.layout, tmp_path / "copy")
    copied = WorkspaceLayout(tmp_path / "copy" / ".workbench").run("r").outputs
    assert (copied / "a" / "x").read_text() == "in a folder" and (copied / "b").read_text() == "file"
    assert os.readlink(copied / "c") == "a" and (copied / "own.wbj").read_text() == "two"
    assert (copied / "empty").is_dir()


@pytest.mark.parametrize("packed_before", [True, False])
def test_a_backup_keeps_its_journals_where_compressed_ones_are_damaged(
    workspace: Workspace, tmp_path: Path, packed_before: bool
) -> None:
    layout, copy = workspace.layout, WorkspaceLayout(tmp_path / "copy" / ".workbench")
    own_run("r", 1.0, 5000)
    own_run("s", 1.0, 10)
    Store(layout).refresh()
    if not packed_before:
        back_up(layout, tmp_path / "copy")
    assert tidy(layout, quiet_seconds=-1.0).saved_bytes > 0
    if packed_before:
        back_up(layout, tmp_path / "copy")
    (packed,) = layout.run("r").journals.glob("*.gz")
    os.truncate(packed, 1000)
    own_run("later", 2.0, 10)
    with pytest.raises(WorkspaceError, match="keeps its own") as told:
        back_up(layout, tmp_path / "copy")
    assert packed.name in told.value.message
    assert len(fresh(copy).series("r", "a")) == 5000 and len(fresh(copy).series("later", "a")) == 10
    assert faults(copy) == []


def test_a_backup_names_what_it_cannot_read_and_copies_the_rest(workspace: Workspace, tmp_path: Path) -> None:
    own_run("a", 1.0, 1)
    own_run("z", 1.0, 1)
    folder, file = workspace.layout.run("a").outputs / "folder", workspace.layout.run("a").outputs / "file"
    folder.mkdir()
    (folder / "in").write_text("x")
    file.write_text("x")
    folder.chmod(0)
    file.chmod(0)
    back = "import sys; from workbench.cli.main import main; sys.exit(main(sys.argv[1:]))"
    try:
        done = subprocess.run(
            [*without_override(), sys.executable, "-c", back, "backup", str(tmp_path / "copy")],
            capture_output=True,
            text=True,
        )
    finally:
        folder.chmod(0o700)
        file.chmod(0o600)
    assert done.returncode != 0 and str(folder) in done.stderr and str(file) in done.stderr, done.stderr
    copy = WorkspaceLayout(tmp_path / "copy" / ".workbench")
    assert set(fresh(copy).runs().names) == {"a", "z"}
    back_up(workspace.layout, tmp_path / "copy")
    assert (copy.run("a").outputs / "folder" / "in").exists() and faults(copy) == []


def test_a_backup_names_runs_of_which_only_the_store_has_all(workspace: Workspace, tmp_path: Path) -> None:
    layout = workspace.layout
    own_run("whole", 1.0, 10)
    own_run("hurt", 1.0, 1000)
    Store(layout).refresh()
    (journal,) = layout.run("hurt").journals.glob("*.wbj")
    os.truncate(journal, journal.stat().st_size // 2)
    with pytest.raises(WorkspaceError, match="hurt") as told:
        back_up(layout, tmp_path / "copy")
    assert "whole" not in told.value.message
    assert len(fresh(WorkspaceLayout(tmp_path / "copy" / ".workbench")).series("whole", "a")) == 10


def test_a_backup_while_a_run_logs_has_a_beginning_of_it(workspace: Workspace, tmp_path: Path) -> None:
    with wb.start_run(name="live", system_metrics=False) as run:
        for step in range(1000):
            run.log({"a": step}, step=step)
        back_up(workspace.layout, tmp_path / "copy")
        run.log({"a": 1000}, step=1000)
        copy = WorkspaceLayout(tmp_path / "copy" / ".workbench")
        refresh(copy, Store(copy))
        assert str(Store(copy).run("live").state) == "Failed", "in the copy nobody goes on with it"
        assert Workspace().run("live").state == "Running"
    assert fresh(copy).series("live", "a").steps == list(range(1000)) and faults(copy) == []
    back_up(workspace.layout, tmp_path / "copy")
    refresh(copy, Store(copy))
    assert len(fresh(copy).series("live", "a")) == 1001 and str(Store(copy).run("live").state) == "Completed"


LOGGING = """
import time, workbench
with workbench.start_run(name="busy", system_metrics=False) as run:
    step = 0
    while True:
        run.log({"a": step}, step=step)
        step += 1
        time.sleep(0.001)
"""


def test_a_run_that_logs_all_the_time_is_no_fault_and_holds_nobody_up(workspace: Workspace, here: Path) -> None:
    script = start_script(here, LOGGING)
    try:
        wait_until(lambda: Store(workspace.layout).refresh() and "busy" in Store(workspace.layout).runs().names, "busy")
        assert faults(workspace.layout) == []
        found = list(prove(workspace.layout))
        assert "growing busy" in found and "table points" in found
    finally:
        script.kill()
        script.communicate()


def test_what_users_say_of_runs_while_all_is_verified_is_no_fault(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their words are in the workspace's own journals, and in the tables of the runs that they are said of."""
    for name in ("told", "other"):
        make_run(workspace.layout, name)
    damaged = verify._damaged

    def said_meanwhile(*layouts: WorkspaceLayout) -> dict[JournalKey, str]:
        edit_tags(workspace.layout, ["told"], {"a": "b"}, ())
        Store(workspace.layout).refresh()
        return damaged(*layouts)

    monkeypatch.setattr(verify, "_damaged", said_meanwhile)
    found = list(prove(workspace.layout))
    assert [one for one in found if isinstance(one, Fault)] == []
    assert [one for one in found if str(one).startswith("growing")] == ["growing told"]


def test_a_run_that_is_away_while_its_table_is_verified_is_no_fault(
    workspace: Workspace, job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job("away", "x")
    differing = verify._differing

    def away_meanwhile(*given: Any) -> tuple[list[tuple[str, int, int]], set[str]]:
        remove_runs(workspace.layout, ["away"])
        Store(workspace.layout).refresh()
        try:
            return differing(*given)
        finally:
            take_from_trash(workspace.layout, "away")
            Store(workspace.layout).refresh()

    monkeypatch.setattr(verify, "_differing", away_meanwhile)
    assert faults(workspace.layout) == []


def test_a_run_that_only_the_copy_has_keeps_what_users_said_of_it(
    workspace: Workspace, job: Callable[..., str], tmp_path: Path
) -> None:
    copy = WorkspaceLayout(tmp_path / "copy" / ".workbench")
    layout = workspace.layout
    job("paper", "one")
    edit_tags(layout, ["paper"], {"best": "1"})
    back_up(layout, tmp_path / "copy")
    remove_runs(layout, ["paper"])
    give_back(layout, offer(layout, time.time(), 0.0))
    back_up(layout, tmp_path / "copy")
    assert fresh(copy).run("paper").tags == {"best": "1"} and faults(copy) == []
    shutil.rmtree("src-paper")
    job("paper", "two")
    edit_tags(layout, ["paper"], {"bad": "1"})
    assert fresh(layout).run("paper").tags == {"bad": "1"}
    with pytest.raises(WorkbenchError, match="another run named paper"):
        back_up(layout, tmp_path / "copy")
    edit_tags(copy, ["paper"], {"said": "in the copy"})
    edit_note(copy, "paper", "in the copy")
    kept = {"best": "1", "said": "in the copy"}
    assert fresh(copy).run("paper").tags == kept and fresh(copy).run("paper").note == "in the copy"
    rebuild(copy)
    assert fresh(copy).run("paper").tags == kept and faults(copy) == []


def test_a_copy_is_brought_up_to_date_by_either_of_its_names(workspace: Workspace, tmp_path: Path) -> None:
    back_up(workspace.layout, tmp_path / "copy")
    make_run(workspace.layout, "new")
    back_up(workspace.layout, tmp_path / "copy" / ".workbench")
    assert (tmp_path / "copy/.workbench/runs/new").is_dir() and not (tmp_path / "copy/.workbench/.workbench").exists()


FLOODING = """
import os, sys, workbench
with workbench.start_run(name="flooding", system_metrics=False):
    for number in range(100_000):
        print("line", number, "." * 80)
    os.kill(os.getpid(), 9)
"""


def test_a_copy_of_a_log_that_was_cut_reads_the_same_and_takes_no_more_room(
    workspace: Workspace, here: Path, tmp_path: Path
) -> None:
    cap = 256 * 1024
    run_script(here, FLOODING, WORKBENCH_LOG_CAP=str(cap))
    ours = workspace.layout.run("flooding")
    back_up(workspace.layout, tmp_path / "copy")
    shutil.copytree(workspace.layout.root, tmp_path / "plain" / ".workbench")
    for copy in ("copy", "plain"):
        theirs = WorkspaceLayout(tmp_path / copy / ".workbench").run("flooding")
        assert read_log(theirs) == read_log(ours) and "left out here" in read_log(theirs)
        if copy == "copy":
            assert theirs.user_log.stat().st_blocks * 512 < 2 * cap < theirs.user_log.stat().st_size


def test_two_backups_at_once_do_not_wait_for_ever(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench_store.backup._WAIT_SECONDS", 0.1)
    with FileLock(workspace.layout.backup_lock), pytest.raises(StoreBusy, match="another backup"):
        back_up(workspace.layout, tmp_path / "copy")
    assert back_up(workspace.layout, tmp_path / "copy").files > 0


def test_a_backup_after_journals_were_compressed(workspace: Workspace, tmp_path: Path) -> None:
    journals = make_run(workspace.layout, "r")
    write_points(journals, "loss", [(0, step, float(step), 0.5) for step in range(20_000)])
    from workbench_store.journal.writer import JournalWriter

    writer = JournalWriter(journals, "client")
    writer.event("state", state="Completed", generation=1, judged=False, seq=2)
    writer.close()
    back_up(workspace.layout, tmp_path / "copy")
    assert tidy(workspace.layout, quiet_seconds=-1.0).saved_bytes > 0
    back_up(workspace.layout, tmp_path / "copy")
    copy = WorkspaceLayout(tmp_path / "copy" / ".workbench")
    names = [path.name for path in copy.run("r").journals.iterdir()]
    assert len(names) == len({name.removesuffix(".gz") for name in names})
    assert len(fresh(copy).series("r", "loss")) == 20_000 and faults(copy) == []


def test_a_backup_goes_to_no_place_that_is_something_else(workspace: Workspace, tmp_path: Path, here: Path) -> None:
    for target in (here, workspace.path, workspace.path / "tmp"):
        with pytest.raises(UsageError, match="itself"):
            back_up(workspace.layout, target)
    other = wb.Workspace(tmp_path / "other")
    with pytest.raises(UsageError, match="no copy of this"):
        back_up(workspace.layout, other.path.parent)


def test_code_that_nothing_refers_to_is_all_that_is_found(workspace: Workspace, job: Callable[..., str]) -> None:
    job("one", "1")
    assert find_garbage(workspace.layout).bytes == 0
    from workbench_store.snapshot import take_snapshot

    folder = workspace.path.parent / "stray"
    folder.mkdir()
    (folder / "a.txt").write_text("stray")
    take_snapshot(workspace.layout, folder)
    assert len(find_garbage(workspace.layout).snapshots) == 1
    remove_garbage(workspace.layout)
    assert "stray" not in blobs(workspace.layout) and faults(workspace.layout) == []


def test_no_run_is_brought_back_while_it_is_looked_for_what_may_go(
    workspace: Workspace, job: Callable[..., str]
) -> None:
    """Who looks through the runs, and then through the trash, would see it in neither."""
    layout = workspace.layout
    remove_runs(layout, [job("one", "of one\n")])
    words = [sys.executable, "-m", "workbench", "restore", "one"]
    with removing_content(layout):
        back = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            back.wait(1.5)
        assert not layout.run("one").root.exists()
        assert find_garbage(layout).bytes == 0
    assert back.wait(30) == 0 and layout.run("one").root.exists()
    remove_garbage(layout)
    assert "of one\n" in blobs(layout)


def test_a_run_that_is_removed_while_it_is_looked_for_what_may_go_keeps_its_code(
    workspace: Workspace, job: Callable[..., str]
) -> None:
    layout = workspace.layout
    before = layout.run(job("one", "of one\n")).root
    remove_runs(layout, ["one"])
    assert len(named_snapshots(layout, [before])) == 1, "it is where it was not yet when the runs were listed"


def test_without_a_snapshot_that_a_run_names_nothing_goes_and_it_is_told(
    workspace: Workspace, job: Callable[..., str]
) -> None:
    layout = workspace.layout
    job("one", "of one\n")
    (manifest,) = layout.snapshots.glob("*.json")
    aside = manifest.rename(layout.root / "aside.json")
    (told,) = faults(layout)
    assert manifest.stem in told and "run one" in told
    with pytest.raises(StoreDamaged, match="run one needs") as refused:
        remove_garbage(layout)
    assert str(layout.snapshots) in str(refused.value.remedy) and "of one\n" in blobs(layout)
    aside.rename(manifest)
    assert faults(layout) == [] and remove_garbage(layout) == 0
    manifest.unlink()
    remove_runs(layout, ["one"])
    give_back(layout, offer(layout, time.time() + 1, 0.0))
    assert blobs(layout) == set(), "as the remedy says"


def test_a_damaged_blob_is_stored_anew_once_it_is_removed(workspace: Workspace, here: Path) -> None:
    (here / "src").mkdir()
    (here / "src" / "a.txt").write_text("whole")
    job = command(command="cat a.txt", code=str(here / "src"))
    workspace.submit(job).wait(60)
    (blob,) = workspace.layout.blobs.glob("??/*")
    blob.chmod(0o600)
    blob.write_text("torn!")
    failed = workspace.submit(job)
    failed.wait(60)
    assert str(blob) in str(failed.record().reason) and "or remove it" in str(failed.record().reason)
    blob.unlink()
    again = workspace.submit(job)
    again.wait(60)
    assert str(again.state) == "Completed" and faults(workspace.layout) == []


def test_what_a_killed_snapshot_left_is_given_back_a_day_later(workspace: Workspace, job: Callable[..., str]) -> None:
    job("one", "1")
    draft = workspace.layout.blobs / "0123.new"
    draft.write_bytes(b"x" * 100_000)
    assert find_garbage(workspace.layout).bytes == 0
    os.utime(draft, (time.time() - 90_000,) * 2)
    assert offer(workspace.layout, time.time(), 0.0).garbage > 0
    remove_garbage(workspace.layout)
    assert not draft.exists()


def test_what_is_no_run_and_no_blob_is_left_alone(
    workspace: Workspace, job: Callable[..., str], tmp_path: Path
) -> None:
    job("one", "1")
    elsewhere = tmp_path / "elsewhere" / ("0" * 30)
    elsewhere.mkdir(parents=True)
    (elsewhere / "precious").write_text("kept")
    (elsewhere.parent / ("1" * 30)).write_text("kept")
    (workspace.layout.blobs / "ab").symlink_to(elsewhere.parent)
    (workspace.layout.blobs / "cd").mkdir(exist_ok=True)
    (workspace.layout.blobs / "cd" / "notes.txt").write_text("somebody's")
    (workspace.layout.runs / "notes.txt").write_text("somebody's")
    assert find_garbage(workspace.layout).bytes == 0 and remove_garbage(workspace.layout) == 0
    assert measure(workspace.layout, workspace.store).runs.keys() == {"one"}
    assert (elsewhere / "precious").exists() and (elsewhere.parent / ("1" * 30)).exists()
    assert (workspace.layout.blobs / "cd" / "notes.txt").exists()


def test_what_users_said_before_edits_named_a_run_by_its_id_is_of_the_run_of_that_time(
    workspace: Workspace, job: Callable[..., str], tmp_path: Path
) -> None:
    copy, layout = WorkspaceLayout(tmp_path / "copy" / ".workbench"), workspace.layout
    job("paper", "one")
    append_edits(layout, "tags", [{"run": "paper", "set": {"best": "1"}, "remove": []}])
    back_up(layout, tmp_path / "copy")
    remove_runs(layout, ["paper"])
    give_back(layout, offer(layout, time.time(), 0.0))
    shutil.rmtree("src-paper")
    job("paper", "two")
    append_edits(layout, "tags", [{"run": "paper", "set": {"bad": "1"}, "remove": []}])
    with pytest.raises(WorkbenchError, match="another run named paper"):
        back_up(layout, tmp_path / "copy")
    assert fresh(layout).run("paper").tags == {"bad": "1"} and fresh(copy).run("paper").tags == {"best": "1"}
