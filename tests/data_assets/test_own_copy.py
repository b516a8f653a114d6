"""An input that is downloaded is the job's own: whatever it does to it, the originals stay as they are."""

import os
from pathlib import Path

import pytest
from workbench.data.own_copy import copy_to_change
from workbench.lifecycle.logs import read_log
from workbench.spec import Input
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState

from tests.data_assets.test_inputs import add_local
from tests.lifecycle.launched import Launch

SPOIL = "find -L ${{inputs.d}}/ -type f | while read f; do cat $f; echo spoilt > $f; done"


@pytest.fixture
def raw(here: Path) -> Path:
    """Originals, and beside them the split `train`, which is made of links to them."""
    raw, train = here / "raw", here / "train"
    (raw / "deep").mkdir(parents=True)
    train.mkdir()
    for name in ("a", "b", "deep/c"):
        (raw / name).write_text(f"original {name}\n")
    (train / "own").write_text("original own\n")
    (train / "a").symlink_to("../raw/a")
    (train / "b").symlink_to(raw / "b")
    (train / "folder").symlink_to(raw / "deep")
    (train / "again").symlink_to(train / "own")
    (train / "broken").symlink_to("../nowhere")
    (here / "linked").symlink_to("train")
    return raw


def originals(raw: Path) -> list[str]:
    files = [raw / "a", raw / "b", raw / "deep" / "c", raw.parent / "train" / "own"]
    return [file.read_text() for file in files]


@pytest.mark.parametrize("way", ["folder", "link to it", "asset", "table"])
def test_a_job_that_writes_into_a_folder_of_links_spoils_no_original(
    launch: Launch, layout: WorkspaceLayout, raw: Path, way: str
) -> None:
    before = originals(raw)
    place = raw.parent / ("linked" if way == "link to it" else "train")
    if way == "asset":
        add_local(layout, "split", place)
    if way == "table":
        (place / "MLTable").write_text("paths: [{folder: .}]\n")
    path = "azureml:split@latest" if way == "asset" else str(place)
    kind = "mltable" if way == "table" else "uri_folder"
    run = launch(SPOIL, inputs={"d": Input(type=kind, path=path, mode="download")})  # type: ignore[arg-type]
    assert run.finish() is RunState.COMPLETED, read_log(run.files)
    said = read_log(run.files)
    assert all(f"original {name}\n" in said for name in ("a", "b", "deep/c", "own"))
    assert originals(raw) == before


def test_links_among_what_is_copied_lead_to_the_copies(raw: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert copy_to_change(raw.parent / "train", copy) == []
    (copy / "own").write_text("changed\n")
    assert (copy / "again").read_text() == "changed\n" and not os.path.isabs(os.readlink(copy / "again"))
    assert not (copy / "a").is_symlink() and not (copy / "folder").is_symlink()
    assert os.readlink(copy / "broken").endswith("nowhere")


def test_folders_that_lead_to_each_other_are_copied_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, other in ((one, two), (two, one)):
        folder.mkdir()
        (folder / "other").symlink_to(other)
        (folder / "file").write_text(folder.name)
    (one / "up").symlink_to("..")
    left = copy_to_change(one, tmp_path / "copy")
    copy = tmp_path / "copy"
    assert (copy / "other" / "file").read_text() == "two" and (copy / "file").read_text() == "one"
    assert sorted(str(link.relative_to(copy)) for link in left) == ["other/other", "up"]
