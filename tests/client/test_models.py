"""A model is copied whole, with its card; a model of the same name takes its place; a wrong name is refused."""

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy
import pytest
from workbench.client.active_run import ActiveRun
from workbench.lifecycle.media_files import export_media
from workbench.view.media import Table, media_item, media_steps
from workbench_store.errors import UsageError
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.records import ArtifactRecord
from workbench_store.store import Store

from workbench import PyTorchDistribution, Workspace, command


def artifacts(run: ActiveRun) -> dict[str, ArtifactRecord]:
    store = Store(WorkspaceLayout(run.path.parent.parent))
    store.refresh()
    return {one.path: one for one in store.artifacts(run.name)}


def make(place: Path, **files: str) -> Path:
    for name, text in files.items():
        path = place / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place


def test_a_folder_and_its_card(run: ActiveRun, here: Path) -> None:
    model = make(here / "model", weights="xxx", sub__config="y")
    (model / "link").symlink_to("/etc/passwd")
    os.mkfifo(model / "pipe")
    run.log_model(model, "net", flavor="torch", metadata={"classes": 3})
    found = artifacts(run)
    assert {path: (one.kind, one.size) for path, one in found.items() if "card" not in path and "json" not in path} == {
        "outputs/models/net": ("model", 4),
        "outputs/models/net/weights": ("logged", 3),
        "outputs/models/net/sub/config": ("logged", 1),
    }
    card = json.loads((run.path / "outputs/models/net.model.json").read_text())
    assert (card["name"], card["flavor"], card["metadata"]) == ("net", "torch", {"classes": 3})
    assert (card["files"], card["bytes"]) == (2, 4)


def test_a_model_logged_again_takes_the_others_place(run: ActiveRun, here: Path) -> None:
    run.log_model(make(here / "one", old="1", both="1"), "net")
    run.log_model(make(here / "two", both="22"), "net")
    folder = run.path / "outputs" / "models"
    assert {path.name for path in folder.iterdir()} == {"net", "net.model.json"}
    assert {path.name: path.read_text() for path in (folder / "net").iterdir()} == {"both": "22"}
    found = artifacts(run)
    assert found["outputs/models/net"].size == 2
    assert {path for path in found if path.startswith("outputs/models/net/")} == {"outputs/models/net/both"}
    rows = Workspace(here).query("SELECT path, size FROM artifacts WHERE path LIKE '%/net/%'").rows()
    assert rows == [("outputs/models/net/both", 2)]
    run.log_model(make(here / "three", old="333"), "net")
    assert artifacts(run)["outputs/models/net/old"].size == 3


def test_the_models_of_all_steps_are_kept_and_listed(run: ActiveRun, here: Path) -> None:
    run.log({"loss": 1.0}, step=0)
    for step in (0, 10, 20, 20):
        made = make(here / f"at-{step}", weights="w" * (step + 1), sub__config="c")
        run.log_model(made, "net", step, flavor="torch", metadata={"epoch": step})
        run.log_model(made, "last")
    folder = run.path / "outputs" / "models"
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"net@0", "net@10", "net@20", "last"}
    assert (folder / "net@10" / "weights").read_text() == "w" * 11
    card = json.loads((folder / "net@10.model.json").read_text())
    assert (card["name"], card["step"], card["metadata"]) == ("net", 10, {"epoch": 10})
    saved = artifacts(run)["outputs/models/net@10"]
    assert (saved.kind, saved.size) == ("model", 12)
    layout = WorkspaceLayout(run.path.parent.parent)
    store = Store(layout)
    store.refresh()
    found = {one.key: media_steps(store, run.name, one) for one in store.media_keys(run.name)}
    assert [one.step for one in found["net"]] == [0, 10, 20, 20] and [one.step for one in found["last"]] == [0, 1, 2, 3]
    item = media_item(layout, store, run.name, found["net"][1])
    assert isinstance(item.content, Table) and item.content.rows == (("sub/config", 1), ("weights", 11))
    assert item.record.caption == "torch, outputs/models/net@10" and item.record.size == 12
    export_media(layout.run(run.name), store.media(run.name), here / "export")
    assert (here / "export" / "model" / "net" / "00000010.csv").read_text().split() == [
        "file,bytes",
        "sub/config,1",
        "weights,11",
    ]


def test_the_models_of_each_rank_are_kept_apart(here: Path) -> None:
    (here / "train.py").write_text(OF_RANKS)
    job = command(
        command=f"{sys.executable} train.py",
        code="./train.py",
        distribution=PyTorchDistribution(process_count_per_instance=2),
    )
    workspace = Workspace()
    run = workspace.submit(job)
    assert str(run.wait(60)) == "Completed", run.logs()
    models = run.files.root / "outputs" / "models"
    shards = {path.parent.name: path.name for path in models.rglob("*.shard")}
    assert shards == {"net": "0.shard", "net@r1": "1.shard", "net@5": "0.shard", "net@5-r1": "1.shard"}
    for name in ("net@r1", "net@5-r1"):
        assert json.loads((models / f"{name}.model.json").read_text())["rank"] == 1
    store = Store(workspace.layout)
    store.refresh()
    listed = {one.path for one in store.artifacts(run.name) if one.path.endswith(".shard")}
    assert listed == {f"outputs/models/{folder}/{name}" for folder, name in shards.items()}
    assert sorted((one.rank, one.step, one.content["rows"][0][0]) for one in store.media(run.name)) == [
        *((0, 0, "0.shard"), (0, 5, "0.shard"), (1, 0, "1.shard"), (1, 5, "1.shard"))
    ]


