"""Files that are no job at all end in one clear problem, never in a traceback or a hang."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from workbench.spec import SpecErrors, check_job, load_job
from workbench_store.errors import UsageError


def problem_of(path: Path) -> str:
    with pytest.raises(SpecErrors) as raised:
        load_job(path)
    (problem,) = raised.value.problems
    assert problem.file == str(path)
    return problem.message


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "job.yml"
    path.write_bytes(data)
    return path


def test_no_file(tmp_path: Path) -> None:
    assert problem_of(tmp_path / "job.yml") == "no such file"


@pytest.mark.parametrize("source", [object(), None, 7, {"command": "x"}])
def test_what_is_no_source(source: object) -> None:
    with pytest.raises(UsageError, match=f"takes no {type(source).__name__}") as caught:
        load_job(source)
    assert "path of a job file" in str(caught.value)


def test_a_folder(tmp_path: Path) -> None:
    assert problem_of(tmp_path) == "is a folder, not a file"


def test_a_device() -> None:
    assert problem_of(Path("/dev/zero")) == "is a device, not a file"


def test_a_pipe_does_not_hold_us_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "job.yml")
    assert problem_of(tmp_path / "job.yml") == "is a pipe, not a file"


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "job.yml").symlink_to(tmp_path / "job.yml")
    assert problem_of(tmp_path / "job.yml").startswith("cannot be opened: ")


def test_not_utf8(tmp_path: Path) -> None:
    path = written(tmp_path, b"command: echo\ntags: {a: \xff\xfe}\n")
    (problem,) = check_job(path)
    assert (problem.line, problem.message) == (2, "not UTF-8 text: byte 24 cannot be decoded")


@pytest.mark.parametrize("data", [b"\0\1\2", b"\x7fELF\x02\x01\x01\x00", b"a: \x1b[31m\n"])
def test_binary(tmp_path: Path, data: bytes) -> None:
    assert problem_of(written(tmp_path, data)).startswith("not ")


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    assert load_job(written(tmp_path, b"\xef\xbb\xbfcommand: echo\r\n")).command == "echo"


def test_too_large(tmp_path: Path) -> None:
    assert "larger than" in problem_of(written(tmp_path, b"command: " + b"x" * 2_000_000))


def test_a_billion_laughs(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert "more than 100000 values" in problem_of(written(tmp_path, "\n".join(lines).encode()))


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- "])
def test_deep_nesting(tmp_path: Path, opening: bytes) -> None:
    assert "nested more than" in problem_of(written(tmp_path, opening * 100_000))


def test_the_limit_of_the_reader_itself_reads_as_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some builds of libyaml stop by themselves while they read ahead."""

    def parse(text: str, **_: object) -> Iterator[object]:
        raise yaml.MarkedYAMLError(problem="exceeded maximum nesting depth")

    monkeypatch.setattr(yaml, "parse", parse)
    assert problem_of(written(tmp_path, b"[" * 2000)) == "nested more than 64 levels deep"


def test_deep_nesting_by_aliases(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2000)]
    assert "nested more than" in problem_of(written(tmp_path, "\n".join(lines).encode()))


def test_a_file_of_nothing_but_wrong_keys(tmp_path: Path) -> None:
    data = "".join(f"key{n}: 1\n" for n in range(20_000))
    assert len(check_job(written(tmp_path, data.encode()))) == 20_001


def test_a_number_of_a_million_digits(tmp_path: Path) -> None:
    path = written(tmp_path, b"command: echo\ninputs: {a: " + b"9" * 900_000 + b"}\n")
    assert len(check_job(path)) == 1


def test_a_null_character_in_a_path(tmp_path: Path) -> None:
    path = written(tmp_path, b'command: echo\ncode: "a\\0b"\ninputs: {a: {path: "\\0"}}\n')
    assert [problem.path for problem in check_job(path)] == ["code", "inputs.a.path"]


def test_a_path_longer_than_any(tmp_path: Path) -> None:
    path = written(tmp_path, b"command: echo\ncode: " + b"x" * 5000 + b"\n")
    (problem,) = check_job(path)
    assert "cannot be read" in problem.message


def test_an_input_that_is_a_device(tmp_path: Path) -> None:
    path = written(tmp_path, b"command: echo\ninputs: {a: {type: uri_file, path: /dev/zero}}\n")
    (problem,) = check_job(path)
    assert problem.message == "/dev/zero is a device, not a file"
