"""An input that is downloaded is the job's own: whatever it does to it, the originals stay as they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from workbench.data.own_copy import copy_to_change
from workbench.lifecycle.logs import read_log
from workbench.spec import Input
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState

from tests.data_assets.test_inputs import add_local
from tests.lifecycle.launched import Launch
from tests.permissions import without_override

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
    folders = [tmp_path / "data" / name for name in ("one", "two", "three", "four", "five", "six", "seven")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "file").write_text(folder.name)
    for folder in folders:
        for other in folders:
            (folder / f"to-{other.name}").symlink_to(other)
    (folders[0] / "up").symlink_to("..")
    left = copy_to_change(folders[0], copy := tmp_path / "copy")
    assert [str(link.relative_to(copy)) for link in left] == ["up"]
    files = [path for path in copy.rglob("*") if path.name == "file" and not path.parent.is_symlink()]
    assert sorted(path.read_text() for path in files) == sorted(folder.name for folder in folders)
    (copy / "to-two" / "to-three" / "file").write_text("changed")
    assert (copy / "to-three" / "file").read_text() == "changed" and (folders[2] / "file").read_text() == "three"


PROTECTED = """
from pathlib import Path
from workbench.data.own_copy import copy_to_change
assert copy_to_change(Path("data"), Path("copy")) == []
for name in ("latest/a", "v3/new", "out", "deep/out", "new"):
    Path("copy", name).write_text("changed")
"""


def test_protected_data_is_copied_to_be_written(here: Path) -> None:
    (here / "data" / "v3").mkdir(parents=True)
    (here / "data" / "deep").mkdir()
    for name in ("data/v3/a", "beside"):
        (here / name).write_text("original")
    for link, text in (("latest", "v3"), ("out", "../beside"), ("deep/out", here / "beside")):
        (here / "data" / link).symlink_to(text)
    for path in ("data/v3/a", "beside", "data/v3", "data/deep", "data"):
        (here / path).chmod(0o444 if path in ("data/v3/a", "beside") else 0o555)
    done = subprocess.run(
        [*without_override(), sys.executable, "-c", PROTECTED], cwd=here, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (here / "data" / "v3" / "a").read_text() == (here / "beside").read_text() == "original"
    assert (here / "data" / "deep").stat().st_mode & 0o777 == 0o555


def test_links_to_what_holds_nothing_stay(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.mkfifo(tmp_path / "pipe")
    (data / "null").symlink_to("/dev/null")
    (data / "pipe").symlink_to("../pipe")
    assert copy_to_change(data, copy := tmp_path / "copy") == []
    assert os.readlink(copy / "null") == "/dev/null" and (copy / "pipe").is_symlink()
