"""Which workspace is in use, by where one is."""

import subprocess
from pathlib import Path

import pytest
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
