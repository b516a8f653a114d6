"""The wheel, built and used from a clean environment, beside files that bear the names of our folders."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that has the wheel itself, and finds the dependencies where the tests have them."""
    environment = tmp_path_factory.mktemp("clean") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (site,) = environment.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    import duckdb

    (site / "dependencies.pth").write_text(str(Path(duckdb.__file__).parents[1]) + "\n")
    return environment / "bin" / "python"


def test_the_wheel_holds_three_packages_and_their_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "workbench",
        "workbench_store",
        "workbench_widgets",
    }
    assert any(name.endswith(".tcss") for name in names)
    assert any("environment" in name and name.endswith((".toml", ".json")) for name in names)


def test_a_run_works_from_the_wheel_beside_decoys(clean_python: Path, here: Path) -> None:
    for decoy in ("store.py", "widgets.py", "demo.py", "tests.py"):
        (here / decoy).write_text("raise SystemExit('the decoy was imported')\n")
    (here / "store").mkdir()
    (here / "widgets").mkdir()
    (here / "code").mkdir()
    (here / "code" / "main.py").write_text("import workbench\nworkbench.log({'loss': 0.25}, step=1)\n")
    (here / "job.yml").write_text("command: python main.py\ncode: ./code\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}

    def workbench(*words: str) -> str:
        done = subprocess.run(
            [str(clean_python), "-m", "workbench", *words], cwd=here, env=environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    workbench("run", "job.yml")
    listed = workbench("ls", "--json")
    assert '"Completed"' in listed
    name = __import__("json").loads(listed)["runs"][0]["name"]
    assert '"loss"' in workbench("show", name, "--json")