OF_RANKS = """
import os, tempfile, workbench
rank = os.environ["RANK"]
place = tempfile.mkdtemp()
open(os.path.join(place, rank + ".shard"), "w").write(rank)
workbench.log_model(place, "net")
workbench.log_model(place, "net", step=5)
"""


def test_a_model_of_many_files_is_listed_by_the_largest(run: ActiveRun, here: Path) -> None:
    run.log_model(make(here / "shards", **{f"f{number:03}": "x" * (1 + number % 300) for number in range(299)}), "net")
    store = Store(WorkspaceLayout(run.path.parent.parent))
    store.refresh()
    [record] = store.media(run.name)
    assert record.detail["files"] == 299 and len(record.content["rows"]) == 200
    assert record.content["rows"][0] == ["f099", 100]


def test_a_model_in_memory_is_told_by_its_type(run: ActiveRun) -> None:
    with pytest.raises(UsageError, match="can name no file"):
        run.log_artifact("\ud800")
    with pytest.raises(UsageError, match="path is not a path but an object of type dict") as caught:
        run.log_model({"weights": [0.125] * 1000}, "net")
    assert "0.125" not in str(caught.value) and "saved to one first" in str(caught.value.remedy)


@pytest.mark.parametrize("step", ["5", 1.5])
def test_a_step_that_is_none_is_refused(run: ActiveRun, here: Path, step: Any) -> None:
    with pytest.raises(UsageError, match="step"):
        run.log_model(make(here / "model", w="1"), "net", step)
    assert artifacts(run) == {}


def test_the_card_of_the_same_model_is_the_same(run: ActiveRun, here: Path) -> None:
    run.log_model(make(here / "one", weights="1"), "net", metadata={"classes": 3})
    card = (run.path / "outputs/models/net.model.json").read_text()
    run.log_model(here / "one", "net", metadata={"classes": 3})
    assert (run.path / "outputs/models/net.model.json").read_text() == card


def test_a_model_that_cannot_take_the_place_leaves_the_one_before(
    run: ActiveRun, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.log_model(make(here / "model", weights="first"), "net")
    rename = os.rename

    def failing(source: str, target: str) -> None:
        if source.endswith(".part"):
            raise OSError("the disk is gone")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    run.log_model(make(here / "model", weights="second"), "net")
    models = run.path / "outputs" / "models"
    assert (models / "net" / "weights").read_text() == "first"
    assert sorted(path.name for path in models.iterdir()) == ["net", "net.model.json"]


def test_a_file_and_a_model_that_is_in_its_place(run: ActiveRun, here: Path) -> None:
    (here / "model.pkl").write_text("pickle")
    run.log_model("model.pkl", "pkl")
    assert (run.path / "outputs/models/pkl/model.pkl").read_text() == "pickle"
    made = make(run.path / "outputs/models/own", weights="w")
    run.log_model(made, "own")
    assert artifacts(run)["outputs/models/own"].kind == "model" and (made / "weights").read_text() == "w"
    with pytest.raises(UsageError, match="into itself"):
        run.log_model(run.path / "outputs", "all")


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a.model.json", "x" * 201, 5, None, "ü"])
def test_a_name_that_is_none_is_refused(run: ActiveRun, here: Path, name: Any) -> None:
    with pytest.raises(UsageError, match="model name"):
        run.log_model(make(here / "model", w="1"), name)
    assert artifacts(run) == {}


def test_metadata_takes_what_the_other_calls_take(run: ActiveRun, here: Path) -> None:
    given = {
        **{"acc": numpy.float32(0.5), "n": numpy.int64(3), "ok": numpy.bool_(True), "a": numpy.arange(3)},
        **{"loss": float("nan"), "best": float("-inf"), "day": date(2026, 1, 2), "at": Path("x/y"), "t": (1, {2})},
        "deep": {0: numpy.float32(0.25)},
    }
    run.log_model(make(here / "model", w="1"), "the-model", metadata=given)
    card = json.loads(RunLayout(run.path).model_card("the-model").read_text())
    assert card["metadata"] == {
        **{"acc": 0.5, "n": 3, "ok": True, "a": [0, 1, 2], "loss": "NaN", "best": "-Infinity"},
        **{"day": "2026-01-02", "at": "x/y", "t": [1, [2]], "deep": {"0": 0.25}},
    }


ENDLESS: dict[str, Any] = {}
ENDLESS["itself"] = ENDLESS


@pytest.mark.parametrize("metadata", [[1], "text", ENDLESS, numpy.float32(0.5)])
def test_metadata_that_is_no_json_is_refused(run: ActiveRun, here: Path, metadata: Any) -> None:
    with pytest.raises(UsageError, match="the-model"):
        run.log_model(make(here / "model", w="1"), "the-model", metadata=metadata)
    assert artifacts(run) == {}


def test_a_model_that_is_not_there_is_a_warning(run: ActiveRun, capsys: pytest.CaptureFixture[str]) -> None:
    run.log_model("nowhere", "net")
    assert "nowhere" in capsys.readouterr().err and artifacts(run) == {}
