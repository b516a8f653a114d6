"""Which workspace is in use, by where one is."""

import subprocess
from pathlib import Path

import pytest
from workbench_store.errors import WorkspaceError
from workbench_store.workspace import VARIABLE, find_workspace, open_workspace


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path


def test_a_worktree_finds_the_workspace_of_the_main_checkout(here: Path) -> None:
    main, tree = here / "main", here / "tree"
    for words in (["init", "-q", str(main)], ["-C", str(main), "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)
    subprocess.run(["git", "-C", str(main), "worktree", "add", "-q", str(tree)], check=True)
    assert find_workspace(tree) is None
    made = open_workspace(main)
    (tree / "deep").mkdir()
    assert find_workspace(tree / "deep") == made.root == open_workspace(tree / "deep").root


@pytest.mark.parametrize("named", ["gone/.git/worktrees/tree", "a\0b/.git/worktrees/x"])
def test_a_worktree_whose_main_checkout_is_gone_has_its_own(here: Path, named: str) -> None:
    (here / "tree").mkdir()
    (here / "tree" / ".git").write_text(f"gitdir: {here}/{named}\n")
    assert open_workspace(here / "tree").root == here / "tree" / ".workbench"
    assert {path.name for path in here.iterdir()} - {"cache", "here"} == {"tree"}


@pytest.mark.parametrize("named", [False, True])
def test_a_link_to_a_disk_that_is_not_mounted_is_not_passed_over(here: Path, tmp_path: Path, named: bool) -> None:
    """The workspace of a folder above would take its place in silence."""
    open_workspace(here)
    below = here / "below"
    below.mkdir()
    (below / ".workbench").symlink_to(tmp_path / "disk" / ".workbench")
    with pytest.raises(WorkspaceError, match=r"below/\.workbench is a link to .*disk.*, which is not there"):
        open_workspace(*([None, below] if named else [below]))
    (tmp_path / "disk" / ".workbench").mkdir(parents=True)
    assert find_workspace(below) == below / ".workbench"
