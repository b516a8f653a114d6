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
        ("resources.instance_count=2", ("resources", "instance_count"), 2),
        ("environment_variables.X=1", ("environment_variables", "X"), "1"),
        ("environment_variables.X=010", ("environment_variables", "X"), "010"),
        ("tags.trial=2", ("tags", "trial"), "2"),
        ("tags.day=2024-01-02", ("tags", "day"), "2024-01-02"),
        ("display_name=1.50", ("display_name",), "1.50"),
        ("description=yes", ("description",), "yes"),
        ("description='yes'", ("description",), "yes"),
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


def test_one_mapping_of_overrides_is_taken_too(job_file: Path) -> None:
    job = load_job(job_file, params_override={"inputs.data.path": "./b.txt", "tags.a": "b"})
    assert job_to_dict(job)["tags"] == {"a": "b"}


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


@pytest.mark.parametrize(
    ("text", "nearest"), [("inputs.lrr=0.5", "lr"), ("inputs.dat.path=./b.txt", "data"), ("inputs.new=7", None)]
)
def test_an_input_that_the_job_does_not_have(job_file: Path, text: str, nearest: str | None) -> None:
    (problem,) = check_job(job_file, [text])
    assert (problem.file, problem.nearest, problem.allowed) == (f"--set {text}", nearest, ("lr", "data"))
    assert "no such input" in problem.message
    assert len(check_job(job_file, [text, "limits.timeout=soon"])) == 2, "it is one error among others"
    name, value = text.removeprefix("inputs.").split("=")
    with pytest.raises(SpecErrors, match="no such input"):
        load_job(job_file, params_override=[{f"inputs.{name}": value}])


@pytest.mark.parametrize("value", ["./b.txt", "azureml:x@latest", "5"])
def test_data_is_not_replaced_by_words(job_file: Path, value: str) -> None:
    (problem,) = check_job(job_file, [f"inputs.data={value}"])
    assert (problem.path, problem.file) == ("inputs.data", f"--set inputs.data={value}")
    assert "inputs.data.path" in problem.message
    with pytest.raises(SpecErrors, match=r"inputs\.data\.path"):
        load_job(job_file, overrides=[f"inputs.data={value}"])


def test_an_input_that_only_the_command_uses_may_be_set(job_file: Path) -> None:
    job_file.write_text("command: echo ${{inputs.lr}}\n")
    assert load_job(job_file, overrides=["inputs.lr=1"]).inputs == {"lr": 1}
    both = ["command=echo ${{inputs.depth}}", "inputs.depth=3"]
    assert load_job(job_file, overrides=both).inputs == {"depth": 3}


@pytest.mark.parametrize("text", ["", "x", "=1", "a..b=1", ".=1"])
def test_what_is_no_override(job_file: Path, text: str) -> None:
    with pytest.raises(SpecErrors, match="must be KEY=VALUE"):
        load_job(job_file, overrides=[text])


def test_another_type_from_outside(job_file: Path) -> None:
    (problem,) = check_job(job_file, ["type=sweep"])
    assert problem.message == "jobs of type sweep are not run yet; command jobs are"
