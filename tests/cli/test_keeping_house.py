"""`rm`, `restore`, `gc`, `backup` and `verify`, as users type them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from workbench_store.errors import NotFound, RunError, UsageError
from workbench_store.layout import WorkspaceLayout
from workbench_store.locks import FileLock

import workbench as wb
from tests.cli.terminal import Workbench
from tests.client.scripts import start_script

pytestmark = pytest.mark.slow


@pytest.fixture
def runs(here: Path) -> None:
    for name, loss in (("apple", 0.1), ("apricot", 0.5), ("berry", 0.9)):
        with wb.start_run(name=name, experiment="e", system_metrics=False) as run:
            run.log({"loss": loss})


def names(workbench: Workbench, *words: str) -> list[str]:
    return sorted(run["name"] for run in json.loads(workbench("ls", "--json", *words).stdout)["runs"])


@pytest.mark.usefixtures("runs")
def test_runs_go_to_the_trash_and_come_back(workbench: Workbench) -> None:
    done = workbench("rm", "berry")
    assert done.returncode == 0 and "restore" in done.stderr
    assert names(workbench) == ["apple", "apricot"]
    assert workbench("show", "berry").returncode == 5
    assert "trash" in workbench("show", "berry").stderr
    assert [one["name"] for one in json.loads(workbench("restore", "--json").stdout)] == ["berry"]
    assert workbench("restore").stdout.split()[5] == "berry"
    assert workbench("restore", "be").returncode == 0
    assert names(workbench) == ["apple", "apricot", "berry"]
    for word in ("restore", "rm", "show"):
        assert workbench(word, "").returncode == 5, word
    missing = workbench("restore", "cherry")
    assert missing.returncode == 5 and "cherry" in missing.stderr


def test_a_run_in_the_trash_is_not_taken_for_another_whose_name_begins_so(workbench: Workbench, here: Path) -> None:
    for name in ("exp1", "exp10"):
        wb.start_run(name=name, system_metrics=False).end()
    assert workbench("rm", "exp1").returncode == 0
    for words in (["rm", "exp1"], ["tag", "exp1", "x"], ["note", "exp1", "x"], ["cancel", "exp1"], ["show", "exp1"]):
        done = workbench(*words)
        assert done.returncode == 5 and "run exp1 is in the trash" in done.stderr, (words, done.stderr)
    with pytest.raises(NotFound, match="in the trash"):
        wb.Workspace(here).run("exp1")
    assert names(workbench) == ["exp10"] and workbench("show", "exp").returncode == 0
    assert workbench("restore", "exp1").returncode == 0 and workbench("rm", "exp10").returncode == 0
    assert "run exp1 is not in the trash" in workbench("restore", "exp1").stderr
    assert names(workbench) == ["exp1"] and workbench("rm", "exp1").returncode == 0
    assert "2 removed ones in the trash: workbench restore" in workbench("ls").stderr
    assert workbench("restore", "--all", "exp1").returncode == 2
    assert workbench("restore", "--all").stderr.splitlines() == ["exp1 is back", "exp10 is back"]
    assert names(workbench) == ["exp1", "exp10"]


def test_what_gc_says_of_sizes_is_what_du_says(workbench: Workbench, here: Path) -> None:
    for number in range(20):
        wb.start_run(name=f"r{number}", system_metrics=False).end()
    workbench("ls")
    told = json.loads(workbench("gc", "--preview", "--json").stdout)["total"]
    done = subprocess.run(["du", "-s", "--block-size=1", here / ".workbench"], capture_output=True, text=True)
    assert abs(told - int(done.stdout.split()[0])) <= 64 * 1024  # the command's own traces


@pytest.mark.usefixtures("runs")
def test_runs_of_a_condition_go_after_a_yes(workbench: Workbench) -> None:
    listed = workbench("rm", "--where", "metrics.loss > 0.3")
    assert sorted(listed.stdout.split()) == ["apricot", "berry"] and "--yes" in listed.stderr
    assert len(names(workbench)) == 3
    assert workbench("rm", "--where", "metrics.loss > 0.3", "--preview").returncode == 0
    assert len(names(workbench)) == 3
    assert workbench("rm", "--where", "metrics.loss > 0.3", "--all", "name:apr", "--yes").returncode == 0
    assert names(workbench) == ["apple", "berry"]
    for words in ([], ["--where", " "], ["--all", ""], ["--where", "nme = 1"]):
        assert workbench("rm", *words).returncode == 2
    assert len(names(workbench)) == 2


@pytest.mark.usefixtures("runs")
def test_what_was_removed_for_good_gives_its_space_back(workbench: Workbench, here: Path) -> None:
    workbench("rm", "berry")
    seen = json.loads(workbench("gc", "--preview", "--json").stdout)
    assert list(seen["trash"]) == ["berry"] and seen["reclaimable"] >= seen["trash"]["berry"] > 0
    asked = workbench("gc")
    assert asked.returncode == 0 and "--yes" in asked.stderr and "1 run in the trash" in asked.stderr
    assert (here / ".workbench" / "trash" / "berry").is_dir()
    assert "nothing to give back" in workbench("gc", "--trash-older", "1d", "--yes").stderr
    done = workbench("gc", "--yes")
    assert done.returncode == 0 and "given back" in done.stderr
    assert json.loads(workbench("restore", "--json").stdout) == []
    assert workbench("verify").returncode == 0 and workbench("doctor").returncode == 0


@pytest.mark.usefixtures("runs")
def test_a_removal_that_was_killed_goes_on(workbench: Workbench, here: Path) -> None:
    """Between any two steps; the name is taken until nothing is left that could be said of a later run of that name."""
    layout = WorkspaceLayout(here / ".workbench")
    assert workbench("note", "berry", "old").returncode == 0
    assert workbench("rm", "berry").returncode == 0
    layout.trashed("berry").root.rename(layout.purged("berry"))  # and killed
    for left in ("all of its files", "an empty folder"):
        assert [one["name"] for one in json.loads(workbench("restore", "--json").stdout)] == [], left
        assert "is removed for good" in workbench("show", "berry").stderr
        assert list(json.loads(workbench("gc", "--preview", "--json").stdout)["cut_short"]) == ["berry"]
        assert "1 run whose removal was cut short" in workbench("gc", "--preview").stderr
        found = workbench("doctor")
        assert found.returncode == 9 and "run berry was being removed for good" in found.stdout
        with pytest.raises(UsageError, match="not wholly removed"):
            wb.start_run(name="berry", system_metrics=False)
        with pytest.raises(RunError, match="not wholly removed"):
            wb.Workspace().submit(wb.command(command="true", name="berry"))
        shutil.rmtree(layout.purged("berry"))
        layout.purged("berry").mkdir()
    assert workbench("gc", "--yes").returncode == 0
    assert not layout.purged("berry").exists() and "nothing to give back" in workbench("gc", "--yes").stderr
    with wb.start_run(name="berry", system_metrics=False) as run:
        run.set_tags({"new": "yes"})
    seen = json.loads(workbench("show", "berry", "--json").stdout)
    assert (seen["note"], seen["tags"]) == (None, {"new": "yes"})


@pytest.mark.usefixtures("runs")
def test_doctor_finishes_a_removal_too(workbench: Workbench, here: Path) -> None:
    layout = WorkspaceLayout(here / ".workbench")
    workbench("rm", "berry")
    layout.trashed("berry").root.rename(layout.purged("berry"))
    done = workbench("doctor", "--fix")
    assert "mended: run berry was being removed" in done.stderr and not layout.purged("berry").exists()


KILLED_WHILE_OPENING = """
import os, workbench
from workbench.client import script_run
def killed(path, value):
    write(path, value)
    os.kill(os.getpid(), 9)
