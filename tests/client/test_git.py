"""What git says of the code is recorded with a run: commit, branch, changes; never what a secret holds."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from workbench.client.git_state import DIFF_BYTES, diff_text, git_state, without_credentials
from workbench.lifecycle import rerun, submit
from workbench.spec import load_job
from workbench.view.git import git_line
from workbench_store.records import GitRecord
from workbench_store.workspace import open_workspace

from tests.cli.conftest import workbench as workbench
from tests.cli.terminal import Workbench
from tests.client.scripts import run_script, store_of, the_run
from workbench import Workspace

SCRIPT = "import workbench\nwith workbench.start_run(name='r', system_metrics=False):\n    workbench.log({'k': 1})\n"


def git(here: Path, *words: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *who, *words], cwd=here, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(here: Path) -> Path:
    """A repository with one commit of a script, a file and a secret."""
    (here / ".git").rmdir()
    git(here, "init", "-q", "-b", "trunk")
    git(here, "remote", "add", "origin", "https://ada:hunter2@example.org/code.git?token=abc")
    (here / "script.py").write_text(SCRIPT)
    (here / "file.txt").write_text("one\n")
    (here / ".env").write_text("PASSWORD=first\n")
    (here / ".gitignore").write_text("ignored/\ncache/\n")
    git(here, "add", ".")
    git(here, "commit", "-q", "-m", "first")
    return here


def recorded(here: Path) -> GitRecord:
    store = store_of(here)
    found = store.detail(the_run(store)).git
    assert found is not None
    return found


def ran(here: Path) -> GitRecord:
    done = run_script(here, SCRIPT)
    assert done.returncode == 0, done.stderr
    return recorded(here)


def diff_of(here: Path) -> str:
    return (here / ".workbench" / "runs" / "r" / "git.diff").read_text()


def test_a_clean_working_copy(repository: Path) -> None:
    found = ran(repository)
    assert (found.branch, found.commit) == ("trunk", git(repository, "rev-parse", "HEAD"))
    assert found.repository == "https://example.org/code.git"
    assert not found.dirty and not found.has_diff and (found.changed, found.untracked) == (0, 0)
    journals = b"".join(path.read_bytes() for path in repository.glob(".workbench/runs/r/journal/*"))
    assert b"hunter2" not in journals and b"token=abc" not in journals


def test_changes_are_kept_so_that_they_can_be_made_again(repository: Path) -> None:
    (repository / "file.txt").write_text("two\n")
    (repository / "new.txt").write_text("staged\n")
    git(repository, "add", "new.txt")
    (repository / "loose.txt").write_text("loose")
    (repository / "ignored").mkdir()
    (repository / "ignored" / "big").write_text("x")
    found = ran(repository)
    assert found.dirty and found.has_diff and (found.changed, found.untracked) == (2, 1)
    text = diff_of(repository)
    assert "+two" in text and "# not tracked: loose.txt" in text and "ignored" not in text
    git(repository, "stash", "-q")
    git(repository, "apply", ".workbench/runs/r/git.diff")
    assert (repository / "file.txt").read_text() == "two\n" and (repository / "new.txt").read_text() == "staged\n"


def test_changed_binary_files_are_named_and_the_rest_applies(repository: Path) -> None:
    names = ("fig.png", "a figure.png", "ü.png")
    for name in names:
        (repository / name).write_bytes(b"\0\1")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "figures")
    git(repository, "config", "diff.noprefix", "true")
    for name in names:
        (repository / name).write_bytes(b"\0\2")
    (repository / "file.txt").write_text("Binary files a/x and b/x differ\n")
    ran(repository)
    text = diff_of(repository)
    assert all(f"# changed, left out because they are binary: {name}\n" in text for name in names)
    git(repository, "stash", "-q")
    git(repository, "apply", ".workbench/runs/r/git.diff")
    assert (repository / "file.txt").read_text() == "Binary files a/x and b/x differ\n"


@pytest.mark.parametrize("change", ["edit", "remove", "add", "rename"])
def test_a_secret_is_named_and_not_kept(repository: Path, change: str) -> None:
    (repository / "file.txt").write_text("two\n")
    secret = repository / ".env"
    if change == "edit":
        secret.write_text("PASSWORD=second\n")
    elif change == "remove":
        secret.unlink()
    elif change == "rename":
        git(repository, "mv", ".env", "id_rsa")
    else:
        (repository / "deep").mkdir()
        (repository / "deep" / "credentials.json").write_text("PASSWORD=third\n")
        git(repository, "add", "deep")
    found = ran(repository)
    text = diff_of(repository)
    assert "PASSWORD" not in text and "+two" in text
    assert found.left_out and all(name in text for name in found.left_out)


def change_much(repository: Path, lines: int) -> None:
    names = ("a large one", "b", "c")
    for name in names:
        (repository / name).write_text("old\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "more")
    (repository / "a large one").write_text("a line that is new\n" * lines)
    (repository / "b").write_text("new\n")
    (repository / "c").write_text("new\n" * 100_000)
    (repository / "file.txt").write_text("two\n")


def check_what_applies(repository: Path, diff: str) -> None:
    assert len(diff) < DIFF_BYTES
    assert f"# changed, left out because at most {DIFF_BYTES} bytes of changes are kept: a large one\n" in diff
    git(repository, "stash", "-q")
    (repository / "git.diff").write_text(diff)
    git(repository, "apply", "git.diff")
    kept = {name: (repository / name).read_text() for name in ("a large one", "b", "c", "file.txt")}
    assert kept == {"a large one": "old\n", "b": "new\n", "c": "new\n" * 100_000, "file.txt": "two\n"}


def test_large_changes_are_named_and_the_rest_applies(repository: Path) -> None:
    change_much(repository, 60_000)
    found = ran(repository)
    assert found.cut and found.bytes < DIFF_BYTES
    assert "KiB in git.diff, larger changes left out)" in str(git_line(found))
    check_what_applies(repository, diff_of(repository))


def test_small_changes_behind_more_than_is_looked_at(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.client.git_state._SOON_SECONDS", 60.0)
    change_much(repository, 1_000_000)
    state = git_state(repository, 60)
    assert state is not None and state.large == ["a large one"] and not state.cut
    check_what_applies(repository, diff_text(state).decode())


@pytest.mark.parametrize(("soon", "named"), [(0.0, 1), (60.0, 3)])
def test_more_large_changes_than_are_looked_at(
    repository: Path, monkeypatch: pytest.MonkeyPatch, soon: float, named: int
) -> None:
    monkeypatch.setattr("workbench.client.git_state._SOON_SECONDS", soon)
    names = [f"large{number}" for number in range(4)]
    for name in names:
        (repository / name).write_text("old\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "more")
    for name in names:
        (repository / name).write_text("a line that is new\n" * 1_000_000)
    state = git_state(repository, 60)
    assert state is not None and state.cut and state.large == names[:named]
    assert "was left out" in diff_text(state).decode().splitlines()[-1]


def test_without_a_commit(here: Path) -> None:
    (here / ".git").rmdir()
    git(here, "init", "-q")
    found = ran(here)
    assert found.commit is None and "no commit yet" in str(found.note)


def test_a_detached_head_in_a_worktree_of_odd_names(repository: Path) -> None:
    git(repository, "worktree", "add", "-q", "--detach", "tree with blank")
    tree = repository / "tree with blank"
    for name in ("ü.txt", "line\nbreak.txt", "quote'\".txt", "-dash"):
        (tree / name).write_text("x")
    (tree / "file.txt").write_bytes(b"\xff\x00 binary\n")
    state = git_state(tree, 20)
    assert state is not None and state.branch is None and state.commit == git(repository, "rev-parse", "HEAD")
    assert state.changed == ["file.txt"]
    assert set(state.untracked) == {"ü.txt", "line\nbreak.txt", "quote'\".txt", "-dash"}


def test_outside_of_git_nothing_is_recorded(here: Path) -> None:
    assert run_script(here, SCRIPT).returncode == 0
    store = store_of(here)
    assert store.detail(the_run(store)).git is None


@pytest.mark.parametrize("way", ["../elsewhere/train.py", "link.py"])
def test_the_code_is_where_the_script_really_is(repository: Path, tmp_path: Path, way: str) -> None:
    """And not in the repository that it was started from, nor in that of a link to it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "train.py").write_text(SCRIPT)
    (repository / "link.py").symlink_to(elsewhere / "train.py")
    assert subprocess.run([sys.executable, way], cwd=repository).returncode == 0
    store = store_of(repository)
    assert store.detail(the_run(store)).git is None


