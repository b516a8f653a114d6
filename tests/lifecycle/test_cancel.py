"""Cancel and time limits: everything that belongs to the job ends, whatever it does about it."""

import os
import signal
from pathlib import Path

import pytest
from workbench.compute import add_compute
from workbench.lifecycle import adopt, cancel, close_run
from workbench.lifecycle.files import read_json
from workbench_store.errors import RunError
from workbench_store.processes import process_start, process_stopped
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch, wait_until
from workbench import Output


def test_a_job_may_clean_up_when_it_is_cancelled(launch: Launch) -> None:
    run = launch("trap 'echo cleaned > outputs/c; exit 0' TERM; echo on > outputs/on; while :; do sleep 0.05; done")
    run.wait_for_file("on")
    cancel(run.layout, run.name)
    assert run.finish() is RunState.CANCELED
    assert "outputs/c" in run.artifacts()
    assert "CancelRequested" in run.states()


def test_children_that_ignore_the_request_or_left_the_session_are_killed(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CANCEL_GRACE", "0.3")
    stubborn = "trap '' TERM; while :; do sleep 0.05; done"
    run = launch(
        f'sh -c "echo \\$\\$ > outputs/child; {stubborn}" &'
        f'setsid sh -c "echo \\$\\$ > outputs/away; {stubborn}" &'
        f'(env -i setsid sh -c "echo \\$\\$ > outputs/unmarked; {stubborn}" &) ; sleep 1000'
    )
    files = [run.wait_for_file(name) for name in ("child", "away", "unmarked")]
    wait_until(lambda: all(file.read_text().strip() for file in files), "the children's PIDs")
    pids = [int(file.read_text()) for file in files]
    cancel(run.layout, run.name)
    assert run.finish() is RunState.CANCELED
    assert [pid for pid in pids if process_start(pid) is not None] == []


def test_a_run_in_the_queue_is_cancelled(launch: Launch) -> None:
    run = launch("true")
    add_compute(run.layout, "one", "local", {"slots": 1})
    first = launch("echo on > outputs/on; sleep 1000", compute="one")
    first.wait_for_file("on")
    second = launch("echo never > outputs/never", compute="one")
    second.wait_for(RunState.QUEUED)
    assert second.events("progress")[0]["text"] == "position 1 in the queue"
    cancel(second.layout, second.name)
    assert second.finish() is RunState.CANCELED
    assert not second.files.job_process.exists()
    third = launch("true", compute="one")
    third.wait_for(RunState.QUEUED)
    cancel(first.layout, first.name)
    assert third.finish() is RunState.COMPLETED


def test_a_supervisor_that_is_stopped_is_named_with_the_way_on(launch: Launch) -> None:
    run = launch("echo on > outputs/on; sleep 1000")
    run.wait_for_file("on")
    pid = (read_json(run.files.supervisor_process) or {})["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: process_stopped(pid, process_start(pid)), "the supervisor's stop")
        for action in (cancel, adopt, lambda layout, name: close_run(layout, name, RunState.FAILED)):
            with pytest.raises(RunError, match=f"PID {pid}.* is stopped") as refused:
                action(run.layout, run.name)
            assert f"kill -CONT {pid}" in str(refused.value)
        assert run.state is RunState.RUNNING
    finally:
        os.kill(pid, signal.SIGCONT)
    assert run.finish() is RunState.CANCELED, "the request was kept"


def test_what_was_written_is_saved_though_somebody_cancels_then(launch: Launch, here: Path) -> None:
    text = "mkdir -p ${{outputs.o}}; cd ${{outputs.o}}; seq 4000 | split -l 1 -a 4"
    run = launch(text, outputs={"o": Output(mode="upload", path=str(here / "kept"))})
    run.wait_for(RunState.FINALIZING, RunState.COMPLETED)
    with pytest.raises(RunError, match="being saved: there is nothing left to cancel"):
        cancel(run.layout, run.name)
    assert run.finish() is RunState.COMPLETED
    assert not run.files.cancel_request.exists() and len(list((here / "kept").iterdir())) == 4_000


def test_the_time_limit_cancels(launch: Launch) -> None:
    run = launch("echo on > outputs/on; sleep 1000", timeout=1)
    assert run.finish() is RunState.CANCELED
    assert run.last_state()["reason"] == "limits.timeout of 1 s reached"
    assert "outputs/on" in run.artifacts()


def test_a_killed_waiter_frees_its_place(launch: Launch) -> None:
    run = launch("true")
    add_compute(run.layout, "one", "local", {"slots": 1})
    first = launch("echo on > outputs/on; while ! test -e outputs/go; do sleep 0.05; done", compute="one")
    first.wait_for_file("on")
    waiters = []
    for _ in range(2):
        waiters.append(launch("true", compute="one"))
        waiters[-1].wait_for(RunState.QUEUED)
    assert waiters[1].events("progress")[0]["text"] == "position 2 in the queue"
    waiters[0].kill_supervisor()
    wait_until(lambda: waiters[1].events("progress")[-1]["text"] == "position 1 in the queue", "the place ahead")
    (first.files.outputs / "go").touch()
    assert waiters[1].finish() is RunState.COMPLETED