write, script_run.write_json = script_run.write_json, killed
workbench.start_run(name="begun")
"""


@pytest.mark.usefixtures("runs")
def test_a_script_that_is_killed_while_it_opens_its_run_leaves_nothing_to_worry_about(
    workbench: Workbench, here: Path
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_OPENING], cwd=here, timeout=60)
    (draft,) = here.glob(".workbench/runs/.begun-*.new")
    assert done.returncode == -9 and names(workbench) == ["apple", "apricot", "berry"]
    assert workbench("doctor").returncode == 0 and workbench("verify").returncode == 0
    for command in ("show", "rm"):
        assert workbench(command, draft.name).returncode == 5
    os.utime(draft, (0, 0))
    assert workbench("gc", "--yes").returncode == 0
    wb.start_run(name="begun", workspace=here, system_metrics=False).end()
    assert names(workbench) == ["apple", "apricot", "begun", "berry"]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("words", [("gc", "--yes"), ("doctor", "--fix")], ids=["gc", "doctor"])
def test_what_a_killed_rebuild_left_is_named_and_removed(
    workbench: Workbench, here: Path, words: tuple[str, ...]
) -> None:
    layout = WorkspaceLayout(here / ".workbench")
    killed = workbench("doctor", "--rebuild", WORKBENCH_FAULT="rebuild.filled")
    left = layout.rebuilding().store.parent
    assert killed.returncode == -signal.SIGKILL and left.is_dir()
    with FileLock(layout.rebuild_lock):
        assert workbench("doctor").returncode == 0, "one that goes on is no problem"
    told = workbench("doctor")
    assert told.returncode == 9 and "rebuild" in told.stdout and str(left) in told.stdout
    assert json.loads(workbench("gc", "--preview", "--json").stdout)["rebuild"] > 0
    assert workbench(*words).returncode == 0
    assert not left.exists() and workbench("doctor").returncode == 0
    assert names(workbench) == ["apple", "apricot", "berry"]


@pytest.mark.usefixtures("runs")
def test_a_copy_is_proved_and_a_damaged_one_is_not(workbench: Workbench, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert workbench("backup", str(copy)).returncode == 0
    assert json.loads(workbench("backup", str(copy), "--json").stdout)["copied"] == 0
    assert names(workbench, "--workspace", str(copy)) == ["apple", "apricot", "berry"]
    assert workbench("verify", "--workspace", str(copy)).returncode == 0
    blob = copy / ".workbench" / "blobs" / "00" / ("1" * 30)
    blob.parent.mkdir(parents=True)
    blob.write_text("this is not its content")
    done = workbench("verify", "--workspace", str(copy))
    assert done.returncode == 9 and "is not what its name says" in done.stdout
    found = json.loads(workbench("verify", "--workspace", str(copy), "--json").stdout)
    assert len(found["faults"]) == 1 and found["looked_at"]["table"] == 8
    assert workbench("backup", ".").returncode == 2


def test_named_outputs_that_are_gone_whole_are_missed(workbench: Workbench, here: Path, tmp_path: Path) -> None:
    (here / "job.yml").write_text(
        "name: one\n"
        "command: echo w > ${{outputs.model}}; echo f > ${{outputs.folder}}/f; echo e > ${{outputs.elsewhere}}/e\n"
        "outputs:\n  model: {type: uri_file}\n  folder: {type: uri_folder}\n"
        f"  elsewhere: {{type: uri_folder, path: {here / 'results'}}}\n"
    )
    assert workbench("run", "job.yml").returncode == 0
    shutil.rmtree(here / "results")  # which is the user's
    copy = tmp_path / "copy"
    assert workbench("backup", str(copy)).returncode == 0
    assert workbench("verify", "--workspace", str(copy)).returncode == 0
    outputs = copy / ".workbench" / "runs" / "one" / "named-outputs"
    (outputs / "model").unlink()
    shutil.rmtree(outputs / "folder")
    done = workbench("verify", "--workspace", str(copy))
    assert done.returncode == 9
    for path in ("model", "folder/f"):
        assert f"run one: named-outputs/{path} is gone" in done.stdout
    assert "elsewhere" not in done.stdout


@pytest.mark.usefixtures("runs")
def test_the_doctor_mends_what_needs_no_decision(workbench: Workbench, here: Path) -> None:
    root = here / ".workbench"
    assert workbench("doctor", "--fix").returncode == 0
    root.chmod(0o755)
    (root / "staging" / "berry").mkdir(parents=True)
    assert workbench("doctor").returncode == 9
    mended = workbench("doctor", "--fix")
    assert "mended: others may look into" in mended.stderr
    assert (root.stat().st_mode & 0o777) == 0o700
    store = root / "store.duckdb"
    store.write_bytes(store.read_bytes()[:5000])
    assert workbench("ls").returncode == 4
    mended = workbench("doctor", "--fix")
    assert "mended" in mended.stderr and names(workbench) == ["apple", "apricot", "berry"]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("damage", ["overwritten", "cut short", "gone"])
def test_what_only_the_store_has_still_is_not_given_up(workbench: Workbench, here: Path, damage: str) -> None:
    with wb.start_run(name="long", system_metrics=False) as run:
        for step in range(1000):
            run.log({"loss": step / 1000}, step=step)
    workbench("ls")
    journal = max(
        (here / ".workbench" / "runs" / "long" / "journal").glob("*.wbj"), key=lambda path: path.stat().st_size
    )
    whole = journal.read_bytes()
    middle = len(whole) // 2
    if damage == "overwritten":
        journal.write_bytes(whole[:middle] + bytes(2000) + whole[middle + 2000 :])
    elif damage == "cut short":
        journal.write_bytes(whole[:middle])
    else:
        journal.unlink()
    found = workbench("verify")
    assert found.returncode == 9 and "run long" in found.stdout and "from a copy" in found.stdout
    assert "doctor --rebuild" not in found.stdout
    if damage == "overwritten":
        assert f"runs/long/journal/{journal.name}" in found.stdout
    refused = workbench("doctor", "--rebuild")
    assert refused.returncode == 4 and "long" in refused.stderr and "--losing" in refused.stderr
    assert workbench(
        "sql", "SELECT count(*) FROM points WHERE key = 'loss' AND run = 'long'", "--csv"
    ).stdout.split() == [
        "count_star()",
        "1000",
    ]
    journal.write_bytes(whole)
    assert workbench("doctor", "--rebuild").returncode == 0 and workbench("verify").returncode == 0
    journal.write_bytes(whole[:middle] + bytes(2000) + whole[middle + 2000 :])
    assert workbench("doctor", "--rebuild", "--losing").returncode == 0
    assert "damaged bytes" in workbench("doctor").stdout, "which is told for good"


@pytest.mark.usefixtures("runs")
def test_a_backup_does_not_put_a_damaged_journal_in_the_place_of_a_whole_one(workbench: Workbench, here: Path) -> None:
    assert workbench("backup", "copy").returncode == 0
    (journal,) = (here / ".workbench" / "runs" / "apple" / "journal").glob("*.wbj")
    kept = here / "copy" / ".workbench" / "runs" / "apple" / "journal" / journal.name
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-60] + bytes(60))
    with wb.start_run(name="new", system_metrics=False) as run:
        run.log({"loss": 1.0})
    told = workbench("backup", "copy")
    assert told.returncode == 4 and str(journal) in told.stderr
    assert kept.read_bytes() == whole
    assert (
        "new" in names(workbench, "--workspace", "copy") and workbench("verify", "--workspace", "copy").returncode == 0
    )
    journal.write_bytes(whole)
    assert workbench("backup", "copy").returncode == 0


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("left", [None, b"", b"\xff{", b"[]"], ids=["gone", "empty", "garbage", "no id"])
def test_a_workspace_that_lost_what_says_that_it_is_one_is_mended(
    left: bytes | None, workbench: Workbench, here: Path
) -> None:
    identity = here / ".workbench" / "workspace.json"
    identity.unlink()
    if left is not None:
        identity.write_bytes(left)
    for words in (("ls",), ("doctor",)):
        refused = workbench(*words)
        assert refused.returncode == 4 and "workbench doctor --fix" in refused.stderr
    mended = workbench("doctor", "--fix")
    assert (mended.returncode, "workspace.json was lost or damaged" in mended.stderr) == (0, True), mended.stderr
    assert names(workbench) == ["apple", "apricot", "berry"]
    kept = [path.read_bytes() for path in identity.parent.glob("workspace.json.damaged-*")]
    assert kept == ([] if left is None else [left])
    again = workbench("doctor", "--fix")
    assert again.returncode == 0 and "workspace.json" not in again.stderr


def test_what_never_was_a_workspace_is_not_made_one(workbench: Workbench, here: Path) -> None:
    (here / ".workbench" / "runs").mkdir(parents=True)
    assert workbench("doctor", "--fix").returncode == 4
    assert [path.name for path in (here / ".workbench").iterdir()] == ["runs"]


LOGGING_ALL_THE_TIME = """
import time, workbench
with workbench.start_run(name="busy", system_metrics=False) as run:
    print("ready", flush=True)
    while True:
        run.log({"a": 1.0})
        time.sleep(0.001)
