"""Outputs on datastores, and outputs registered as data assets and models."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workbench.data.assets import AssetVersion, add_asset, list_assets
from workbench.data.datastores import add_datastore
from workbench.lifecycle import adopt
from workbench.lifecycle.logs import read_log
from workbench.spec import Input, Output
from workbench_store.errors import SpecError
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState

from tests.cli.terminal import Workbench
from tests.lifecycle.launched import Launch, wait_until


def versions(layout: WorkspaceLayout, kind: str = "data") -> list[tuple[str, str, str | None]]:
    return [(asset.name, asset.version, asset.run) for asset in list_assets(layout, kind)]


@pytest.mark.parametrize("mode", ["rw_mount", "upload", "direct"])
def test_an_output_on_a_datastore(launch: Launch, layout: WorkspaceLayout, here: Path, mode: Any) -> None:
    (here / "shelf").mkdir()
    add_datastore(layout, "shelf", str(here / "shelf"))
    run = launch(
        "echo one > ${{outputs.o}}/f; echo two > ${{outputs.d}}/f",
        name="maker",
        outputs={
            "o": Output(path="azureml://datastores/shelf/paths/${{name}}/${{output_name}}", mode=mode),
            "d": Output(path="azureml://datastores/${{default_datastore}}/paths/d", mode=mode),
        },
    )
    assert run.finish() is RunState.COMPLETED, run.last_state()
    assert (here / "shelf" / "maker" / "o" / "f").read_text() == "one\n"
    assert (layout.datastores / "workspaceblobstore" / "d" / "f").read_text() == "two\n"
    again = launch(
        "cat ${{inputs.a}}/f ${{inputs.b}}",
        inputs={
            "a": Input(path="azureml://jobs/maker/outputs/o"),
            "b": Input(type="uri_file", path="azureml://datastores/workspaceblobstore/paths/d/f"),
        },
    )
    assert again.finish() is RunState.COMPLETED
    assert read_log(again.files) == "one\ntwo\n"


def test_an_output_is_registered_with_the_next_version(launch: Launch, layout: WorkspaceLayout) -> None:
    outputs = {
        "table": Output(name="table", type="uri_file", description="rows"),
        "model": Output(name="net", type="mlflow_model", version="1.0"),
    }
    first = launch("echo 1 > ${{outputs.table}}; echo m > ${{outputs.model}}/m", name="first", outputs=outputs)
    assert first.finish() is RunState.COMPLETED
    second = launch("echo 2 > ${{outputs.table}}", name="second", outputs={"table": outputs["table"]})
    assert second.finish() is RunState.COMPLETED
    assert versions(layout) == [("table", "1", "first"), ("table", "2", "second")]
    assert versions(layout, "model") == [("net", "1.0", "first")]
    recorded = [fields for fields in first.events("output") if fields.get("asset")]
    assert {(one["name"], one["asset"], one["asset_kind"]) for one in recorded} == {
        ("table", "azureml:table:1", "data"),
        ("model", "azureml:net:1.0", "model"),
    }
    run = launch(
        "cat ${{inputs.t}} ${{inputs.m}}/m",
        inputs={
            "t": Input(type="uri_file", path="azureml:table:1"),
            "m": Input(type="mlflow_model", path="azureml:net@latest"),
        },
    )
    assert run.finish() is RunState.COMPLETED
    assert read_log(run.files) == "1\nm\n"
    with pytest.raises(SpecError, match=r"version 1\.0 of the model net is there already"):
        launch("true", outputs={"model": outputs["model"]})


def test_nothing_is_registered_by_a_run_that_failed_or_wrote_nothing(launch: Launch, layout: WorkspaceLayout) -> None:
    output = {"o": Output(name="made")}
    assert launch("echo x > ${{outputs.o}}/x; exit 1", outputs=output).finish() is RunState.FAILED
    run = launch("true", outputs=output)
    assert run.finish() is RunState.COMPLETED
    assert "the job wrote nothing to it" in "\n".join(run.warnings())
    assert versions(layout) == []


def test_a_version_taken_meanwhile_loses_no_output(launch: Launch, layout: WorkspaceLayout, here: Path) -> None:
    run = launch(
        "echo on > outputs/on; while ! test -e outputs/go; do sleep 0.05; done; echo x > ${{outputs.o}}/x",
        outputs={"o": Output(name="made", version="7")},
    )
    run.wait_for_file("on")
    add_asset(layout, AssetVersion("data", "made", "7", "uri_folder", str(here)))
    (run.files.outputs / "go").touch()
    assert run.finish() is RunState.COMPLETED
    said = "\n".join(run.warnings())
    assert "version 7 of the data asset made is there already" in said
    assert f"workbench data add made azureml://jobs/{run.name}/outputs/o" in said
    assert (run.files.named_outputs / "o" / "x").read_text() == "x\n"
    assert versions(layout) == [("made", "7", None)]


def test_an_adopted_run_registers_once(launch: Launch, layout: WorkspaceLayout) -> None:
    run = launch(
        "echo on > outputs/on; while ! test -e outputs/go; do sleep 0.05; done; echo x > ${{outputs.o}}/x",
        outputs={"o": Output(name="made")},
    )
    run.wait_for_file("on")
    run.kill_supervisor()
    (run.files.outputs / "go").touch()
    wait_until(run.files.exit_status.exists, "the exit status")
    # As if the supervisor had been killed just after it had registered the output.
    add_asset(layout, AssetVersion("data", "made", "", "uri_folder", "x", run=run.name, output="o"))
    adopt(layout, run.name)
    assert run.finish() is RunState.COMPLETED
    assert versions(layout) == [("made", "1", run.name)]
    assert [fields["asset"] for fields in run.events("output") if fields.get("asset")] == ["azureml:made:1"]


ADD = """
import sys
from pathlib import Path
from workbench.data.assets import AssetVersion, add_asset
from workbench_store.layout import WorkspaceLayout
for number in range(5):
    place = f"/{sys.argv[2]}/{number}"
    add_asset(WorkspaceLayout(Path(sys.argv[1])), AssetVersion("data", "many", "", "uri_folder", place))
