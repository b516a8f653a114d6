"""`workbench compute test`: every fault that it knows, caused, is named with its remedy."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode
from workbench_store.cache_root import cache_root
from workbench_store.known import known_workspaces
from workbench_store.workspace import open_workspace

from tests.cli.terminal import Workbench
from tests.tui.workspace import Run

Findings = list[dict[str, str]]


def problems_of(done: subprocess.CompletedProcess[str]) -> Findings:
    findings: Findings = json.loads(done.stdout)
    problems = [one for one in findings if one["level"] == "problem"]
    assert done.returncode == (ExitCode.PROBLEMS if problems else ExitCode.COMPLETED), done.stderr
    assert all(one["remedy"] for one in problems)
    return problems


@pytest.fixture
def tested(workbench: Workbench) -> Callable[..., Findings]:
    """The problems that the test of `local` finds, with these variables set."""
    return lambda **variables: problems_of(workbench("compute", "test", "local", "--json", **variables))


def nvidia_smi(here: Path, script: str) -> str:
    """A PATH with an nvidia-smi that does that."""
    (here / "bin").mkdir(exist_ok=True)
    (here / "bin" / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (here / "bin" / "nvidia-smi").chmod(0o755)
    return f"{here / 'bin'}:{os.environ['PATH']}"


def test_a_machine_in_order_passes_and_nothing_is_left(workbench: Workbench, here: Path) -> None:
    done = workbench("compute", "test", "local")
    assert done.returncode == 0, done.stdout + done.stderr
    for word in (
        "shell",
        "Python",
        "uv at",
        "cache folder",
        "queue",
        "locks work",
        "GiB free",
        "clock",
        "GPUs",
        "tiny",
    ):
        assert word in done.stdout
    assert "PROBLEM" not in done.stdout and not (here / ".workbench").exists() and known_workspaces() == []


def test_in_a_workspace_nothing_of_the_test_stays(workbench: Workbench, here: Path) -> None:
    assert workbench("compute", "add", "gpu-box", "--slots", "2").returncode == 0
    done = workbench("compute", "test", "azureml:gpu-box")
    assert done.returncode == 0 and "ran from submit to its end" in done.stdout, done.stdout
    assert [*(here / ".workbench/runs").iterdir()] == [] and [*(here / ".workbench/tmp").iterdir()] == []
    assert [one.path for one in known_workspaces()] == [here / ".workbench"]
    assert (cache_root() / "slots").is_dir()


def test_a_compute_that_is_not_there(workbench: Workbench, here: Path) -> None:
    assert workbench("compute", "test", "gpu").returncode == ExitCode.WORKSPACE
    open_workspace(explicit=str(here))
    refused = workbench("compute", "test", "gpu")
    assert refused.returncode == ExitCode.REFUSED and "workbench compute add gpu" in refused.stderr


def test_a_shell_that_a_start_file_breaks(tested: Callable[..., Findings], here: Path) -> None:
    (here / "start.sh").write_text("echo welcome\n")
    loud = tested(BASH_ENV=str(here / "start.sh"))
    assert "welcome" in loud[0]["what"] and "BASH_ENV" in loud[0]["remedy"]
    (here / "start.sh").write_text("exit 3\n")
    shell, job = tested(BASH_ENV=str(here / "start.sh"))
    assert "ended with 3" in shell["what"] and "tiny job is Failed" in job["what"] and "code 3" in job["what"]


def test_uv_with_wrong_settings(tested: Callable[..., Findings]) -> None:
    (problem,) = tested(UV_CONFIG_FILE="/nonexistent/uv.toml")
    assert "uv at" in problem["what"] and "/nonexistent/uv.toml" in problem["what"]


def test_a_cache_that_cannot_be(tested: Callable[..., Findings]) -> None:
    (problem,) = tested(WORKBENCH_CACHE="/proc/nowhere")
    assert "cache folder" in problem["what"] and "WORKBENCH_CACHE" in problem["remedy"]


def test_a_queue_that_cannot_be_written(tested: Callable[..., Findings]) -> None:
    (cache_root() / "slots").write_text("in the way")
    queue, job = tested()
    assert "queue's folder" in queue["what"] and "tiny job is Failed" in job["what"]


@pytest.fixture
def small_disk(here: Path) -> Iterator[Path]:
    place = here / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(place)], check=False).returncode != 0:
        pytest.skip("only root may mount a file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_without_room(tested: Callable[..., Findings], small_disk: Path) -> None:
    (problem,) = tested(WORKBENCH_CACHE=str(small_disk / "cache"))
    assert "0.0 GiB free" in problem["what"] and "Make room" in problem["remedy"]


def test_gpus_are_those_that_nvidia_smi_lists(
    workbench: Workbench, tested: Callable[..., Findings], here: Path
) -> None:
    two = nvidia_smi(here, "printf '0\\n1\\n'")
    assert "GPUs: 0, 1" in workbench("compute", "test", "local", PATH=two).stdout
    chosen = workbench("compute", "test", "local", PATH=two, CUDA_VISIBLE_DEVICES="1")
    assert "GPUs by CUDA_VISIBLE_DEVICES: 1" in chosen.stdout and chosen.returncode == 0
    (gone,) = tested(PATH=two, CUDA_VISIBLE_DEVICES="0,7")
    assert "names GPU 7" in gone["what"] and "lists 0, 1" in gone["what"]
    broken = nvidia_smi(here, "echo 'Driver/library version mismatch' >&2; exit 18")
    (mismatch,) = tested(PATH=broken)
    assert "Driver/library version mismatch" in mismatch["what"] and "driver" in mismatch["remedy"]
    assert tested(PATH=broken, CUDA_VISIBLE_DEVICES="") == []


def test_a_clock_that_is_behind(tested: Callable[..., Findings], here: Path) -> None:
    layout = open_workspace(explicit=str(here))
    Run(layout, "of-tomorrow", time.time() + 86400)
    (problem,) = tested()
    assert "the clock is behind" in problem["what"] and "Set the clock" in problem["remedy"]


def test_taken_slots_are_no_fault_of_the_machine(workbench: Workbench, job: Callable[..., str], here: Path) -> None:
    assert workbench("compute", "add", "one", "--slots", "1").returncode == 0
    gated = "echo on > outputs/on; while ! test -e outputs/go; do sleep 0.05; done"
    assert workbench("run", job(gated, "name: busy\ncompute: one\n"), "--detach").returncode == 0
    outputs = here / ".workbench/runs/busy/outputs"
    deadline = time.monotonic() + 60
    while not (outputs / "on").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    done = workbench("compute", "test", "one", "--json", "--timeout", "2")
    assert done.returncode == 0, done.stdout
    (note,) = [one for one in json.loads(done.stdout) if one["level"] == "note"]
    assert "all slots are taken" in note["what"] and [*(here / ".workbench/tmp").iterdir()] == []
    (outputs / "go").touch()


def test_the_doctor_sees_the_same_of_the_machine(workbench: Workbench, here: Path) -> None:
    open_workspace(explicit=str(here))
    wrong = {"UV_CONFIG_FILE": "/nonexistent/uv.toml"}
    by_doctor = problems_of(workbench("doctor", "--json", **wrong))
    by_test = problems_of(workbench("compute", "test", "local", "--json", **wrong))
    assert by_doctor == by_test and len(by_test) == 1