@pytest.mark.parametrize("prompt", [["-m", "IPython", "--no-banner", "--simple-prompt"], ["-i"], ["-"]])
def test_at_a_prompt_the_code_is_that_of_the_current_folder(repository: Path, prompt: list[str]) -> None:
    """Though what shows the prompt may be a file of some repository: here, of our own."""
    home = {"HOME": str(repository / "cache"), "IPYTHONDIR": str(repository / "cache")}
    words = f"{SCRIPT}\nexit()\n"
    done = subprocess.run(
        [sys.executable, *prompt],
        cwd=repository,
        input=words,
        env={**os.environ, **home},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert recorded(repository).commit == git(repository, "rev-parse", "HEAD")
    assert store_of(repository).run("r").experiment == repository.name


def test_an_installed_command_runs_the_code_of_the_current_folder(repository: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "tools")
    tool = tmp_path / "tools" / "bin" / "train-it"
    code = f"#!{tool.parent}/python\nimport sys\nsys.path[:0] = {sys.path!r}\n{SCRIPT}"
    tool.write_text(code)
    tool.chmod(0o755)
    assert subprocess.run([tool], cwd=repository).returncode == 0
    assert recorded(repository).commit == git(repository, "rev-parse", "HEAD")
    assert store_of(repository).run("r").experiment == "train-it"


@pytest.mark.parametrize("body", ["exit 1", "exec sleep 600", "head -c 20000000 /dev/zero"])
def test_a_git_that_fails_ends_nothing(repository: Path, body: str) -> None:
    program = repository / "ignored" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    quick = SCRIPT.replace("import workbench\n", "import workbench\nimport workbench.client.script_run as s\n")
    quick = quick.replace("as s\n", "as s\ns._GIT_SECONDS = 0.2\n")
    done = run_script(repository, quick, PATH=f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    store = store_of(repository)
    assert str(store.run("r").state) == "Completed"


def test_a_git_whose_pipe_somebody_else_holds_open_is_heard(repository: Path) -> None:
    """As a child of the script does that was forked just then."""
    (repository / "file.txt").write_text("two\n")
    (repository / "cache").mkdir()
    shim = repository / "cache" / "git"
    shim.write_text(f'#!/bin/sh\nsleep 30 &\nexec {shutil.which("git")} "$@"\n')
    shim.chmod(0o755)
    done = run_script(repository, SCRIPT, PATH=f"{shim.parent}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 0 and "not recorded" not in done.stderr, done.stderr
    assert recorded(repository).changed == 1 and "+two" in diff_of(repository)


def test_a_job_and_the_commands(repository: Path, workbench: Workbench) -> None:
    (repository / "src").mkdir()
    (repository / "src" / "main.py").write_text("print('hello')\n")
    (repository / "job.yml").write_text("command: 'true'\ncode: ./src\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "second")
    (repository / "file.txt").write_text("two\n")
    name = submit(open_workspace(), load_job(repository / "job.yml"))
    run = Workspace().run(name)
    run.wait(60)
    shown = json.loads(workbench("show", name, "--json").stdout)
    assert shown["git"]["dirty"] and shown["git"]["branch"] == "trunk"
    assert shown["properties"]["azureml.git.dirty"] == "False", "Azure ML looks at the code folder alone"
    assert shown["properties"]["mlflow.source.git.repoURL"] == "https://example.org/code.git"
    assert "+two" in workbench("show", name, "--diff").stdout
    assert f"trunk {git(repository, 'rev-parse', 'HEAD')[:12]}, 1 changed" in workbench("show", name).stdout


def test_the_diff_of_a_clean_run_and_of_one_outside_of_git(repository: Path, workbench: Workbench, here: Path) -> None:
    ran(repository)
    clean = workbench("show", "r", "--diff")
    assert clean.returncode == 0 and clean.stdout == "" and "nothing was changed" in clean.stderr
    (here / ".git" / "HEAD").rename(here / ".git" / "HEAD.away")
    outside = run_script(here, SCRIPT.replace("'r'", "'outside'"))
    assert outside.returncode == 0
    assert "not in git" in workbench("show", "outside", "--diff").stderr


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:pass@host/x.git", "https://host/x.git"),
        ("https://token@host/x", "https://host/x"),
        ("https://me:p@ss@host/x", "https://host/x"),
        ("ssh://git@host:22/x", "ssh://host:22/x"),
        ("git@host:team/x.git", "git@host:team/x.git"),
        ("/srv/x.git", "/srv/x.git"),
        ("https://host/x?private_token=1#y", "https://host/x"),
    ],
)
def test_urls_lose_their_credentials(url: str, kept: str) -> None:
    assert without_credentials(url) == kept


def test_a_run_made_again_from_its_snapshot_has_its_git_state(repository: Path, workbench: Workbench) -> None:
    (repository / "file.txt").write_text("two\n")
    (repository / "job.yml").write_text("command: 'true'\ncode: .\n")
    name = submit(open_workspace(), load_job(repository / "job.yml"))
    Workspace().run(name).wait(60)
    (repository / "file.txt").write_text("three\n")
    again = rerun(open_workspace(), name).name
    Workspace().run(again).wait(60)
    assert "+two" in workbench("show", again, "--diff").stdout
    assert Workspace().store.detail(again).git == Workspace().store.detail(name).git
