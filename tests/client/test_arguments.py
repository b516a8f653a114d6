"""What may be passed to the functions of a script: what is right is kept as given, what is wrong is named."""

import math
import os
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from workbench.client.active_run import ActiveRun
from workbench_store.errors import UsageError
from workbench_store.layout import WorkspaceLayout
from workbench_store.store import Store

import workbench
from tests.client.scripts import run_script


def store_of(run: ActiveRun) -> Store:
    store = Store(WorkspaceLayout(run.path.parent.parent))
    store.refresh()
    return store


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1, 1.0),
        (True, 1.0),
        (10**400, math.inf),
        (-(10**400), -math.inf),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
        (numpy.float16(0.5), 0.5),
        (numpy.uint8(255), 255.0),
        (numpy.bool_(True), 1.0),
        (numpy.array([[3.0]]), 3.0),
        (-0.0, 0.0),
        (5e-324, 5e-324),
    ],
    ids=str,
)
def test_anything_that_is_one_number_is_kept(run: ActiveRun, value: Any, kept: float) -> None:
    run.log({"k": value})
    assert store_of(run).series(run.name, "k").values == [kept]


class Broken:
    def __float__(self) -> float:
        raise ValueError("no")


@pytest.mark.parametrize(
    "value", ["1.0", b"1", None, 1j, [1.0], {"a": 1}, numpy.array([1.0, 2.0]), numpy.array([]), Broken(), object()]
)
def test_what_is_not_one_number_is_refused_with_its_key(run: ActiveRun, value: Any) -> None:
    with pytest.raises(UsageError, match="the-key"):
        run.log({"fine": 1.0, "the-key": value})
    assert store_of(run).metrics(run.name) == []


@pytest.mark.parametrize("step", [-1, 2**63, 1.5, math.nan, math.inf, "1", None.__class__, [1]])
def test_what_is_no_step_is_refused(run: ActiveRun, step: Any) -> None:
    with pytest.raises(UsageError, match="step"):
        run.log({"k": 1.0}, step=step)


@pytest.mark.parametrize("step", [0, 2**63 - 1, 7.0, True, numpy.int32(5)])
def test_what_counts_is_a_step(run: ActiveRun, step: Any) -> None:
    run.log({"k": 1.0}, step=step)
    assert store_of(run).series(run.name, "k").steps == [int(step)]


@pytest.mark.parametrize("name", ["", "x" * 251, "a\nb", "\x1b[31m", "\ud800", "a\x00", "\u202eevil", 3, None])
def test_names_that_cannot_be_shown_are_refused_everywhere(run: ActiveRun, name: Any) -> None:
    for call in (run.log, run.log_params, run.set_tags):
        with pytest.raises(UsageError):
            call({name: 1})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.text(st.characters()) | st.integers() | st.none(), st.floats() | st.text() | st.none()),
    st.none() | st.integers() | st.floats() | st.text(),
)
@example({f"k{number}": 1.0 for number in range(70_000)}, 0)
def test_nothing_but_a_usage_error_comes_of_log(run: ActiveRun, metrics: Any, step: Any) -> None:
    calls: list[Callable[[], None]] = [
        lambda: run.log(metrics, step),
        lambda: run.log_params(metrics),
        lambda: run.set_tags(metrics),
    ]
    for call in calls:
        try:
            call()
        except UsageError as error:
            assert error.message


def test_a_thousand_metrics_at_once_are_kept(run: ActiveRun) -> None:
    run.log({f"k{number}": number for number in range(1000)}, step=3)
    found = store_of(run).metrics(run.name)
    assert {one.key: (one.last, one.last_step) for one in found} == {
        f"k{number}": (float(number), 3) for number in range(1000)
    }


def test_more_text_than_a_record_takes_is_kept(run: ActiveRun) -> None:
    params = {f"p{number}": "🦉" * 10_000 for number in range(300)}
    run.log_params(params)
    assert store_of(run).params(run.name) == params


def test_a_tag_of_endless_text_is_refused(run: ActiveRun) -> None:
    with pytest.raises(UsageError, match="novel"):
        run.set_tags({"novel": "x" * 20_000_000})


