"""`--set` and `params_override`: fields set from outside, with errors that name the override."""

from pathlib import Path

import pytest
from workbench.spec import SpecErrors, check_job, job_to_dict, load_job

JOB = """\
command: echo ${{inputs.lr}} ${{inputs.data}}
inputs:
  lr: 0.1
  data: {type: uri_file, path: ./a.txt}
"""


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    path = tmp_path / "job.yml"
    path.write_text(JOB)
    return path


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("inputs.lr=0.5", ("inputs", "lr"), 0.5),
        ("inputs.lr='0.5'", ("inputs", "lr"), "0.5"),
        ("inputs.lr=yes", ("inputs", "lr"), True),
        ("inputs.lr=a=b: c #d", ("inputs", "lr"), "a=b: c #d"),
        ("inputs.new=7", ("inputs", "new"), 7),
        ("resources.instance_count=2", ("resources", "instance_count"), 2),
        ("environment_variables.X=1", ("environment_variables", "X"), "1"),
        ("command=[ -f x ] && echo", ("command",), "[ -f x ] && echo"),
        ("limits={timeout: 5}", ("limits", "timeout"), 5),
    ],
)
def test_setting(job_file: Path, text: str, path: tuple[str, ...], value: object) -> None:
    found: object = job_to_dict(load_job(job_file, overrides=[text]))
    for key in path:
        assert isinstance(found, dict)
        found = found[key]
    assert found == value
    assert type(found) is type(value)


def test_paths_in_overrides_start_at_the_files_folder(job_file: Path) -> None:
    job = load_job(job_file, params_override=[{"inputs.data.path": "./b.txt"}, {"tags": {"a": "b"}}])
    data = job_to_dict(job)
    assert data["inputs"]["data"] == {
        "type": "uri_file",
        "path": str(job_file.parent / "b.txt"),
        "mode": "ro_mount",
    }
    assert data["tags"] == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "path", "nearest"),
    [
        ("resorces.instance_count=2", "resorces", "resources"),
        ("resources.instance_cont=2", "resources.instance_cont", "instance_count"),
        ("limits.timeout=soon", "limits.timeout", None),
        ("inputs.data.type=uri_fil", "inputs.data.type", "uri_file"),
        ("inputs.lr.path=x", "inputs.lr.path", None),
        ("inputs.data.path=./c.txt", "inputs.data.path", None),
        ("description=", "description", None),
    ],
)
def test_errors_name_the_override(job_file: Path, text: str, path: str, nearest: str | None) -> None:
    (problem,) = check_job(job_file, [text])
    assert (problem.file, problem.line, problem.path) == (f"--set {text}", 0, path)
    if nearest:
        assert problem.nearest == nearest


@pytest.mark.parametrize("text", ["", "x", "=1", "a..b=1", ".=1"])
def test_what_is_no_override(job_file: Path, text: str) -> None:
    with pytest.raises(SpecErrors, match="must be KEY=VALUE"):
        load_job(job_file, overrides=[text])


def test_another_type_from_outside(job_file: Path) -> None:
    (problem,) = check_job(job_file, ["type=sweep"])
    assert problem.message == "jobs of type sweep are not run yet; command jobs are"
