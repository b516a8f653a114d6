"""What a job installs with pip is its own: neither the cached environment nor the Python that submitted changes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from workbench.lifecycle.logs import read_log
from workbench.spec import Environment
from workbench_store.cache_root import cache_root
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch, Launched, wait_until
from tests.own_package import package

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(autouse=True)
def no_conda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_CONDA", "")


def shelved() -> dict[str, bytes]:
    """The files of the cached environments, but for what Python compiled."""
    paths = [path for path in (cache_root() / "environments").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path): path.read_bytes() for path in paths}


def output(run: Launched) -> str:
    wait_until(lambda: run.state not in (RunState.PREPARING, RunState.QUEUED), "the environment")
    assert run.finish() is RunState.COMPLETED, read_log(run.files)
    return read_log(run.files).strip()


ENVIRONMENT = Environment(conda_file={"dependencies": [f"python={MINOR}", "humanize=4.11.0"]})


@pytest.mark.slow
def test_each_job_has_what_it_installs_and_leaves_no_trace(launch: Launch, tmp_path: Path) -> None:
    def job(command: str) -> str:
        return output(launch(f"pip install -q --no-deps {command}", environment=ENVIRONMENT)).splitlines()[-1]

    look = "python -c 'import humanize as h; print(h.__version__)'"
    assert output(launch(look, environment=ENVIRONMENT)) == "4.11.0"
    before = shelved()
    submitting = subprocess.check_output([sys.executable, "-m", "pip", "freeze"])
    assert job(f"humanize==4.12.0 && {look}") == "4.12.0"
    assert job(f"humanize==4.10.0 && {look}") == "4.10.0"
    own = "python -c 'import ownthing as o; print(o.version)'"
    assert job(f"{package(tmp_path / 'one', '1.0')} && {own}") == "1.0"
    edited = package(tmp_path / "two", "2.0")
    assert job(f"-e {edited} && {own}") == "2.0"
    assert shelved() == before
    assert subprocess.check_output([sys.executable, "-m", "pip", "freeze"]) == submitting


@pytest.mark.slow
def test_the_submitting_venv_does_not_stand_in(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    words = output(launch("command -v pip; echo $PATH; echo $PIP_PREFIX", environment=ENVIRONMENT)).splitlines()
    assert words[0].startswith(str(cache_root())) and folder not in words[1].split(":")
    assert words[1].startswith(f"{words[2]}/bin:") and not Path(words[2]).exists()
    # What a job that submits has installed is not for the job that it submits.
    monkeypatch.setenv("PIP_PREFIX", "/outer")
    monkeypatch.setenv("PYTHONPATH", f"{os.environ.get('PYTHONPATH', '')}:/mine:/outer/lib/python3.8/site-packages")
    paths = output(launch("echo $PYTHONPATH", environment=ENVIRONMENT)).split(":")
    assert "/mine" in paths and not any(path.startswith("/outer") for path in paths)
    assert paths[-2].endswith(f"/pip/lib/python{MINOR}/site-packages")
    told = launch("echo $PIP_PREFIX-$PIP_TARGET", environment=ENVIRONMENT, environment_variables={"PIP_TARGET": "/t"})
    assert output(told) == "-/t"
    monkeypatch.delenv("PIP_PREFIX")
    plain = output(launch("command -v python; echo $PIP_PREFIX.")).splitlines()
    assert plain == [str(Path(folder) / "python"), "."]