"""


def test_processes_that_add_at_once_get_numbers_of_their_own(layout: WorkspaceLayout) -> None:
    adders = [subprocess.Popen([sys.executable, "-c", ADD, str(layout.root), str(number)]) for number in range(4)]
    assert [adder.wait() for adder in adders] == [0, 0, 0, 0]
    assert sorted(int(version) for _, version, _ in versions(layout)) == list(range(1, 21))


def test_two_outputs_that_would_be_one_version_are_refused(launch: Launch) -> None:
    given = {"a": Output(name="made", version="7"), "b": Output(type="uri_file", name="made", version="7")}
    with pytest.raises(SpecError, match="made:7 is what the output a is registered as"):
        launch("true", outputs=given)
    given["b"] = Output(type="custom_model", name="made", version="7")
    launch("mkdir -p ${{outputs.a}} ${{outputs.b}}", outputs=given).finish()


def test_validate_names_the_second_of_two_outputs_that_would_be_one_version(
    workbench: Workbench, job: Callable[..., str]
) -> None:
    outputs = "outputs:\n  a: {name: made, version: 7}\n  b: {name: made, version: 7}\n"
    done = workbench("validate", job("true", outputs))
    assert done.returncode != 0 and "made:7 is what the output a is registered as" in done.stdout + done.stderr


@pytest.mark.parametrize(("type", "before"), [("uri_file", ""), ("uri_folder", "rmdir ${{outputs.o}};")])
def test_an_output_that_is_a_pipe_is_said_to_be_one(
    workbench: Workbench, job: Callable[..., str], type: str, before: str
) -> None:
    done = workbench(
        "run", job(f"{before} mkfifo ${{{{outputs.o}}}}", f"outputs: {{o: {{type: {type}, name: made}}}}\n")
    )
    assert done.returncode == 1 and "the output o is a pipe, not a file or a folder" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("version", "said"),
    [("'v 1'", "'v 1' does not fit"), ("-3", "'-3' does not fit"), ("latest", "no version is named")],
)
def test_a_version_that_nothing_can_be_is_an_error_before_the_job_runs(
    workbench: Workbench, job: Callable[..., str], here: Path, version: str, said: str
) -> None:
    file = job("true", f"outputs:\n  a: {{name: made, version: {version}}}\n")
    for word in ("validate", "run"):
        done = workbench(word, file)
        assert done.returncode == 3 and f"job.yml:4:28: error: outputs.a.version: {said}" in done.stdout + done.stderr
    (here / "data.yml").write_text(f"name: d\ntype: uri_folder\npath: .\nversion: {version}\n")
    assert workbench("data", "add", "--file", "data.yml").returncode in (2, 3)


def test_no_output_is_registered_as_version_latest(launch: Launch, layout: WorkspaceLayout) -> None:
    with pytest.raises(SpecError, match="no version is named latest"):
        launch("true", outputs={"o": Output(name="o", version="latest")})
    assert list(layout.runs.glob("*")) == []
