"""Runs side by side: what differs, by how much, and whether a repetition came out the same."""

import json
import math
from pathlib import Path

import pytest
from workbench.data.fingerprint import stat_fingerprint
from workbench.data.hashing import content_hash
from workbench.view.compare import Comparison, code_differences, compare, to_json_dict
from workbench.view.compared_text import value_texts
from workbench.view.reproduction import in_all, reproduction
from workbench_store.errors import NotFound, UsageError
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.snapshot import take_snapshot
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

import workbench

pytestmark = pytest.mark.slow


@pytest.fixture
def layout(here: Path) -> WorkspaceLayout:
    return open_workspace()


def make(
    layout: WorkspaceLayout,
    name: str,
    *,
    params: dict[str, object] | None = None,
    metrics: dict[str, float] | None = None,
    series: dict[str, list[float]] | None = None,
    state: str = "Completed",
    end: dict[str, object] | None = None,
    outputs: dict[str, str] | None = None,
    snapshot: str | None = None,
    inputs: dict[str, list[tuple[Path, str]]] | None = None,
    ranks: dict[int, dict[str, float]] | None = None,
) -> None:
    """A run by its journals. `inputs`: place and fingerprint of each, as they were recorded one after the other."""
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
    for key, points in (series or {}).items():
        for step, value in enumerate(points):
            writer.points(2.0 + step, step, (key,), (value,))
    for key, seen in (inputs or {}).items():
        for place, fingerprint in seen:
            writer.event("input", name=key, type="uri_file", path=str(place), fingerprint=fingerprint)
    for path, hash in (outputs or {}).items():
        writer.event("artifact", path=path, kind="output", size=1, hash=hash)
    writer.event("state", **{"state": state, "generation": 1, "judged": False, "seq": 1, "seconds": 2.0, **(end or {})})
    writer.close()
    for rank, values in (ranks or {}).items():
        other = JournalWriter(files.journals, "client", rank=rank)
        for key, value in values.items():
            other.points(2.0, 1, (key,), (value,))
        other.close()


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


def test_how_a_job_got_its_data_is_compared_and_where_it_was_is_not(layout: WorkspaceLayout) -> None:
    ways = {"a": {"type": "mltable", "mode": "eval_mount"}, "b": {"type": "mltable", "mode": "ro_mount"}}
    for name, way in ways.items():
        make(layout, name)
        inputs = {"data": {**way, "path": f"/data/{name}"}, "lr": 0.1}
        layout.run(name).spec.write_text(json.dumps({"command": "train", "inputs": inputs}))
    found = compare(layout, Store(layout), ["a", "b"])
    assert rows(found) == {"spec.inputs.data.mode": ("eval_mount", "ro_mount")}
    assert rows(found, everything=True)["spec.inputs.data.type"] == ("mltable", "mltable")
    assert "spec.inputs.data.path" not in rows(found, everything=True)


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


def test_every_rank_is_compared_with_its_own(layout: WorkspaceLayout) -> None:
    make(layout, "a", metrics={"loss": 0.5}, ranks={1: {"loss": 1.0, "only": 1.0}, 2: {"loss": 3.0}})
    make(layout, "b", metrics={"loss": 0.5}, ranks={1: {"loss": 2.0, "only": 1.0}, 2: {"loss": 3.0}})
    found = reproduction(layout, Store(layout), "a", "b")
    told = {(one.name, one.rank): one.same for one in found if one.kind == "metric"}
    assert told == {("loss", 0): True, ("loss", 1): False, ("loss", 2): True, ("only", 1): True}
    assert rows(compare(layout, Store(layout), ["a", "b"])) == {}


def repeated(layout: WorkspaceLayout, tolerance: float = 0.0) -> dict[str, tuple[bool | None, int | None]]:
    """What a reproduction says of the runs `a` and `b`, and from which step on."""
    found = reproduction(layout, Store(layout), "a", "b", tolerance=tolerance)
    return {one.name: (one.same, one.step) for one in found if one.kind != "run" or one.same is False}


@pytest.mark.parametrize(
    ("before", "after", "parted"),
    [
        ([1.0, 2.0, 0.5], [1.0, 2.0, 0.5], None),
        ([1.0, 2.0, 0.5], [1.0, 9.0, 0.5], 1),
        ([1.0] * 50, [1.0] * 3, 3),
        ([1.0], [1.0, 1.0], 1),
        ([math.nan, math.inf], [math.nan, math.inf], None),
        ([math.nan, 1.0], [0.0, 1.0], 0),
    ],
)
def test_every_point_of_a_metric_is_to_be_the_same(
    layout: WorkspaceLayout, before: list[float], after: list[float], parted: int | None
) -> None:
    make(layout, "a", series={"loss": before})
    make(layout, "b", series={"loss": after})
    assert repeated(layout) == {"loss": (parted is None, parted)}


def test_points_within_the_tolerance_are_the_same(layout: WorkspaceLayout) -> None:
    make(layout, "a", series={"loss": [1.0, 2.0]})
    make(layout, "b", series={"loss": [1.0, 2.0001]})
    assert repeated(layout, 1e-3) == {"loss": (True, None)} and repeated(layout, 1e-6) == {"loss": (False, 1)}


def test_how_the_command_ended_is_to_be_the_same(layout: WorkspaceLayout) -> None:
    make(layout, "a", end={"state": "Failed", "exit_code": 3})
    make(layout, "b", end={"state": "Failed", "signal": "SIGKILL"})
    (told,) = [one for one in reproduction(layout, Store(layout), "a", "b") if not one.same]
    assert (told.name, told.before, told.after) == ("exit code", 3, "SIGKILL")


