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
from workbench_store.census import known_workspaces
from workbench_store.workspace import open_workspace

from tests.cli.terminal import Workbench
from tests.small_disk import small_disk
from tests.tui.workspace import Run

pytestmark = pytest.mark.slow

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
        " free at ",
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
    assert refused.returncode == ExitCode.NOT_FOUND and "workbench compute add gpu" in refused.stderr


def test_a_shell_that_a_start_file_breaks(tested: Callable[..., Findings], here: Path) -> None:
    (here / "start.sh").write_text("echo welcome\n")
    loud = tested(BASH_ENV=str(here / "start.sh"))
    assert "welcome" in loud[0]["what"] and "BASH_ENV" in loud[0]["remedy"]
    assert "its log has other words than" in loud[1]["what"] and "'welcome'" in loud[1]["what"]
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
def disk(here: Path) -> Iterator[Path]:
    with small_disk(here / "disk", 32 * 1024**2) as place:
        yield place


def test_a_disk_without_room(tested: Callable[..., Findings], disk: Path) -> None:
    (problem,) = tested(WORKBENCH_CACHE=str(disk / "cache"))
    assert "MiB free" in problem["what"] and "Make room" in problem["remedy"]


def fill_with_files(folder: Path) -> None:
    """Until no more fit."""
    folder.mkdir()
    with pytest.raises(OSError, match="No space"):
        for number in range(100_000):
            (folder / str(number)).touch()


def test_a_cache_that_takes_no_more_files(tested: Callable[..., Findings], disk: Path) -> None:
    cache = disk / "cache"
    (cache / "slots").mkdir(parents=True)
    subprocess.run(["mount", "-o", "remount,nr_inodes=200", str(disk)], check=True)
    fill_with_files(disk / "others")
    problems = tested(WORKBENCH_CACHE=str(cache))
    for part in (
        "queue's folder",
        "locks cannot be tried",
        "no room for another file",
        "clock of the disk",
        "tiny job",
    ):
        assert [part in one["what"] for one in problems].count(True) == 1, (part, problems)
    assert all("permission" not in one["remedy"] for one in problems)
    assert all("df -i" in one["remedy"] for one in problems if "tiny" not in one["what"])


def test_a_workspace_that_cannot_be_written(tested: Callable[..., Findings], here: Path) -> None:
    layout = open_workspace(explicit=str(here))
    layout.tmp.rmdir()
    layout.tmp.write_text("in the way")
    (problem,) = tested()
    assert "no job can be submitted" in problem["what"] and str(layout.tmp) in problem["what"]


def test_a_workspace_that_is_mounted_read_only(
    workbench: Workbench, tested: Callable[..., Findings], disk: Path
) -> None:
    layout = open_workspace(explicit=str(disk))
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    *_, job = tested(WORKBENCH_WORKSPACE=str(layout.root))
    assert "Read-only file system" in job["what"] and "permission" in job["remedy"]


@pytest.mark.parametrize("seconds", ["-1", "0", "nan", "inf", "soon"])
def test_a_timeout_that_is_none(workbench: Workbench, seconds: str) -> None:
    refused = workbench("compute", "test", "local", f"--timeout={seconds}")
    assert refused.returncode == ExitCode.USAGE and "seconds above 0" in refused.stderr


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
    none = workbench("compute", "test", "local", PATH=nvidia_smi(here, "echo No devices were found"))
    assert none.returncode == 0 and "note" in none.stdout and "'No devices were found'" in none.stdout


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
