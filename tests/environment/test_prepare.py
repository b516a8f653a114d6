"""Real virtual environments, from PyPI, in a cache of the test's own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from workbench.environment import PreparedEnvironment, define, prepare
from workbench.environment.definition import EnvironmentDefinition
from workbench.environment.indexes import index_variables
from workbench.environment.local_packages import clean_copies
from workbench.spec import BuildContext, Environment
from workbench_store.cache_root import cache_root
from workbench_store.errors import EnvironmentFailed
from workbench_store.locks import FileLock

from tests.lifecycle.launched import wait_until
from tests.own_package import package

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def definition(*packages: str, python: str = MINOR) -> EnvironmentDefinition:
    dependencies = [f"python={python}", *packages]
    return define(Environment(image="some/image", conda_file={"dependencies": dependencies}), Path("/"))


@pytest.fixture(autouse=True)
def no_conda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_CONDA", "")


@pytest.mark.slow
def test_made_once_and_found_again(tmp_path: Path) -> None:
    log = tmp_path / "environment.log"
    made = prepare(definition("humanize=4.12"), log=log)
    assert made.found == "built" and "before" in made.missed and made.substituted[0].startswith("image some/image")
    code = "import humanize, sys; print(humanize.__version__, '%d.%d' % sys.version_info[:2])"
    done = subprocess.run([made.python, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("4.12") and done.stdout.strip().endswith(MINOR)
    assert str(made.path).startswith(str(cache_root())) and log.read_text()
    again = prepare(definition("humanize=4.12"), log=tmp_path / "other.log")
    assert again.found == "cache" and again.path == made.path and not (tmp_path / "other.log").exists()
    same = {"dependencies": [f"python={MINOR}", "humanize=4.12"], "variables": {"GREETING": "hello", "THREADS": 4}}
    told = prepare(define(Environment(image="some/image", conda_file=same), Path("/")), log=log)
    assert told.path == made.path and told.environ["GREETING"] == "hello" and told.environ["THREADS"] == "4"


@pytest.mark.slow
def test_two_at_once_make_it_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(prepare, definition("humanize"), log=tmp_path / f"{n}.log") for n in range(2)]
        found = sorted(job.result().found for job in jobs)
    assert found == ["built", "cache"]


HALF = """
import sys
from pathlib import Path
from workbench.environment import define, prepare
from workbench.spec import Environment
packages = {"dependencies": ["python=%d.%d" % sys.version_info[:2], "humanize"]}
prepare(define(Environment(conda_file=packages), Path("/")), log=Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_one_that_was_killed_half_way_is_made_again(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HALF, str(tmp_path / "log")])
    shelf = cache_root() / "environments"
    while not list(shelf.glob("*/*/bin")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (place,) = [path for path in shelf.glob("*/*") if path.is_dir()]
    assert not (place / "workbench-ready.json").exists()
    same = define(Environment(conda_file={"dependencies": [f"python={MINOR}", "humanize"]}), Path("/"))
    made = prepare(same, log=tmp_path / "log")
    assert made.found == "built" and made.path == place and "not finished" in made.missed
    subprocess.run([made.python, "-c", "import humanize"], check=True)


def test_an_installer_whose_parent_is_killed_keeps_others_from_beginning_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, gate = tmp_path / "conda", tmp_path / "gate"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/began\nwhile [ ! -e {gate} ]; do sleep 0.05; done\n")
    program.chmod(0o755)
    monkeypatch.setenv("WORKBENCH_CONDA", str(program))
    process = subprocess.Popen([sys.executable, "-c", HALF, str(tmp_path / "log")])
    wait_until((tmp_path / "began").exists, "the installer")
    process.kill()
    process.wait()
    (lock,) = (cache_root() / "environments").glob("*/*.lock")
    try:
        assert not FileLock.is_free(lock)
    finally:
        gate.touch()
    wait_until(lambda: FileLock.is_free(lock), "the installer's end")


@pytest.mark.slow
def test_a_package_that_nobody_has(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="scikit-lern-zz") as caught:
        prepare(definition("scikit-lern-zz"), log=tmp_path / "log")
    assert "scikit-learn" in str(caught.value)
    assert "scikit-lern-zz" in (tmp_path / "log").read_text()


@pytest.mark.slow
def test_versions_that_cannot_be_together(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="humanize"):
        prepare(definition("humanize>=4", "humanize<3"), log=tmp_path / "log")


@pytest.mark.slow
def test_a_missing_python_is_replaced_and_said(tmp_path: Path) -> None:
    wanted = definition(python="3.7")
    with pytest.raises(EnvironmentFailed, match=r"3\.7"):
        prepare(wanted, log=tmp_path / "log", strict_python=True)
    made = prepare(wanted, log=tmp_path / "log")
    assert any("in place of 3.7" in text for text in made.substituted)
    assert prepare(wanted, log=tmp_path / "log").found == "cache"


@pytest.mark.slow
def test_a_dockerfiles_python_that_is_missing_is_replaced_and_said(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.7-slim\n")
    (tmp_path / "requirements.txt").write_text("")
    made = prepare(define(Environment(build=BuildContext(path=".")), tmp_path), log=tmp_path.parent / "log")
    assert any("in place of 3.7" in text for text in made.substituted)


def test_a_python_of_the_future_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match=r"3\.99.*here are") as caught:
        prepare(definition(python="3.99"), log=tmp_path / "log")
    assert "--allow-downloads" in str(caught.value)


def said(made: PreparedEnvironment, code: str) -> str:
    return subprocess.run([made.python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def of_pip(folder: Path, *lines: str, dependencies: Sequence[str] = ()) -> PreparedEnvironment:
    conda = {"dependencies": [f"python={MINOR}", *dependencies, {"pip": list(lines)}]}
    return prepare(define(Environment(conda_file=conda), folder), log=folder / "environment.log")


@pytest.mark.slow
@pytest.mark.parametrize("line", ["./pkg", "-e ./pkg"])
def test_a_local_package_is_made_again_when_its_code_has_changed(tmp_path: Path, line: str) -> None:
    own = package(tmp_path / "pkg", "1.0")
    version = "import ownthing; print(ownthing.version)"
    assert said(of_pip(tmp_path, line), version) == "1.0"
    assert of_pip(tmp_path, line).found == "cache"
    (own / "ownthing.py").write_text("version = 'changed'\n")
    made = of_pip(tmp_path, line)
    assert made.found == "built" and said(made, version) == "changed"


@pytest.mark.slow
def test_an_editable_repository_is_installed_as_it_is(tmp_path: Path) -> None:
    own = package(tmp_path / "pkg", "1.0")
    git = ["git", "-C", str(own), "-c", "user.name=a", "-c", "user.email=a@b.invalid"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    made = of_pip(tmp_path, f"-e git+file://{own}#egg=ownthing")
    assert said(made, "import ownthing; print(ownthing.version)") == "1.0"
    assert any("not editable" in text for text in made.substituted)


#: Stands for conda: keeps the file that it is given, and makes a Python.
CONDA = """#!/bin/sh
while [ "$1" != -p ]; do shift; done
cp "$4" KEPT
mkdir -p "$2/bin" && ln -s PYTHON "$2/bin/python"
"""


def test_conda_is_told_where_local_packages_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "conda"
    program.write_text(CONDA.replace("KEPT", str(tmp_path / "kept")).replace("PYTHON", sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("WORKBENCH_CONDA", str(program))
    package(tmp_path / "pkg", "1.0")
    (tmp_path / "c.txt").write_text("humanize<4.12\n")
    of_pip(tmp_path, "-e ./pkg", "-c c.txt", dependencies=["numpy=1.26=py310_0"])
    python, numpy, pip = json.loads((tmp_path / "kept").read_text())["dependencies"]
    assert (python, numpy) == (f"python={MINOR}", "numpy=1.26=py310_0")
    assert pip["pip"][0] == f"-e {tmp_path}/pkg" and pip["pip"][1].startswith("-c /")


@pytest.mark.slow
def test_a_local_package_that_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    own = package(tmp_path / "pkg", "1.0")
    wanted = define(Environment(conda_file={"dependencies": [f"python={MINOR}", {"pip": ["./pkg"]}]}), tmp_path)
    (own / "ownthing.py").write_text("version = 'changed'\n")
    with pytest.raises(EnvironmentFailed, match="has changed since"):
        prepare(wanted, log=tmp_path / "log")


@pytest.mark.slow
def test_setuptools_constraints_and_hashes_reach_the_installer(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("humanize==4.11.0 \\\n  --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(EnvironmentFailed, match=r"(?i)hash"):
        of_pip(tmp_path, "-r r.txt")
    (tmp_path / "c.txt").write_text("humanize<4.12\n")
    made = of_pip(tmp_path, "humanize>=4.10", "-c c.txt", dependencies=["setuptools=68", "pip=24.0"])
    names = ("setuptools", "pip", "humanize")
    versions = said(made, f"from importlib.metadata import version as v; print(*map(v, {names}))").split()
    assert versions[0].startswith("68.") and versions[1] == "24.0" and versions[2].startswith(("4.10", "4.11"))


@pytest.mark.slow
def test_pip_is_there_though_no_index_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    made = prepare(definition(), log=tmp_path / "log")
    subprocess.run([made.python, "-m", "pip", "--version"], check=True)


def test_pips_settings_reach_uv() -> None:
    environ = {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": "https://one.invalid/simple",
        "PIP_EXTRA_INDEX_URL": "https://two.invalid/simple https://three.invalid/simple",
        "PIP_TRUSTED_HOST": "one.invalid",
    }
    found = index_variables(environ)
    assert found["UV_DEFAULT_INDEX"] == "https://one.invalid/simple"
    assert found["UV_INDEX"] == "https://two.invalid/simple https://three.invalid/simple"
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match" and found["UV_INSECURE_HOST"] == "one.invalid"
    told = {**environ, "UV_INDEX_URL": "https://mine.invalid"}
    assert index_variables(told) == {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    assert index_variables({**told, "UV_INDEX_STRATEGY": "first-index"}) == {}
    assert index_variables(told, ["two.invalid"])["UV_INSECURE_HOST"] == "two.invalid"
    assert index_variables(environ, ["two.invalid"])["UV_INSECURE_HOST"] == "one.invalid two.invalid"


@pytest.mark.slow
@pytest.mark.parametrize("change", ["pip uninstall", "put in"])
def test_an_environment_that_a_job_has_changed_is_made_again(tmp_path: Path, change: str) -> None:
    package(tmp_path / "pkg", "1.0")
    made = of_pip(tmp_path, "./pkg")
    version = "import ownthing; print(ownthing.version)"
    assert made.hold is not None
    if change == "put in":
        site = next(Path(made.python).parents[1].glob("lib/python*/site-packages"))
        (site / "stray-9.dist-info").mkdir()
    else:
        subprocess.run([made.python, "-m", "pip", "uninstall", "-q", "-y", "ownthing"], check=True)
    with pytest.raises(EnvironmentFailed, match="other runs use it still"):
        of_pip(tmp_path, "./pkg")
    made.hold.release()
    again = of_pip(tmp_path, "./pkg")
    assert again.found == "built" and "a job has changed" in again.missed and said(again, version) == "1.0"


@pytest.mark.slow
def test_a_local_package_is_built_of_its_source_alone_and_left_as_it_is(tmp_path: Path) -> None:
    own = package(tmp_path / "pkg", "1.0")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "data.txt").write_text("one")
    (own / "linked").symlink_to(tmp_path / "elsewhere")
    (own / "build").mkdir()
    (own / "build" / "old.py").write_text("stale")
    before = sorted(str(path) for path in own.rglob("*"))
    first = of_pip(tmp_path, "./pkg")
    assert sorted(str(path) for path in own.rglob("*")) == before
    (tmp_path / "elsewhere" / "data.txt").write_text("two")
    assert of_pip(tmp_path, "./pkg").key != first.key, "what a link leads to counts"


@pytest.mark.slow
def test_a_local_package_that_asks_git_for_its_version_is_built_where_it_is(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    build = "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n"
    (own / "pyproject.toml").write_text(build + "[project]\nname = 'own'\ndynamic = ['version']\n")
    told = "import subprocess\nfrom setuptools import setup\n"
    told += (
        "setup(version=subprocess.check_output(['git', 'describe', '--tags'], text=True).strip(), py_modules=['own'])\n"
    )
    (own / "setup.py").write_text(told)
    (own / "own.py").write_text("")
    git = ["git", "-C", str(own), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "a"], ["tag", "3.4.5"]):
        subprocess.run([*git, *words], check=True)
    assert clean_copies({str(own): ""}, [str(own)], tmp_path / "copies") == [str(own)]
    made = of_pip(tmp_path, "./own")
    version = "from importlib.metadata import version; print(version('own'))"
    assert said(made, version) == "3.4.5"


def test_folders_that_links_lead_to_twice_are_copied_twice_and_loops_once(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "pkg" / "a").mkdir(parents=True)
    (own / "pkg" / "a" / "m.py").write_text("x = 1\n")
    (own / "pkg" / "b").symlink_to("a")
    (own / "pkg" / "a" / "up").symlink_to("..")
    (line,) = clean_copies({str(own): ""}, [str(own)], tmp_path / "copies")
    copied = sorted(path.relative_to(line).as_posix() for path in Path(line).rglob("*") if path.is_file())
    assert copied == ["pkg/a/m.py", "pkg/b/m.py"]
