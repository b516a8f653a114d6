"""Files that runs have saved and that are gone, shut, or not to be removed: each command says so."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import workbench as wb
from tests.cli.terminal import Workbench
from tests.lifecycle.launched import wait_until

pytestmark = pytest.mark.slow

SHUT = "mkdir -p outputs/cache/below && touch outputs/cache/f outputs/cache/below/g && chmod -R a-w outputs/cache"


def save(here: Path, command: str) -> Path:
    """The folder of a job that was run."""
    run = wb.Workspace(here).submit(wb.command(command=command, name="saved"))
    assert run.wait(60) == "Completed", run.logs()
    return here / ".workbench/runs/saved"


def purged(here: Path) -> list[str]:
    return os.listdir(here / ".workbench/tmp")


@pytest.mark.parametrize("mode", [0o555, 0o300, 0])
def test_a_run_that_has_left_folders_without_a_right_to_write_is_removed_whole(
    as_user: Workbench, here: Path, mode: int
) -> None:
    outputs = save(here, SHUT) / "outputs"
    mine = here / "mine"
    (mine / "below").mkdir(parents=True)
    (mine / "below/file").touch()
    for folder in (mine, mine / "below"):
        folder.chmod(0o755)
    (outputs / "cache").chmod(0o755)
    (outputs / "cache/link").symlink_to(mine)
    (outputs / "cache").chmod(mode)
    assert as_user("rm", "saved", "--yes").returncode == 0
    done = as_user("gc", "--yes")
    assert done.returncode == 0, done.stderr
    assert not purged(here) and as_user("doctor").returncode == 0
    assert (mine / "below/file").exists(), "what a link leads to is not the run's"
    assert [one.stat().st_mode & 0o777 for one in (mine, mine / "below")] == [0o755, 0o755]
    wb.start_run(name="saved", workspace=here, system_metrics=False).end()


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root cannot give files to others")
def test_what_of_a_run_cannot_be_removed_is_named_until_it_is(as_user: Workbench, here: Path) -> None:
    """As containers leave files that are root's."""
    shut = save(here, SHUT) / "outputs/cache/below"
    os.chown(shut, 1234, 1234)
    wb.start_run(name="other", workspace=here, system_metrics=False).end()
    assert as_user("rm", "saved", "other", "--yes").returncode == 0
    for words in (("gc", "--yes"), ("gc", "--yes")):
        done = as_user(*words)
        assert done.returncode == 4 and "run saved cannot be removed as a whole" in done.stderr
        assert "outputs/cache/below/g: Permission denied" in done.stderr
    mended = as_user("doctor", "--fix")
    assert mended.returncode == 9 and "not mended: run saved" in mended.stderr and "below/g" in mended.stderr
    with pytest.raises(wb.WorkbenchError, match="not wholly removed"):
        wb.start_run(name="saved", workspace=here)
    (left,) = purged(here)
    assert "saved" in left, "the other one is gone"
    assert set(os.listdir(here / ".workbench/tmp" / left)) == {"run.json", "outputs"}, "and all else of this one"
    (shut,) = (here / ".workbench/tmp").glob("*/outputs/cache/below")
    os.chown(shut, 0, 0)
    assert as_user("gc", "--yes").returncode == 0 and as_user("doctor").returncode == 0
    wb.start_run(name="saved", workspace=here, system_metrics=False).end()


@pytest.mark.parametrize(("depth", "name"), [(1100, "d"), (150, "d" * 100)], ids=["deep", "long"])
def test_a_job_may_nest_folders_more_deeply_than_a_path_is_long(
    as_user: Workbench, here: Path, depth: int, name: str
) -> None:
    (here / "train.py").write_text(
        f"import os\nfor _ in range({depth}):\n    os.mkdir({name!r})\n    os.chdir({name!r})\n"
        "os.mkdir('shut')\nopen('shut/f', 'w').close()\nos.chmod('shut', 0)\n"
        f"for _ in range({depth}):\n    os.chdir('..')\n    os.chmod({name!r}, 0o555)\n"
    )
    (here / "job.yml").write_text(f"name: deep\ncommand: {sys.executable} {here / 'train.py'}\n")
    done = as_user("run", "job.yml")
    assert done.returncode == 0, done.stderr
    assert not wb.Workspace(here).run("deep").warnings and not (here / ".workbench/staging/deep").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root cannot give files to others")
