"""Running a run again: its own code, inputs and environment, whatever has become of the files since."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from workbench.data.assets import list_assets
from workbench.lifecycle import rerun
from workbench.lifecycle.adding import add_named
from workbench.lifecycle.files import read_json
from workbench.lifecycle.logs import read_log
from workbench.spec import Input, Output, SpecErrors
from workbench.workspace import Workspace
from workbench_store.errors import NotFound, RunError
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch, Launched

pytestmark = pytest.mark.slow


def code(here: Path, text: str) -> Path:
    folder = here / "src"
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text(text)
    return folder


def again(run: Launched, *overrides: str) -> Launched:
    return Launched(run.layout, rerun(run.layout, run.name, overrides).name)


def test_the_snapshot_is_the_runs_own_though_the_code_has_changed(launch: Launch, here: Path) -> None:
    folder = code(here, "print('as it was')")
    first = launch(f"{sys.executable} main.py", code=str(folder), tags={"team": "vision"}, display_name="first")
    first.finish()
    code(here, "print('as it is')")
    second = again(first)
    assert second.finish() is RunState.COMPLETED
    assert read_log(second.files) == "as it was\n"
    shutil.rmtree(folder)
    third = again(first)
    assert third.finish() is RunState.COMPLETED
    workspace = Workspace(first.layout.root, create=False)
    records = [workspace.run(run.name).record() for run in (first, second, third)]
    assert len({record.snapshot for record in records}) == 1
    assert records[2].tags == {"team": "vision"} and records[2].display_name == "first"
    assert workspace.store.detail(third.name).properties["workbench.rerun_of"] == first.name


def test_what_is_set_is_all_that_changes(launch: Launch, here: Path) -> None:
    folder = code(here, "import sys; print(sys.argv[1:])")
    first = launch(
        f"{sys.executable} main.py ${{{{inputs.lr}}}} ${{{{inputs.n}}}}", code=str(folder), inputs={"lr": 0.1, "n": 3}
    )
    first.finish()
    second = again(first, "inputs.lr=0.5", "tags.kind=wide")
    assert second.finish() is RunState.COMPLETED
    assert read_log(second.files) == "['0.5', '3']\n"
    run = Workspace(first.layout.root, create=False).run(second.name)
    assert run.params == {"lr": 0.5, "n": 3} and run.tags == {"kind": "wide"}


def test_other_code_is_taken_when_it_is_named(launch: Launch, here: Path) -> None:
    first = launch(f"{sys.executable} main.py", code=str(code(here, "print('old')")))
    first.finish()
    code(here, "print('new')")
    second = again(first, f"code={here / 'src'}")
    second.finish()
    assert read_log(second.files) == "new\n"


def test_secrets_come_from_the_caller_or_are_missed_by_name(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    first = launch("echo $HF_TOKEN", environment_variables={"HF_TOKEN": "hush", "OPEN": "1"})
    first.finish()
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(RunError, match="HF_TOKEN"):
        again(first)
    monkeypatch.setenv("HF_TOKEN", "mine")
    second = again(first)
    second.finish()
    assert read_log(second.files) == "mine\n"
    assert "hush" not in (first.files.root / "spec.json").read_text()
    third = again(second)
    third.finish()
    assert read_log(third.files) == "mine\n"


def test_data_that_has_changed_since_is_told(launch: Launch, here: Path) -> None:
    data = here / "rows.csv"
    data.write_text("one\n")
    first = launch("sleep 1; cat ${{inputs.d}}", inputs={"d": Input(path=str(data), type="uri_file")})
    first.finish()
    assert rerun(first.layout, first.name).warnings == ()
    os.utime(data, (1, 1))
    assert rerun(first.layout, first.name).warnings == (), "only its time has changed"
    data.write_text("another\n")
    told = rerun(first.layout, first.name)
    assert len(told.warnings) == 1 and "rows.csv has changed" in told.warnings[0]
    (other := here / "other.csv").write_text("other")
    assert rerun(first.layout, first.name, [f"inputs.d.path={other}"]).warnings == (), "it is not read again"
    Launched(first.layout, told.name).finish()
    data.unlink()
    with pytest.raises(RunError, match=r"gone: .*rows\.csv"):
        again(first)


@pytest.mark.parametrize("override", ["inputs.zz", "nothing=1", "inputs.lr.deep=1", "limits.timeout=soon"])
def test_a_wrong_override_starts_nothing(launch: Launch, override: str) -> None:
    first = launch("echo ${{inputs.lr}}", inputs={"lr": 0.1})
    first.finish()
    before = sorted(path.name for path in first.layout.runs.iterdir())
    with pytest.raises(SpecErrors):
        again(first, override)
    assert sorted(path.name for path in first.layout.runs.iterdir()) == before


def test_a_run_of_that_name_must_have_a_job(launch: Launch, here: Path) -> None:
    import workbench

    with workbench.start_run(system_metrics=False) as run:
        pass
    layout = launch("true").layout
    with pytest.raises(RunError, match="opened by a script"):
        rerun(layout, run.name)
    with pytest.raises(NotFound):
        rerun(layout, "nothing")


def test_a_rerun_can_have_a_name_and_other_settings(launch: Launch) -> None:
    first = launch("echo $AZUREML_RUN_ID", name="first")
    first.finish()
    second = again(first, "name=second", "experiment_name=other", "limits.timeout=60")
    second.finish()
    assert second.name == "second" and read_log(second.files) == "second\n"
    assert (read_json(second.files.identity) or {})["experiment"] == "other"


def test_a_rerun_without_its_data_says_what_to_do(launch: Launch, here: Path) -> None:
    (here / "d.csv").write_text("1\n")
    first = launch("cat ${{inputs.csv}}", inputs={"csv": Input(type="uri_file", path="d.csv")})
    first.finish()
    (here / "d.csv").rename(here / "e.csv")
    with pytest.raises(RunError, match=f"the input csv of run {first.name} is gone") as caught:
        again(first)
    assert "--set inputs.csv.path=PATH" in str(caught.value.remedy)
    second = again(first, "inputs.csv.path=e.csv")
    assert second.finish() is RunState.COMPLETED and read_log(second.files) == "1\n"


def test_a_rerun_from_another_folder_is_of_the_same_experiment(
    launch: Launch, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = launch("true")
    first.finish()
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    second = again(first)
    second.finish()
    experiments = [(read_json(run.files.identity) or {})["experiment"] for run in (first, second, again(second))]
    assert experiments == [here.name] * 3


def test_relative_paths_of_what_is_set_begin_at_the_current_folder(
    launch: Launch, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = launch(f"{sys.executable} main.py", code=str(code(here, "print('old')")))
    first.finish()
    code(here, "print('new')")
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    second = again(first, "code=../src")
    second.finish()
    assert read_log(second.files) == "new\n"


@pytest.mark.parametrize("given", ["azureml:D@latest", "azureml:D:1"])
def test_an_asset_is_of_the_version_that_the_run_had(
    launch: Launch, layout: WorkspaceLayout, here: Path, given: str
) -> None:
    def add(text: str) -> None:
        (here / text).write_text(text)
        add_named(layout, "data", "D", str(here / text))

    add("old")
    first = launch("cat ${{inputs.d}}", inputs={"d": Input(type="uri_file", path=given)})
    first.finish()
    add("new")
    for overrides, text in (
        ([], "old"),
        (["inputs.d.mode=download"], "old"),
        (["inputs.d.path=azureml:D@latest"], "new"),
    ):
        second = again(first, *overrides)
        assert second.finish() is RunState.COMPLETED
        assert read_log(second.files) == text


def test_an_output_registered_under_a_version_becomes_the_next_one(launch: Launch, layout: WorkspaceLayout) -> None:
    write = "echo made > ${{outputs.made}}/f"
    first = launch(write, outputs={"made": Output(name="digits", version="7")})
    assert first.finish() is RunState.COMPLETED
    assert again(first).finish() is RunState.COMPLETED
    assert [one.version for one in list_assets(layout)] == ["7", "8"]


@pytest.mark.parametrize("mode", ["rw_mount", "upload", "direct"])
def test_a_run_apart_touches_nothing_of_the_first(
    launch: Launch, layout: WorkspaceLayout, here: Path, mode: Any
) -> None:
    made = Output(path=str(here / "result"), mode=mode, name="best", version="1")
    first = launch("date +%s%N > ${{outputs.made}}/f", outputs={"made": made})
    assert first.finish() is RunState.COMPLETED
    before = (here / "result" / "f").read_text()
    compared = Launched(layout, rerun(layout, first.name, apart=True).name)
    assert compared.finish() is RunState.COMPLETED
    assert (compared.files.named_outputs / "made" / "f").read_text() != before
    assert (here / "result" / "f").read_text() == before
    assert [one.version for one in list_assets(layout)] == ["1"]
