"""The ignore rules and the content hash against the golden table made with azure-ai-ml."""

import json
from pathlib import Path
from typing import Any

import pytest
from workbench_store.errors import SnapshotError
from workbench_store.snapshot import read_snapshot
from workbench_store.snapshot.ignore import read_rules
from workbench_store.snapshot.take import take_snapshot
from workbench_store.snapshot.upstream_hash import content_hash, object_hash
from workbench_store.workspace import open_workspace

CASES = json.loads((Path(__file__).parents[1] / "data" / "ignore_cases.json").read_text())["cases"]


def plant(root: Path, case: dict[str, Any]) -> list[str]:
    files = dict(case["files"])
    for name in ("amlignore", "gitignore"):
        if case[name] is not None:
            files[f".{name}"] = case[name]
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode())
    return sorted(files)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_rules_keep_what_upstream_keeps(case: dict[str, Any], here: Path) -> None:
    code = here / "code"
    paths = plant(code, case)
    if case["error"]:
        with pytest.raises(SnapshotError, match=r"\.amlignore:1"):
            read_rules(code)
        return
    rules = read_rules(code, component=case["component"])
    kept = [path for path in paths if rules.decide(path) is None]
    assert sorted(kept) == sorted(case["kept"])
    assert content_hash((path, code / path) for path in kept) == case["content_hash"]


@pytest.mark.parametrize("case", [case for case in CASES if not case["error"]], ids=lambda case: case["name"])
def test_a_snapshot_differs_only_by_what_is_never_in_one(case: dict[str, Any], here: Path) -> None:
    code = here / "code"
    plant(code, case)
    expected = {path for path in case["kept"] if not {".git", "__pycache__"} & set(path.split("/"))}
    if not expected:
        with pytest.raises(SnapshotError, match="nothing"):
            take_snapshot(open_workspace(), code, component=case["component"])
        return
    taken = take_snapshot(open_workspace(), code, component=case["component"])
    assert {entry.path for entry in read_snapshot(open_workspace(), taken.id).entries} == expected


def test_the_content_hash_of_upstreams_own_test(tmp_path: Path) -> None:
    files = {
        "file1.txt": "test\n",
        "folder1/file2.txt": "file2 content\n",
        "Folder2/folder1/file4.txt": "file4 content\n",
        "Folder2/file3.txt": "file3 content\n",
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    hashed = content_hash((path, tmp_path / path) for path in files)
    assert hashed == "3f99429630ebd5882337eedef79dc029a9b406338cd6f466206aef2c951453be"
    assert content_hash([]) == "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"


def test_the_object_hash_of_small_folders(tmp_path: Path) -> None:
    empty, two = tmp_path / "empty", tmp_path / "two"
    empty.mkdir()
    two.mkdir()
    (two / "B.txt").write_text("b")
    (two / "a.txt").write_text("a")
    assert object_hash(empty).startswith("f12a2787") and object_hash(empty).endswith("72f19")
    assert object_hash(two).startswith("92c83ade")
