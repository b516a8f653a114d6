"""Data in which the workspace lies, as that of a job file beside its data does: each run writes to the workspace."""

import os
from pathlib import Path

import pytest
from workbench.data.copying import copy_data
from workbench.data.fingerprint import stat_fingerprint
from workbench.data.hashing import content_hash
from workbench.run import Run
from workbench_store.errors import RunError

from workbench import Input, Output, Workspace, command


def run_of(text: str, **fields: object) -> Run:
    run = Workspace().submit(command(command=text, **fields))  # type: ignore[arg-type]
    run.wait()
    assert str(run.state) == "Completed", run.logs()
    return run


@pytest.mark.parametrize("path", [".", "..", "data"])
def test_a_copy_of_an_input_leaves_the_workspace_out(here: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    (here / "jobs" / "data").mkdir(parents=True)
    (here / "jobs" / "data" / "a.csv").write_text("1\n")
    Workspace()
    monkeypatch.chdir(here / "jobs")
    inputs = {"d": Input(type="uri_folder", path=path, mode="download")}
    run = run_of("find ${{inputs.d}}/ -printf '%P\\n'", inputs=inputs)
    copied = run.logs().split()
    assert [name for name in copied if name.endswith("a.csv")] and not [name for name in copied if ".workbench" in name]


def test_the_same_data_around_a_workspace_has_the_same_fingerprint(here: Path) -> None:
    (here / "a.csv").write_text("1\n")

    before = content_hash(here), stat_fingerprint(here)
    run_of("ls ${{inputs.d}}", inputs={"d": Input(path=".")})
    assert (content_hash(here), stat_fingerprint(here)) == before
    (here / "a.csv").write_text("22\n")
    after = content_hash(here), stat_fingerprint(here)
    assert after[0] != before[0] and after[1] != before[1]


def test_an_output_around_the_workspace_is_what_the_job_wrote(here: Path, tmp_path: Path) -> None:
    run = run_of("echo 1 > ${{outputs.o}}/new.txt", outputs={"o": Output(type="uri_folder", path=".")})
    assert [one.path for one in run.artifacts if one.kind == "named-output"] == ["named-outputs/o/new.txt"]
    told: list[str] = []
    copy = run.download(tmp_path / "copy", tell=told.append) / "named-outputs" / "o"
    assert (copy / "new.txt").read_text() == "1\n" and not (copy / ".workbench").exists() and not told


@pytest.mark.parametrize("target", ["results", "results/sub/copy", "link"])
def test_outputs_are_not_copied_into_themselves(here: Path, target: str) -> None:
    run = run_of("echo 1 > ${{outputs.o}}/new.txt", outputs={"o": Output(type="uri_folder", path="results")})
    os.symlink("results", here / "link")
    before = sorted(here.rglob("results/**/*"))
    with pytest.raises(RunError, match="copied into itself") as caught:
        run.download(target)
    assert "elsewhere" in str(caught.value.remedy) and sorted(here.rglob("results/**/*")) == before


def test_a_folder_is_not_copied_into_itself(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="copied into itself"):
        copy_data(tmp_path, tmp_path / "a" / "b")
    assert not list((tmp_path / "a").iterdir())