def test_parameters_keep_their_types_and_are_flattened(run: ActiveRun) -> None:
    given_params = {
        "a": {"b": 1, "c": {"d": "x"}},
        "t": True,
        "n": None,
        "f": numpy.float32(0.5),
        "l": [1, "2"],
        'q"': "'",
    }
    run.log_params(given_params)
    run.log_params({"t": False})
    assert store_of(run).params(run.name) == {
        **{"a.b": 1, "a.c.d": "x", "t": False, "n": None},
        **{"f": 0.5, "l": "[1, '2']", 'q"': "'"},
    }


def test_metrics_without_a_step_count_by_themselves(run: ActiveRun) -> None:
    for metrics in ({"a": 1.0}, {"a": 2.0, "b": 9.0}, {"b": 8.0}):
        run.log(metrics)
    store = store_of(run)
    assert (store.series(run.name, "a").steps, store.series(run.name, "a").values) == ([0, 1], [1.0, 2.0])
    assert (store.series(run.name, "b").steps, store.series(run.name, "b").values) == ([0, 1], [9.0, 8.0])


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "../escape"},
        {"name": "a/b"},
        {"name": ""},
        {"name": "-x"},
        {"name": "x" * 256},
        {"name": "ü"},
        {"experiment": ""},
        {"experiment": "a\nb"},
        {"system_metrics": 0},
        {"system_metrics": -1.0},
        {"params": [1]},
        {"tags": {"k": object()}},
        {"description": object()},
        {"display_name": 5},
    ],
    ids=lambda arguments: "-".join(arguments),
)
def test_a_run_that_is_asked_for_wrongly_is_not_made(here: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        workbench.start_run(**arguments)
    assert not list(here.glob(".workbench/runs/*"))


@pytest.mark.parametrize("launched", [False, True])
def test_a_name_is_given_once(here: Path, monkeypatch: pytest.MonkeyPatch, launched: bool) -> None:
    with workbench.start_run(name="taken", system_metrics=False):
        pass
    if launched:
        monkeypatch.setenv("RANK", "0")
    with pytest.raises(UsageError, match="taken") as caught:
        workbench.start_run(name="taken")
    assert ("open it at rank 0 alone" in str(caught.value.remedy)) is launched, "another rank may have made it"
    assert [path.name for path in (here / ".workbench" / "runs").iterdir()] == ["taken"]


def test_one_run_at_a_time(run: ActiveRun) -> None:
    with pytest.raises(UsageError, match=run.name):
        workbench.start_run()


@pytest.mark.parametrize("place", ["../out", "/tmp", "a/../../out", ".."])
def test_an_artifact_stays_inside_the_outputs(run: ActiveRun, here: Path, place: str) -> None:
    (here / "file").write_text("x")
    (here / "folder").mkdir()
    with pytest.raises(UsageError, match="leads out"):
        run.log_artifact("file", place)
    with pytest.raises(UsageError, match="leads out"):
        run.log_artifacts("folder", place)
    assert store_of(run).artifacts(run.name) == []


def test_a_folder_is_saved_with_all_its_files_and_nothing_else(
    run: ActiveRun, here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = here / "folder"
    (folder / "sub").mkdir(parents=True)
    names = ["plain", "sub/with space", "sub/ünïcode", "sub/it's", os.fsdecode(b"sub/\xff"), "sub/" + "長" * 84]
    for number, name in enumerate(names):
        (folder / name).write_bytes(b"x" * number)
    (folder / "loop").symlink_to(folder)
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    run.log_artifacts(str(folder), "kept")
    saved = run.path / "outputs" / "kept"
    assert {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()} == set(names)
    told = capfd.readouterr().err
    assert all(f"cannot save {folder / name}: it is" in told for name in ("loop", "link", "pipe")), told
    assert told.count("cannot save") == 3
    assert sorted(artifact.size for artifact in store_of(run).artifacts(run.name)) == list(range(len(names)))


def test_a_folder_that_holds_the_workspace_is_saved_without_it(run: ActiveRun, here: Path) -> None:
    (here / "sub").mkdir()
    for name in ("a", "sub/b"):
        (here / name).write_text(name)
    run.log_artifact("a")
    for _ in range(3):
        run.log_artifacts(".", "all")
        run.log_artifacts(".")
    saved = run.path / "outputs"
    files = {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()}
    assert files == {"a", "sub/b", "all/a", "all/sub/b"}


def test_a_link_to_a_file_in_the_folder_is_saved_as_that_file(run: ActiveRun, here: Path) -> None:
    folder = here / "checkpoints"
    folder.mkdir()
    (folder / "step-9").write_text("weights")
    (folder / "latest").symlink_to("step-9")
    run.log_artifacts("checkpoints")
    assert (run.path / "outputs" / "latest").read_text() == "weights"
    assert {one.path for one in store_of(run).artifacts(run.name)} == {"outputs/step-9", "outputs/latest"}


def test_the_outputs_are_saved_into_themselves_once(run: ActiveRun) -> None:
    outputs = run.path / "outputs"
    (outputs / "deep").mkdir(parents=True, exist_ok=True)
    (outputs / "deep" / "a").write_text("a")
    for _ in range(3):
        run.log_artifacts(str(outputs), "kept/here")
        run.log_artifacts(str(outputs))
    files = {str(path.relative_to(outputs)) for path in outputs.rglob("*") if path.is_file()}
    assert files == {"deep/a", "kept/here/deep/a"}
    assert {one.path for one in store_of(run).artifacts(run.name)} == {f"outputs/{name}" for name in files}


@pytest.mark.parametrize("path", ["nowhere", "/dev/zero", "pipe"])
def test_what_is_no_file_is_a_warning(
    run: ActiveRun, here: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    os.mkfifo(here / "pipe")
    run.log_artifact(path)
    assert path in capsys.readouterr().err
    assert store_of(run).artifacts(run.name) == []


def test_an_artifact_saved_again_is_the_newer_one(run: ActiveRun, here: Path) -> None:
    for text in ("old", "newer"):
        (here / "file").write_text(text)
        run.log_artifact("file", "sub/folder")
    (artifact,) = store_of(run).artifacts(run.name)
    assert (artifact.path, artifact.size) == ("outputs/sub/folder/file", 5)
    assert (run.path / artifact.path).read_text() == "newer"


@pytest.mark.parametrize(
    "call",
    [
        "run.log_artifact(None)",
        "run.log_artifact(b'a')",
        "run.log_artifact('a\\0b')",
        "run.log_artifact('a', 3)",
        "run.log_artifacts(None)",
        "d = {}; d['d'] = d; run.log_params(d)",
        "run.log_params({'bad': Bad()})",
        "run.end(); run.log({'x': 1})",
        "run.end(); run.log_params({'x': 1})",
        "run.end(); run.log_artifact('a')",
    ],
)
def test_wrong_calls_end_in_one_kind_of_error(here: Path, call: str) -> None:
    code = f"""
import workbench
from workbench_store.errors import UsageError
class Bad:
    def __str__(self): raise RuntimeError("no")
run = workbench.start_run()
try:
    {call}
except UsageError as error:
    print("refused:", error)
"""
    done = run_script(here, code)
    assert done.returncode == 0 and "refused:" in done.stdout, done.stderr


def test_numbers_are_names_in_what_is_nested(run: ActiveRun) -> None:
    run.log_params({"class_weight": {0: 1.0, 1: {True: 2.0, 0.5: 3.0}}})
    with pytest.raises(UsageError, match="parameter 0 is not text but int"):
        run.log_params({0: 1.0})  # type: ignore[dict-item]
    found = store_of(run).params(run.name)
    assert found == {"class_weight.0": 1.0, "class_weight.1.True": 2.0, "class_weight.1.0.5": 3.0}


def test_tags_take_numbers_of_numpy_paths_and_dates(run: ActiveRun) -> None:
    run.set_tags({"f": numpy.float32(0.5), "n": numpy.int64(3), "p": Path("a/b"), "d": date(2026, 1, 2)})
    with pytest.raises(UsageError, match="the value of tag 'none' is not text but NoneType"):
        run.set_tags({"none": None})
    assert store_of(run).run(run.name).tags == {"f": "0.5", "n": "3", "p": "a/b", "d": "2026-01-02"}
