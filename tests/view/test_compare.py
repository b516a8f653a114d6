"""Runs side by side: what differs, by how much, and whether a repetition came out the same."""

from pathlib import Path

import pytest
from workbench.view.compare import Comparison, code_differences, compare, to_json_dict
from workbench.view.reproduction import reproduction
from workbench_store.errors import NotFound, UsageError
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.snapshot import take_snapshot
from workbench_store.store import Store
from workbench_store.workspace import open_workspace


@pytest.fixture
def layout(here: Path) -> WorkspaceLayout:
    return open_workspace()


def make(
    layout: WorkspaceLayout,
    name: str,
    *,
    params: dict[str, object] | None = None,
    metrics: dict[str, float] | None = None,
    state: str = "Completed",
    outputs: dict[str, str] | None = None,
    snapshot: str | None = None,
) -> None:
    files = layout.run(name)
    files.journals.mkdir(parents=True)
    writer = JournalWriter(files.journals, "script")
    writer.event("run", name=name, id=name, kind="script", experiment="e", command="train", created=1.0)
    writer.event("params", params=params or {})
    if snapshot is not None:
        writer.event("snapshot", snapshot=snapshot, files=1, bytes=1, upstream_hash="u", excluded={})
    for key, value in (metrics or {}).items():
        writer.points(1.0, 0, (key,), (value + 1.0,))
        writer.points(2.0, 1, (key,), (value,))
    for path, hash in (outputs or {}).items():
        writer.event("artifact", path=path, kind="output", size=1, hash=hash)
    writer.event("state", state=state, generation=1, judged=False, seq=1, seconds=2.0)
    writer.close()


def rows(found: Comparison, *, everything: bool = False) -> dict[str, tuple[object, ...]]:
    kept = found.rows if everything else found.differing
    return {f"{row.kind}.{row.name}": tuple(cell.value for cell in row.cells) for row in kept}


def test_only_what_differs_is_shown_and_numbers_have_differences(layout: WorkspaceLayout) -> None:
    make(layout, "a", params={"lr": 0.1, "seed": 1}, metrics={"loss": 0.5, "same": 1.0})
    make(layout, "b", params={"lr": 0.2, "seed": 1, "extra": "x"}, metrics={"loss": 0.25, "same": 1.0})
    found = compare(layout, Store(layout), ["a", "b"])
    assert rows(found) == {"param.lr": (0.1, 0.2), "param.extra": (None, "x"), "metric.loss": (0.5, 0.25)}
    deltas = {row.name: [cell.delta for cell in row.cells] for row in found.differing}
    assert deltas == {"lr": [None, 0.1], "extra": [None, None], "loss": [None, -0.25]}
    assert rows(found, everything=True)["param.seed"] == (1, 1)
    assert rows(found, everything=True)["run.state"] == ("Completed", "Completed")


def test_another_baseline_and_another_figure(layout: WorkspaceLayout) -> None:
    for number, name in enumerate("abc"):
        make(layout, name, metrics={"loss": float(number)})
    found = compare(layout, Store(layout), ["a", "b", "c"], baseline="c", which="max")
    (loss,) = [row for row in found.rows if row.name == "loss"]
    assert [cell.value for cell in loss.cells] == [1.0, 2.0, 3.0]
    assert [cell.delta for cell in loss.cells] == [-2.0, -1.0, None]
    told = to_json_dict(found, everything=False)
    assert told["baseline"] == "c" and told["runs"] == ["a", "b", "c"]


def test_what_is_not_a_number_is_the_same_as_itself(layout: WorkspaceLayout) -> None:
    make(layout, "a", metrics={"loss": float("nan"), "top": float("inf")})
    make(layout, "b", metrics={"loss": float("nan"), "top": float("inf")})
    make(layout, "c", metrics={"loss": 1.0, "top": float("-inf")})
    store = Store(layout)
    assert rows(compare(layout, store, ["a", "b"])) == {}
    differing = compare(layout, store, ["a", "c"]).differing
    assert {row.name for row in differing} == {"loss", "top"}


def test_wrong_calls_are_named(layout: WorkspaceLayout) -> None:
    make(layout, "a")
    make(layout, "b")
    store = Store(layout)
    store.refresh()
    for names, baseline in ((["a"], None), (["a", "a"], None), (["a", "b"], "c")):
        with pytest.raises(UsageError):
            compare(layout, store, names, baseline=baseline)
    with pytest.raises(NotFound):
        compare(layout, store, ["a", "nothing"])


def test_code_is_compared_file_by_file_and_line_by_line(layout: WorkspaceLayout, here: Path) -> None:
    src = here / "src"
    src.mkdir()
    (src / "train.py").write_text("one\ntwo\n")
    (src / "gone.py").write_text("x\n")
    (src / "data.bin").write_bytes(b"\xff\xfe\x00")
    make(layout, "a", snapshot=take_snapshot(layout, src).id)
    (src / "train.py").write_text("one\n2\n")
    (src / "gone.py").unlink()
    (src / "new.py").write_text("y\n")
    (src / "data.bin").write_bytes(b"\xff\xfe\x01")
    make(layout, "b", snapshot=take_snapshot(layout, src).id)
    store = Store(layout)
    store.refresh()
    found = code_differences(layout, store, "a", "b")
    assert [(one.path, one.change) for one in found] == [
        ("data.bin", "changed"),
        ("gone.py", "removed"),
        ("new.py", "added"),
        ("train.py", "changed"),
    ]
    assert found[0].lines == ()
    assert found[3].lines[2:] == ("@@ -1,2 +1,2 @@", " one", "-two", "+2")


def test_a_repetition_is_told_thing_by_thing(layout: WorkspaceLayout) -> None:
    make(layout, "a", metrics={"loss": 0.5}, outputs={"outputs/model": "h1", "outputs/log": "h2"})
    make(layout, "b", metrics={"loss": 0.5000001}, outputs={"outputs/model": "h1", "outputs/log": "h3"})
    store = Store(layout)
    store.refresh()
    told = {(one.kind, one.name): one.same for one in reproduction(layout, store, "a", "b")}
    assert told == {
        ("run", "state"): True,
        ("metric", "loss"): False,
        ("output", "outputs/log"): False,
        ("output", "outputs/model"): True,
    }
    near = reproduction(layout, store, "a", "b", tolerance=1e-3)
    assert {one.name for one in near if not one.same} == {"outputs/log"}
