"""What an environment is, and when two of them are the same."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench.environment import define, definition_from_dict, definition_to_dict, environment_key
from workbench.environment.conda_file import read_packages
from workbench.environment.conda_only import PROGRAMS
from workbench.environment.interpreters import Interpreter, find_interpreters, prove
from workbench.environment.python_choice import choices, exact_minor, fits
from workbench.spec import BuildContext, Environment
from workbench_store.errors import EnvironmentFailed


def conda(*dependencies: Any, **more: Any) -> dict[str, Any]:
    return {"channels": ["conda-forge"], "dependencies": list(dependencies), **more}


def key(definition: dict[str, Any] | None, image: str | None = "python:3.11") -> str:
    return environment_key(define(Environment(image=image, conda_file=definition), Path("/")))


SPECS = st.lists(st.sampled_from(["numpy=1.26", "pandas>=2", "scipy", "python=3.11", "joblib==1.3.2"]), unique=True)


@given(SPECS, st.randoms(use_true_random=False))
def test_the_order_of_packages_does_not_matter(specs: list[str], dice: Any) -> None:
    shuffled = specs[:]
    dice.shuffle(shuffled)
    assert key(conda(*specs)) == key(conda(*shuffled))


def test_what_matters_and_what_does_not() -> None:
    base = key(conda("python=3.11", "numpy=1.26", {"pip": ["rich>=13", "click"]}))
    assert base == key(
        {"dependencies": [{"pip": ["click", "rich >= 13"]}, "numpy=1.26", "python=3.11"], "channels": ["conda-forge"]}
    )
    assert base == key(conda("python=3.11", "numpy=1.26", {"pip": ["rich>=13", "click"]}, name="other"))
    assert base != key(conda("python=3.11", "numpy=1.25", {"pip": ["rich>=13", "click"]}))
    assert base != key(conda("python=3.12", "numpy=1.26", {"pip": ["rich>=13", "click"]}))
    assert base != key(conda("python=3.11", "numpy=1.26", {"pip": ["rich>=13", "click"]}), image="python:3.12")
    channels = ["a", "b"]
    assert key(conda("numpy", channels=channels)) != key(conda("numpy", channels=channels[::-1]))


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ({"dependancies": ["six"]}, "dependancies is no key of a conda file; did you mean 'dependencies'"),
        ({"channels": 5, "dependencies": []}, "channels must be a list"),
        ({"channels": "conda-forge", "dependencies": []}, "channels must be a list"),
        ({"variables": ["A"], "dependencies": []}, "variables must be a mapping"),
        ({"variables": {"A": None}}, "variables.A must be text or a number"),
        ({"variables": {"A=B": 1}}, "variables cannot have the name 'A=B'"),
        ({"variables": {"A": "x\0"}}, "variables.A must be text"),
    ],
)
def test_what_no_conda_file_says_is_refused(definition: dict[str, Any], told: str) -> None:
    with pytest.raises(EnvironmentFailed, match=told):
        define(Environment(conda_file=definition), Path("/"))


def test_what_is_known_to_nobody_is_told() -> None:
    found = define(Environment(conda_file=conda("six", platforms=["linux-64"], prefix="/opt/env")), Path("/"))
    assert found.substituted == ("platforms of the conda file is left out",)


def test_an_item_for_pip_may_be_several_lines(tmp_path: Path) -> None:
    (tmp_path / "req.txt").write_text("six==1.16.0\n")
    found = read_packages({"dependencies": [{"pip": ["-r req.txt\nattrs\n", "rich"]}]}, tmp_path)
    assert found.requirements == ("six==1.16.0", "attrs", "rich") and found.options == ()


def test_azure_mls_own_version_of_an_image() -> None:
    definition = define(Environment(image="python:3.11"), Path("/"))
    assert definition.anonymous_version == "cf5b091b5c0106f54f5b040169b322c104c6471fbe5f40384d2ef9b18e466112"
    assert definition.python == "=3.11"


@pytest.mark.parametrize(
    ("spec", "requirement"),
    [
        ("numpy", "numpy"),
        ("numpy=1.22", "numpy==1.22.*"),
        ("numpy==1.22.3", "numpy==1.22.3"),
        ("numpy=1.22.*", "numpy==1.22.*"),
        ("numpy=1.22=py310_0", "numpy==1.22.*"),
        ("numpy 1.22 py310_0", "numpy==1.22.*"),
        ("conda-forge::numpy>=1.2,<2", "numpy>=1.2,<2"),
        ("numpy >=1.2, <2", "numpy>=1.2,<2"),
        ("pytorch=2.1", "torch==2.1.*"),
        ("Scikit-Learn", "scikit-learn"),
        ("numpy[version=1.26.4]", "numpy==1.26.4"),
        ("numpy[version='1.26.4']", "numpy==1.26.4"),
        ('numpy[version="=1.26"]', "numpy==1.26.*"),
        ("numpy[version='1.26.*']", "numpy==1.26.*"),
        ("conda-forge::numpy[version='>=1.2,<2', build=py311_0]", "numpy>=1.2,<2"),
        ("numpy=1.26[build=py311_0]", "numpy==1.26.*"),
        ("setuptools=68", "setuptools==68.*"),
        ("setuptools", "setuptools"),
        ("wheel==0.45.0", "wheel==0.45.0"),
        ("pip=24.0", "pip==24.0.*"),
    ],
)
def test_conda_specs_as_pip_has_them(spec: str, requirement: str) -> None:
    assert read_packages(conda(spec), None).requirements == (requirement,)


def test_what_wheels_bring_is_left_out_and_said() -> None:
    packages = read_packages(conda("python=3.10", "pip", "mkl", "cudatoolkit=11", "cuda-nvcc", "numpy"), None)
    assert packages.requirements == ("numpy",) and packages.python == "=3.10"
    assert len(packages.changes) == 3 and all("left out" in change for change in packages.changes)


def test_what_an_exported_file_lists_is_left_out() -> None:
    listed = ("_libgcc_mutex=0.1=main", "_openmp_mutex=5.1=1_gnu", "bzip2=1.0.8=h5eee18b_6", "tk=8.6.14", "numpy=1.26")
    packages = read_packages(conda(*listed), None)
    assert packages.requirements == ("numpy==1.26.*",) and len(packages.changes) == 4


def test_a_program_is_no_package_of_pypis(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for package, program in PROGRAMS.items():
        with pytest.raises(EnvironmentFailed, match=rf"{re.escape(package)} is a program .* no {re.escape(program)}"):
            read_packages(conda(package), None)
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
        packages = read_packages(conda(package, "numpy"), None)
        assert packages.requirements == ("numpy",) and str(tmp_path / program) in packages.changes[0]
        (tmp_path / program).unlink()


def test_what_a_bracket_says_besides_is_left_out_and_said() -> None:
    packages = read_packages(
        conda("numpy[version=1.26.4,build='py*_0',channel=conda-forge]", "python[version=3.11]"), None
    )
    assert packages.requirements == ("numpy==1.26.4",) and packages.python == "==3.11"
    assert [change.split(" of ")[0] for change in packages.changes] == ["build=py*_0", "channel=conda-forge"]


def test_pips_lines(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("# comment\nclick==8.1  # why\n\n-r deeper.txt\n")
    (tmp_path / "deeper.txt").write_text("rich\n")
    (tmp_path / "local").mkdir()
    lines = [
        "-r more.txt",
        "--extra-index-url https://example.invalid/simple",
        "./local",
        "httpx[http2]>=0.2 ; python_version>'3'",
    ]
    packages = read_packages(conda({"pip": lines}), tmp_path)
    assert packages.requirements[:2] == ("click==8.1", "rich")
    assert packages.requirements[2] == str(tmp_path / "local")
    assert packages.options == ("--extra-index-url https://example.invalid/simple",)
    with pytest.raises(EnvironmentFailed, match=r"gone\.txt"):
        read_packages(conda({"pip": ["-r gone.txt"]}), tmp_path)


def test_an_editable_package_is_found_from_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "sub" / "pkg").mkdir(parents=True)
    (tmp_path / "sub" / "conda.yml").write_text("dependencies: [{pip: [-e ./pkg]}]")
    definition = define(Environment(conda_file="sub/conda.yml"), tmp_path)
    assert definition.requirements == (f"-e {tmp_path}/sub/pkg",) and definition.options == ()
    again = read_packages(conda({"pip": ["--editable=sub/pkg[dev]"]}), tmp_path)
    assert again.requirements == (f"-e {tmp_path}/sub/pkg[dev]",)
    remote = read_packages(conda({"pip": ["-e git+https://example.invalid/one#egg=one"]}), tmp_path)
    assert remote.requirements == ("git+https://example.invalid/one#egg=one",) and "not editable" in remote.changes[0]
    with pytest.raises(EnvironmentFailed, match=r"names \./gone"):
        read_packages(conda({"pip": ["-e ./gone"]}), tmp_path)


@pytest.mark.parametrize("line", ["./pkg", "-e ./pkg", "pkg @ file:./pkg", "./pkg[extra] ; python_version>'3'"])
def test_the_content_of_a_local_package_matters(tmp_path: Path, line: str) -> None:
    def now() -> str:
        return environment_key(define(Environment(conda_file=conda({"pip": [line]})), tmp_path))

    code = tmp_path / "pkg" / "mypkg" / "__init__.py"
    code.parent.mkdir(parents=True)
    code.write_text("A = 1")
    before = now()
    (code.parent / "__pycache__").mkdir()
    (code.parent / "__pycache__" / "x.pyc").write_text("compiled")
    assert now() == before
    code.write_text("A = 2")
    assert now() != before


def test_local_wheels_matter(tmp_path: Path) -> None:
    def now(line: str) -> str:
        return environment_key(define(Environment(conda_file=conda({"pip": [line]})), tmp_path))

    wheel = tmp_path / "wheels" / "one-1-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_text("1")
    lines = [f"wheels/{wheel.name}", "--find-links wheels", "-f ./wheels"]
    before = [now(line) for line in lines]
    wheel.write_text("12")
    assert all(now(line) != old for line, old in zip(lines, before, strict=True))


def test_a_requirements_file_as_pip_compile_writes_it(tmp_path: Path) -> None:
    deep = tmp_path / "deep"
    deep.mkdir()
    (tmp_path / "requirements.txt").write_text(
        "six==1.16.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via me\n-r deep/more.txt\n"
    )
    (deep / "more.txt").write_text("-c limits.txt\nclick\n")
    (deep / "limits.txt").write_text("click<8.1  # why\n")
    (tmp_path / "Dockerfile").write_text("FROM python:3.9-slim AS one\nFROM --platform=linux/amd64 python:3.10\n")
    context = Environment(build=BuildContext(path=str(tmp_path)))
    definition = define(context, Path("/"))
    assert definition.requirements == ("six==1.16.0 --hash=sha256:aa --hash=sha256:bb", "click")
    assert definition.constraints == ("click<8.1",) and definition.options == () and definition.python == "=3.10"
    loose = Environment(conda_file=conda({"pip": ["click", "-c deep/limits.txt"]}))
    before = environment_key(define(loose, tmp_path))
    (deep / "limits.txt").write_text("click<8\n")
    assert environment_key(define(loose, tmp_path)) != before
    with pytest.raises(EnvironmentFailed, match=r"example\.invalid") as caught:
        read_packages(conda({"pip": ["-r https://example.invalid/r.txt"]}), tmp_path)
    assert "Save it" in str(caught.value)
    elsewhere = "-c https://example.invalid/c.txt"
    told = read_packages(conda({"pip": [elsewhere]}), tmp_path).options
    assert told == ("--constraint https://example.invalid/c.txt",)


@pytest.mark.parametrize("line", ["-r pipe", "-c pipe", "./pipe", "-e ./pipe", "-f ./pipe"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, line: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EnvironmentFailed, match="pipe is a pipe"):
        read_packages(conda({"pip": [line]}), tmp_path)


@pytest.mark.parametrize(
    "spec", ["???", "=1.2", "numpy=1.2|1.3", "numpy[version='1.2|1.3']", "numpy[1.2]", "numpy>=1.2<2"]
)
def test_what_cannot_be_understood_is_named(spec: str) -> None:
    with pytest.raises(EnvironmentFailed, match=r"1\.2|\?"):
        read_packages(conda(spec), None)


@pytest.mark.parametrize(
    "reference",
    [
        "azureml:sklearn-1.5@latest",
        "azureml:AzureML-sklearn-1.5:31",
        "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
        "azureml://registries/azureml/environments/sklearn-1.5/versions/31",
    ],
)
def test_curated_names(reference: str) -> None:
    definition = define(reference, Path("/"))
    assert definition.label == "sklearn-1.5" and "scikit-learn~=1.5.0" in definition.requirements
    assert definition.python == "=3.10" and "left out" in definition.substituted[0]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("azureml:sklearn-1.5:77", "version 77 of sklearn-1.5"),
        ("azureml://registries/azureml/environments/sklearn-1.5/versions/31", "version 31 of sklearn-1.5"),
    ],
)
def test_a_version_of_a_curated_name_is_told(reference: str, said: str) -> None:
    assert any(said in text for text in define(reference, Path("/")).substituted)


def test_a_label_that_there_is_not() -> None:
    with pytest.raises(EnvironmentFailed, match="no label 'lates'"):
        define("azureml:sklearn-1.5@lates", Path("/"))


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(EnvironmentFailed, match=r"sklearn-1\.5") as caught:
        define("azureml:sklearn-1.6@latest", Path("/"))
    assert "Did you mean sklearn-1.5" in str(caught.value)


def test_a_build_context_with_a_list_of_packages(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11\n")
    context = Environment(build=BuildContext(path=str(tmp_path)))
    with pytest.raises(EnvironmentFailed, match="lists its packages"):
        define(context, Path("/"))
    (tmp_path / "requirements.txt").write_text("click\n")
    definition = define(context, Path("/"))
    assert definition.requirements == ("click",) and definition.anonymous_version is not None
    before = environment_key(definition)
    (tmp_path / "Dockerfile").write_text("FROM python:3.12\n")
    assert environment_key(define(context, Path("/"))) != before


def test_a_definition_survives_json(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("click<9")
    (tmp_path / "wheels").mkdir()
    lines = ["click", "-c c.txt", "-f wheels"]
    definition = define(Environment(image="i", conda_file=conda("numpy", {"pip": lines})), tmp_path)
    assert definition.constraints and definition.local
    assert definition_from_dict(definition_to_dict(definition)) == definition


def test_every_python_found_runs_and_is_what_it_says() -> None:
    found = find_interpreters()
    assert found and [prove(one.path) for one in found] == found
    assert find_interpreters() == found


HAVE = [Interpreter((3, minor, 4), f"/py/3.{minor}") for minor in (9, 11, 12)]


@pytest.mark.parametrize(
    ("constraint", "first", "substituted"),
    [
        ("=3.11", "3.11.4", False),
        ("==3.11.4", "3.11.4", False),
        ("==3.11.9", "3.11.4", True),
        ("=3.10", "3.11.4", True),
        (">=3.9,<3.12", "3.11.4", False),
        (">=3.9,<3.10", "3.9.4", False),
        (None, "3.11.4", False),
        ("3.12.*", "3.12.4", False),
    ],
)
def test_the_python_that_is_tried_first(constraint: str | None, first: str, substituted: bool) -> None:
    options = choices(constraint, HAVE, (3, 11))
    if constraint == "==3.11.9":
        assert options == [] or options[0].substituted is not None
        return
    assert options[0].interpreter.text == first and (options[0].substituted is not None) is substituted


def test_no_older_python_is_taken() -> None:
    assert choices("=3.13", HAVE, (3, 11)) == []
    assert exact_minor("=3.10") == exact_minor("3.10.*") == exact_minor("==3.10.2") == "3.10"
    assert exact_minor(">=3.10") is None and exact_minor(None) is None
    assert fits(">=3.9,<3.12", "3.11.4") and not fits(">=3.9,<3.12", "3.12.0")


def test_a_comment_is_not_continued_and_a_hash_needs_a_version(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("# a note that ends so \\\ntoml==0.10.2\nsix==1.16.0 # why \\\nclick\n")
    assert define(Environment(conda_file=conda({"pip": ["-r r.txt"]})), tmp_path).requirements[:1] == ("toml==0.10.2",)
    (tmp_path / "r.txt").write_text("six>=1.16 --hash=sha256:00\n")
    with pytest.raises(EnvironmentFailed, match="has a hash and no version"):
        define(Environment(conda_file=conda({"pip": ["-r r.txt"]})), tmp_path)


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("--only-binary tabulate,six", ("--only-binary tabulate", "--only-binary six")),
        ("--no-binary=:all:", ("--no-binary :all:",)),
        ("-i https://a.invalid/s --extra-index-url=https://b.invalid/s --pre", None),
        ("-fhttps://a.invalid/w", ("--find-links https://a.invalid/w",)),
        ("--trusted-host 'a.invalid' --no-index", ("--trusted-host a.invalid", "--no-index")),
    ],
)
def test_options_are_read_as_pip_reads_them(tmp_path: Path, line: str, options: tuple[str, ...] | None) -> None:
    expected = options or ("--index-url https://a.invalid/s", "--extra-index-url https://b.invalid/s", "--pre")
    assert read_packages(conda({"pip": [line, "six"]}), tmp_path).options == expected
    (tmp_path / "r.txt").write_text(f"{line}\nsix\n")
    assert read_packages(conda({"pip": ["-r r.txt"]}), tmp_path).options == expected


@pytest.mark.parametrize("line", ["--upgrade", "--no-deps", "-U", "--pre=yes", "--index-url", "-i 'https://a"])
def test_an_option_that_is_none_there_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(EnvironmentFailed, match="cannot be understood") as caught:
        read_packages(conda({"pip": [line, "six"]}), tmp_path)
    assert line in str(caught.value)