"""


def test_verify_names_the_runs_that_it_could_not_compare(workbench: Workbench, here: Path) -> None:
    script = start_script(here, LOGGING_ALL_THE_TIME)
    try:
        assert script.stdout is not None and script.stdout.readline() == "ready\n"
        done = workbench("verify")
        assert done.returncode == 0
        assert "not compared with the journals, as it is written to all the time: busy\n" in done.stderr
        assert "all else is as it was recorded" in done.stderr
        assert json.loads(workbench("verify", "--json").stdout)["left_out"] == ["busy"]
    finally:
        script.kill()
        script.communicate()
    done = workbench("verify")
    assert "busy" not in done.stderr and ": all is as it was recorded" in done.stderr


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "endless"])
def test_what_is_no_journal_beside_the_journals_is_passed_over(workbench: Workbench, here: Path, kind: str) -> None:
    for name in ("a", "b"):
        wb.start_run(name=name, system_metrics=False).end()
    assert workbench("tag", "a", "k=1").returncode == 0
    for folder in (here / ".workbench/journal", here / ".workbench/runs/b/journal"):
        odd = folder / "x.wbj"
        if kind == "fifo":
            os.mkfifo(odd)
        elif kind == "folder":
            odd.mkdir()
        else:
            odd.symlink_to("nowhere" if kind == "link" else "/dev/zero")
    for words in (
        ("tag", "b", "k=2"),
        ("note", "b", "x"),
        ("rm", "--yes", "a", "b"),
        ("restore", "a", "b"),
        ("verify",),
    ):
        assert workbench(*words).returncode == 0, words
    assert names(workbench) == ["a", "b"] and names(workbench, "--where", "tags.k = 1") == ["a"]


def test_a_fifo_in_the_place_of_a_lock_keeps_nobody_waiting(workbench: Workbench, here: Path) -> None:
    wb.start_run(name="a", system_metrics=False).end()
    lock = here / ".workbench/runs/a/control/script.lock"
    lock.unlink(missing_ok=True)
    os.mkfifo(lock)
    assert workbench("rm", "--yes", "a").returncode == 0


@pytest.mark.usefixtures("runs")
def test_a_backup_to_a_link_to_itself_is_refused(workbench: Workbench, here: Path) -> None:
    (here / "loop").symlink_to("loop")
    done = workbench("backup", "loop/x")
    assert done.returncode not in (0, 70) and "loop" in done.stderr
