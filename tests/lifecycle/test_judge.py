"""Who may be judged: scripts' own runs by their lock, runs of other hosts never."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from workbench.lifecycle import cancel
from workbench.lifecycle.files import write_json
from workbench.lifecycle.judge import current_state, judge
from workbench.lifecycle.recorder import RunRecorder
from workbench_store.errors import RunError
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch, wait_until

HOLD = """
import sys, time
from pathlib import Path
from workbench_store.locks import FileLock
lock = FileLock(Path(sys.argv[1])); lock.acquire(); print("held", flush=True); time.sleep(1000)
"""


def script_run(layout: WorkspaceLayout) -> RunLayout:
    files = layout.run("scripted")
    files.control.mkdir(parents=True)
    write_json(files.identity, {"name": "scripted", "id": "x", "kind": "script"})
    recorder = RunRecorder(files, "script", 1)
    recorder.state(RunState.RUNNING)
    recorder.close()
    return files


def test_a_script_that_is_killed_leaves_a_failed_run(layout: WorkspaceLayout) -> None:
    files = script_run(layout)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(files.script_lock)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    assert judge(layout) == {}
    with pytest.raises(RunError, match="script"):
        cancel(layout, "scripted")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    wait_until(lambda: FileLock.is_free(files.script_lock), "the script's lock")
    assert judge(layout) == {"scripted": RunState.FAILED}
    assert current_state(files) is RunState.FAILED
    assert judge(layout) == {}


def test_a_run_of_another_host_is_not_judged(launch: Launch) -> None:
    run = launch("echo on > outputs/on; sleep 1000")
    run.wait_for_file("on")
    run.kill_supervisor()
    record = json.loads(run.files.supervisor_process.read_text())
    write_json(run.files.supervisor_process, {**record, "host": "elsewhere", "boot": "another"})
    assert judge(run.layout, [run.name]) == {}
    assert run.state is RunState.RUNNING


def test_a_run_of_an_earlier_boot_is_dead_whatever_its_pids_say(launch: Launch) -> None:
    from workbench.lifecycle import adopt

    run = launch("echo on > outputs/on; sleep 1000")
    run.wait_for_file("on")
    run.kill_supervisor()
    for pid in run.processes():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not run.processes(), "the job's death")
    for path in (run.files.exit_status, Path(f"{run.files.exit_status}.tmp")):
        path.unlink(missing_ok=True)  # of a parent that saw the job end
    record = json.loads(run.files.job_process.read_text())
    write_json(run.files.job_process, {**record, "boot": "earlier", "pid": os.getpid(), "parent": os.getpid()})
    assert judge(run.layout, [run.name]) == {run.name: RunState.NOT_RESPONDING}
    adopt(run.layout, run.name)
    assert run.finish() is RunState.FAILED
    assert "unknown" in run.last_state()["reason"]


def test_judging_passes_over_what_is_no_run(layout: WorkspaceLayout, tmp_path: Path) -> None:
    (layout.runs / "empty").mkdir(parents=True)
    assert judge(layout) == {}
    assert judge(layout, ["empty", "missing"]) == {}
