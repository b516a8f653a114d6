"""Metrics of GPUs, from a program called nvidia-smi that is found on PATH and does as it likes."""

import os
from pathlib import Path

import pytest
from workbench.client.gpu_metrics import gpu_figures
from workbench.lifecycle import submit
from workbench.spec import load_job
from workbench_store.processes import process_start
from workbench_store.workspace import open_workspace

from tests.client.scripts import run_script, store_of, the_run
from tests.lifecycle.launched import wait_until
from workbench import Workspace

TWO = """\
0, GPU-aaaa-1111, 35, 1024, 4096, 61, 120.50
1, GPU-bbbb-2222, 0, 0, 4096, 40, [N/A]
"""
#: Waits until its run has points of system metrics, and of GPUs where these are wanted.
SCRIPT = """
import os, sys, time, workbench
with workbench.start_run(name="r", system_metrics=0.1) as run:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        journals = b"".join(path.read_bytes() for path in run.path.glob("journal/system-*.wbj"))
        if all(journals.count(key.encode()) >= 2 for key in os.environ["WANTED"].split()):
            break
        time.sleep(0.05)
    else:
        sys.exit("waited in vain")
"""


def fake(here: Path, body: str) -> str:
    """A PATH that begins with a program of that name."""
    program = here / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


def gpus_of(here: Path, body: str, **environ: str) -> dict[str, float]:
    done = run_script(here, SCRIPT, PATH=fake(here, body), **environ)
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    return {one.key: one.last for one in store.metrics(the_run(store)) if "gpu" in one.key}


ALL = "system/cpu_percent system/gpu.0/utilization_percent"


def test_each_gpu_has_its_figures(here: Path) -> None:
    found = gpus_of(here, f"cat <<'END'\n{TWO}END", WANTED=ALL)
    assert found == {
        "system/gpu.0/utilization_percent": 35.0,
        "system/gpu.0/memory_bytes": 1024.0**3,
        "system/gpu.0/memory_percent": 25.0,
        "system/gpu.0/temperature_celsius": 61.0,
        "system/gpu.0/power_watts": 120.5,
        "system/gpu.1/utilization_percent": 0.0,
        "system/gpu.1/memory_bytes": 0.0,
        "system/gpu.1/memory_percent": 0.0,
        "system/gpu.1/temperature_celsius": 40.0,
    }


@pytest.mark.parametrize(
    "body", ["exit 9", "exec sleep 600", "echo 'NVIDIA-SMI has failed'", "kill -9 $$", "printf '\\377\\000, ,\\n'"]
)
def test_one_that_fails_or_hangs_stops_nothing(here: Path, body: str) -> None:
    assert gpus_of(here, body, WANTED="system/cpu_percent") == {}


def test_only_the_gpus_that_the_script_sees(here: Path) -> None:
    found = gpus_of(
        here,
        f"cat <<'END'\n{TWO}END",
        CUDA_VISIBLE_DEVICES="1",
        WANTED="system/cpu_percent system/gpu.1/utilization_percent",
    )
    assert found and all(key.startswith("system/gpu.1/") for key in found)


@pytest.mark.parametrize(
    ("visible", "indices"),
    [
        (None, "01"),
        ("", ""),
        ("-1", ""),
        ("0", "0"),
        ("1,0", "01"),
        ("0,-1,1", "0"),
        ("GPU-bbbb", "1"),
        ("GPU-aaaa-1111, 1", "01"),
        ("MIG-GPU-aaaa-1111/1/0", "0"),
        ("7", ""),
        ("NoDevFiles", ""),
    ],
)
def test_devices_are_named_as_cuda_names_them(visible: str | None, indices: str) -> None:
    assert {key.split("/")[1] for key in gpu_figures(TWO, visible)} == {f"gpu.{index}" for index in indices}


def test_a_job_shows_the_gpu_that_it_was_given(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = f'case "$*" in *uuid*) cat <<\'END\'\n{TWO}END\n;; *) printf "0\\n1\\n";; esac'
    monkeypatch.setenv("PATH", fake(here, body))
    monkeypatch.setenv("WORKBENCH_SYSTEM_METRICS", "0.1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    (here / "job.yml").write_text("command: 'echo $CUDA_VISIBLE_DEVICES; while [ ! -e $GO ]; do sleep 0.05; done'\n")
    monkeypatch.setenv("GO", str(here / "go"))
    layout = open_workspace()
    name = submit(layout, load_job(here / "job.yml"))
    run = Workspace().run(name)
    wait_until(lambda: any("gpu" in key for key in run.metrics()), "metrics of the GPU")
    (here / "go").touch()
    run.wait(60)
    assert run.logs() == "1\n"
    assert {key.split("/")[1] for key in run.metrics() if "gpu" in key} == {"gpu.1"}


def test_a_program_that_hangs_does_not_outlive_the_run(here: Path) -> None:
    path = fake(here, f"echo $$ > {here}/pid; exec sleep 1000")
    text = "import os, time, workbench\nwith workbench.start_run(system_metrics=0.1):\n"
    text += f"    while not os.path.exists({str(here / 'pid')!r}) or not open({str(here / 'pid')!r}).read():\n"
    text += "        time.sleep(0.02)\n"
    done = run_script(here, text, PATH=path)
    assert done.returncode == 0, done.stderr
    pid = int((here / "pid").read_text())
    wait_until(lambda: process_start(pid) is None, "the end of the program")
