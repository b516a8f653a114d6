"""`make setup`: it leaves a `.venv` alone that is up to date, and can make it again whatever is first on PATH."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def project(here: Path) -> Path:
    """A project to set up, in which installing with pip is nothing, so that no index is asked."""
    (here / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup.sh", here / "scripts")
    (here / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (here / "no-pip" / "pip").mkdir(parents=True)
    for name in ("__init__.py", "__main__.py"):
        (here / "no-pip" / "pip" / name).write_text("")
    return here


def set_up(project: Path, *first: Path) -> str:
    path = os.pathsep.join([*map(str, first), str(Path(sys._base_executable).parent), os.environ["PATH"]])  # type: ignore[attr-defined]
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "CI")}
    environ |= {"PATH": path, "PYTHONPATH": str(project / "no-pip")}
    done = subprocess.run(["bash", "scripts/setup.sh"], cwd=project, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert subprocess.run([project / ".venv/bin/python", "-c", ""]).returncode == 0
    return done.stderr


def test_the_virtual_environment_may_be_first_on_path(project: Path) -> None:
    assert "making .venv" in set_up(project)
    own = project / ".venv" / "bin"
    assert "making .venv" not in set_up(project, own), "it is up to date, whoever asks"
    (project / "pyproject.toml").write_text("[project]\nname = 'y'\n")
    assert "making .venv" in set_up(project, own)
    assert "making .venv" not in set_up(project)