def test_temporary_storage_that_cannot_be_removed_is_not_said_to_be(as_user: Workbench, here: Path) -> None:
    save(here, "true")
    shut = here / ".workbench/staging/saved/code/shut"
    shut.mkdir(parents=True)
    (shut / "file").touch()
    shut.chmod(0o555)
    os.chown(shut, 1234, 1234)
    done = as_user("doctor", "--fix")
    assert done.returncode == 9 and "not mended: run saved still has temporary storage" in done.stderr
    assert str(shut / "file") in done.stderr
    os.chown(shut, 0, 0)
    assert as_user("doctor", "--fix").returncode == 0 and not shut.exists()


def test_a_file_that_may_not_be_read_keeps_no_other_from_being_proved(as_user: Workbench, here: Path) -> None:
    outputs = save(here, "for name in a b c; do echo $name > outputs/$name; done") / "outputs"
    assert as_user("verify").returncode == 0
    (outputs / "a").chmod(0)
    (outputs / "c").write_text("another")
    done = as_user("verify")
    assert done.returncode == 9 and "run saved: outputs/a cannot be read: Permission denied" in done.stdout
    assert "run saved: outputs/c is not what it was" in done.stdout and "2 faults" in done.stderr
    download = as_user("outputs", "saved", "--download", "to")
    assert download.returncode != 0 and "may be read" in download.stderr


@pytest.fixture
def logged(here: Path) -> Path:
    """The folder of a script's run that has logged a file, a model and a picture."""
    (here / "file").write_text("of a script")
    with wb.start_run(name="logged", workspace=here, system_metrics=False) as run:
        run.log_artifact("file")
        run.log_model("file", "best")
        run.log_image("picture", [[0, 255], [255, 0]])
        run.log_text("said", "kept in the journal")
    return here / ".workbench/runs/logged"


def test_what_a_script_logged_and_is_gone_is_missed(workbench: Workbench, here: Path, logged: Path) -> None:
    assert workbench("verify").returncode == 0
    whole = workbench("outputs", "logged", "--download", "whole")
    assert whole.returncode == 0 and "missing" not in whole.stderr
    shutil.rmtree(logged / "outputs")
    shutil.rmtree(logged / "media")
    done = workbench("verify")
    assert done.returncode == 9
    for path in ("outputs/file", "outputs/models/best", "media/"):
        assert f"run logged: {path}" in done.stdout, path
    download = workbench("outputs", "logged", "--download", "to")
    assert "outputs/file is missing" in download.stderr and not (here / "to").exists()
    export = workbench("media", "logged", "--export", "media")
    assert "image 'picture' of step 0 is missing" in export.stderr and "said" in export.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_download_that_is_ended_leaves_nothing(here: Path, logged: Path, number: int) -> None:
    for name in range(8_000):
        (logged / f"outputs/{name}").touch()
    words = [sys.executable, "-m", "workbench", "outputs", "logged", "--download", "to"]
    download = subprocess.Popen(words, cwd=here, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (here / "to").exists() and any((here / "to").iterdir()), "its beginning")
    download.send_signal(number)
    _, told = download.communicate(timeout=60)
    assert (download.returncode, told) == (130, "")
    assert os.listdir(here / "to") == []


def test_of_what_goes_on_nothing_is_missed_that_is_about_to_be_replaced(workbench: Workbench, here: Path) -> None:
    (here / "file").write_text("of a script")
    with wb.start_run(name="goes-on", workspace=here, system_metrics=False) as run:
        run.log_artifact("file")
        (run.path / "outputs/file").unlink()
        assert workbench("verify").returncode == 0
        assert "missing" not in workbench("outputs", "goes-on", "--download", "to").stderr
    assert workbench("verify").returncode == 9


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["text", "json"])
def test_faults_are_not_forgotten_where_the_reader_of_a_pipe_leaves(
    here: Path, logged: Path, words: tuple[str, ...]
) -> None:
    (logged / "outputs/file").unlink()
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "verify", *words],
        cwd=here,
        stdout=theirs,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(theirs)
    assert done.returncode == 9 and b"Error" not in done.stderr