def test_a_parameter_that_is_called_as_its_run_is_the_same(layout: WorkspaceLayout) -> None:
    make(layout, "train", params={"split": "train", "flag": True, "gone": None, "own": "train"})
    make(layout, "b", params={"split": "train", "flag": 1, "own": "b"})
    found = reproduction(layout, Store(layout), "train", "b")
    told = {one.name: one.same for one in found if one.kind == "param"}
    assert told == {"split": True, "flag": False, "gone": False, "own": True}


def test_parameters_are_to_be_the_same_but_for_the_runs_own_folder(layout: WorkspaceLayout) -> None:
    make(layout, "a", params={"seed": 1, "out": str(layout.run("a").outputs)})
    make(layout, "b", params={"seed": 2, "out": str(layout.run("b").outputs)})
    assert repeated(layout) == {"seed": (False, None), "out": (True, None)}


def log_media(name: str, text: str, cell: int, pages: str) -> None:
    with workbench.start_run(name=name, system_metrics=False, console=False) as run:
        run.log_text("note", "first", step=0)
        run.log_text("note", text, step=1)
        run.log_table("table", {"x": [cell]}, step=0)
        for number in range(len(pages)):
            run.log_text("pages", pages[number], step=number)


def test_media_are_to_be_the_same(here: Path) -> None:
    log_media("a", "same", 1, "xyz")
    log_media("b", "other", 2, "xy")
    assert repeated(open_workspace()) == {"note": (False, 1), "table": (False, 0), "pages": (False, 2)}
    log_media("c", "same", 1, "xyz")
    told = reproduction(open_workspace(), Store(open_workspace()), "a", "c")
    assert in_all(told) is True and {one.name for one in told} >= {"note", "table", "pages"}


def test_of_media_it_is_told_how_many_there_are() -> None:
    assert value_texts("text", "note", [1, 3]) == ["1 text", "3 texts"]


def test_media_whose_file_is_gone_are_not_known_to_be_the_same(here: Path) -> None:
    for name in "ab":
        with workbench.start_run(name=name, system_metrics=False, console=False) as run:
            run.log_table("table", {"x": [1]}, step=3)
    for file in (open_workspace().run("b").root / "media").rglob("*.json"):
        file.unlink()
    assert repeated(open_workspace()) == {"table": (None, 3)}


def data(here: Path, text: str) -> tuple[Path, str]:
    """A file of that content, and its fingerprint by size and time."""
    place = here / "data.csv"
    place.write_text(text)
    return place, stat_fingerprint(place)


def hashed(place: Path) -> tuple[Path, str]:
    """The file, and its fingerprint by content."""
    return place, f"xxh3-128:{content_hash(place)}"


def same_input(layout: WorkspaceLayout) -> bool | None:
    """What a reproduction, and a comparison, say of the input of the runs `a` and `b`."""
    (one,) = [one for one in reproduction(layout, Store(layout), "a", "b") if one.kind == "input"]
    (row,) = [row for row in compare(layout, Store(layout), ["a", "b"]).rows if row.kind == "input"]
    assert row.differs is (None if one.same is None else not one.same)
    assert [cell.unknown for cell in row.cells] == [False, one.same is None]
    return one.same


def test_data_that_was_not_hashed_is_compared_by_sizes_and_times(layout: WorkspaceLayout, here: Path) -> None:
    make(layout, "a", inputs={"d": [data(here, "one")]})
    make(layout, "b", inputs={"d": [data(here, "other")]})
    assert same_input(layout) is False


def test_data_that_is_as_it_was_is_the_same_hashed_or_not(layout: WorkspaceLayout, here: Path) -> None:
    seen = data(here, "one")
    make(layout, "a", inputs={"d": [seen, hashed(seen[0])]})
    make(layout, "b", inputs={"d": [seen]})
    assert same_input(layout) is True


def test_data_that_was_not_hashed_is_hashed_now_if_it_is_as_it_was(layout: WorkspaceLayout, here: Path) -> None:
    make(layout, "a", inputs={"d": [(seen := data(here, "one")), hashed(seen[0])]})
    make(layout, "b", inputs={"d": [data(here, "other")]})
    assert same_input(layout) is False


def test_data_that_nobody_can_hash_any_more_is_not_known(layout: WorkspaceLayout, here: Path) -> None:
    make(layout, "a", inputs={"d": [data(here, "one")]})
    make(layout, "b", inputs={"d": [(seen := data(here, "other")), hashed(seen[0])]})
    assert same_input(layout) is None
    assert in_all(reproduction(layout, Store(layout), "a", "b")) is None
    told = to_json_dict(compare(layout, Store(layout), ["a", "b"]), everything=False)
    assert [row["differs"] for row in told["rows"]] == [None]  # type: ignore[attr-defined]


def test_a_look_that_was_cut_short_tells_nothing(layout: WorkspaceLayout, here: Path) -> None:
    place, stat = data(here, "one")
    make(layout, "a", inputs={"d": [(place, stat + "+")]})
    make(layout, "b", inputs={"d": [(place, stat + "+")]})
    assert same_input(layout) is None


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("metric", 1_800_000_000.0, 1_800_000_001.0),
        ("metric", 0.5, 0.5000001),
        ("metric", 2_500_000.0, 2_500_001.5),
        ("param", "x" * 60 + "a", "x" * 60 + "b"),
        ("input", f"/data/{'long/' * 20}one", f"/data/{'long/' * 20}two"),
        ("code", "0123456789abc", "0123456789abd"),
    ],
)
def test_values_that_differ_look_different(kind: str, one: object, other: object) -> None:
    texts = value_texts(kind, "n", [one, other, one])
    assert texts[0] != texts[1] and texts[0] == texts[2] and max(map(len, texts)) <= 40
