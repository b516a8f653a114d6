"""What every compute must do, whatever its kind. A new compute adds itself to COMPUTES and passes all of
it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workbench.compute import Compute, ComputeEntry, JobExit, JobLaunch, RunningJob
from workbench.compute.local import LocalCompute
from workbench_store.layout import RunLayout

from tests.lifecycle.launched import wait_until

COMPUTES: dict[str, Callable[[], Compute]] = {
    "local": lambda: LocalCompute(ComputeEntry("one", "local", {"slots": 1})),
}
DEADLINE_SECONDS = 30.0


@pytest.fixture(params=COMPUTES)
def compute(request: pytest.FixtureRequest) -> Compute:
    return COMPUTES[str(request.param)]()


@pytest.fixture
def files(tmp_path: Path) -> RunLayout:
    files = RunLayout(tmp_path / "runs" / "r")
    files.control.mkdir(parents=True)
    return files


@pytest.fixture
def start(compute: Compute, files: RunLayout, tmp_path: Path) -> Iterator[Callable[[str], RunningJob]]:
    """Starts a command on the compute; what is left of it is ended."""
    started: list[RunningJob] = []

    def start_command(command: str) -> RunningJob:
        environment = {**os.environ, "WORKBENCH_RUN_ID": f"id-of-{tmp_path.name}", "OWN": "value"}
        launch = JobLaunch(f"id-of-{tmp_path.name}", files, command, tmp_path, environment)
        started.append(compute.prepare(launch).start())
        return started[-1]

    yield start_command
    for job in started:
        job.end(0.0)


def ended(job: RunningJob) -> JobExit:
    """How the job ended, waited for with a deadline."""
    exit_ = job.wait(DEADLINE_SECONDS)
    assert exit_ is not None, "the job did not end"
    return exit_


def test_the_exit_code_and_the_time_are_told(start: Callable[[str], RunningJob]) -> None:
    exit_ = ended(start("exit 7"))
    assert (exit_.exit_code, exit_.signal) == (7, None)
    assert abs(exit_.ended - time.time()) < DEADLINE_SECONDS
    assert exit_.seconds is not None


def test_a_signal_is_told_by_name(start: Callable[[str], RunningJob]) -> None:
    exit_ = ended(start("kill -ABRT $$"))
    assert (exit_.exit_code, exit_.signal) == (None, "SIGABRT")


def test_output_and_errors_go_to_the_users_log(start: Callable[[str], RunningJob], files: RunLayout) -> None:
    ended(start("echo out; echo err >&2; echo $OWN; pwd"))
    lines = files.user_log.read_text().splitlines()
    assert lines[:3] == ["out", "err", "value"]


def test_the_working_directory_is_the_launchs(start: Callable[[str], RunningJob], tmp_path: Path) -> None:
    ended(start("pwd -P > here.txt"))
    assert (tmp_path / "here.txt").read_text().strip() == str(tmp_path.resolve())


def test_a_job_starts_with_the_systems_signal_handling(start: Callable[[str], RunningJob], files: RunLayout) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        exit_ = ended(start("kill -HUP $$; echo survived"))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert exit_.signal == "SIGHUP"


def test_waiting_for_a_running_job_gives_nothing_and_ending_it_ends_all(
    start: Callable[[str], RunningJob], tmp_path: Path
) -> None:
    job = start("(trap '' TERM; sleep 1000 & touch both; wait) & sleep 1000")
    wait_until((tmp_path / "both").exists, "the job's processes to be there")
    assert job.wait(0.2) is None
    assert job.elapsed() > 0
    assert job.end(0.5) >= 2
    how = ended(job)
    # Its shell may hear of its child's end before its own signal, and then exits with what that means.
    assert how.signal in ("SIGTERM", "SIGKILL") or how.exit_code == 128 + signal.SIGTERM
    assert job.end(0.5) == 0


def test_a_later_supervisor_finds_the_job(
    start: Callable[[str], RunningJob], compute: Compute, files: RunLayout, tmp_path: Path
) -> None:
    assert compute.find(files, f"id-of-{tmp_path.name}") is None
    job = start("sleep 1000")
    assert job.wait(0.1) is None
    wait_until(lambda: compute.find(files, f"id-of-{tmp_path.name}"), "the job to be named")
    found = compute.find(files, f"id-of-{tmp_path.name}")
    assert found is not None
    assert found.wait(0.1) is None
    found.end(DEADLINE_SECONDS)
    assert ended(found).signal == "SIGTERM"


def test_a_place_is_had_at_once_and_the_next_waits(compute: Compute) -> None:
    positions: list[int] = []
    first = compute.allocate(positions.append, lambda: False)
    assert first is not None
    assert positions == []
    second = compute.allocate(positions.append, lambda: bool(positions))
    assert second is None
    assert positions == [1]
    first.release()
    first.release()
    third = compute.allocate(positions.append, lambda: False)
    assert third is not None
    third.release()


def test_whoever_waits_gets_the_place_when_it_is_released(compute: Compute) -> None:
    waiting, got = threading.Event(), threading.Event()
    first = compute.allocate(lambda position: None, lambda: False)
    assert first is not None

    def wait_for_place() -> None:
        second = compute.allocate(lambda position: waiting.set(), lambda: False)
        assert second is not None
        second.release()
        got.set()

    thread = threading.Thread(target=wait_for_place)
    thread.start()
    assert waiting.wait(DEADLINE_SECONDS)
    assert not got.is_set()
    first.release()
    assert got.wait(DEADLINE_SECONDS)
    thread.join()


def test_an_allocation_can_be_recorded(compute: Compute) -> None:
    import json

    place = compute.allocate(lambda position: None, lambda: False)
    assert place is not None
    json.dumps(dict(place.detail))
    assert all(isinstance(value, str) for value in place.environment.values())
    place.release()
