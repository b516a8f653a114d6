"""The stages of a run up to the end of its command: environment, provision, stage, run."""

import os
import time
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace
from workbench_store.faults import fault
from workbench_store.journal.lost import log_lacks
from workbench_store.layout import RunLayout
from workbench_store.states import RunState
from workbench_store.words import counted

from workbench.compute.process_end import Family, end_family
from workbench.compute.protocol import Allocation, JobExit, JobLaunch, PreparedJob, RunningJob
from workbench.lifecycle.ending import Ending, canceled, failed, of_exit
from workbench.lifecycle.environments import PreparedVariables, prepare_environment
from workbench.lifecycle.fingerprints import hash_inputs
from workbench.lifecycle.history import state_changes
from workbench.lifecycle.job_environment import job_environment
from workbench.lifecycle.plan import Plan
from workbench.lifecycle.ranks import command_of, launch_ranks
from workbench.lifecycle.shut import Shut
from workbench.lifecycle.staging import code_folder, prepare_outputs, stage_code
from workbench.lifecycle.supervision import Supervision
from workbench.lifecycle.system_metrics import SystemMetrics

#: How the stage in which the command runs has ended, by what the run will be.
_STATUS = {RunState.COMPLETED: "done", RunState.FAILED: "failed", RunState.CANCELED: "canceled"}
_WAIT_SECONDS = 0.1
#: Processes that the command left behind when it ended by itself have this long to end.
_LEFTOVER_GRACE_SECONDS = 1.0
#: What ends by itself a moment after the command, as the servers of Python's multiprocessing do, is not left behind.
_LEFTOVER_PATIENCE_SECONDS = 0.5
_DEFAULT_GRACE_SECONDS = 10.0


def from_the_start(supervision: Supervision) -> Ending:
    """All stages. Raises Canceled, WorkbenchError or OSError when a stage before the command cannot be
    done."""
    prepared = _environment(supervision)
    supervision.check_cancel()
    allocation = _provision(supervision)
    try:
        supervision.check_cancel()
        job = supervision.compute.prepare(_launch(supervision, prepared, allocation))
        fault("job.prepared")
        try:
            _stage(supervision, prepared)
            supervision.check_cancel()
            return _start_and_run(supervision, job, allocation)
        finally:
            job.drop()
    finally:
        allocation.release()


def take_over(supervision: Supervision) -> Ending:
    """The command that an earlier supervisor started, from wherever it is now."""
    job = supervision.compute.find(supervision.files, supervision.plan.id)
    if job is not None:
        return _run(supervision, job)
    end_family(own_family(supervision.plan, supervision.files), grace_seconds())
    supervision.check_cancel()
    return failed("the supervisor ended before the command was started")


def own_family(plan: Plan, files: RunLayout) -> Family:
    """All processes of the run but this one, its supervisor."""
    me = frozenset({os.getpid()})
    return Family(plan.id, files.root, frozenset(), me, me)


def grace_seconds() -> float:
    """How long a cancelled job has between SIGTERM and SIGKILL: WORKBENCH_CANCEL_GRACE, or 10 s."""
    try:
        return max(0.0, float(os.environ.get("WORKBENCH_CANCEL_GRACE", "")))
    except ValueError:
        return _DEFAULT_GRACE_SECONDS


def _environment(supervision: Supervision) -> PreparedVariables:
    supervision.check_cancel()
    supervision.recorder.state(RunState.PREPARING)
    family = own_family(supervision.plan, supervision.files)
    with supervision.recorder.stage("environment") as detail:
        try:
            # A build that runs in a program of its own ends when that program is killed.
            with supervision.watch.interrupting(lambda: end_family(family, 0.0)):
                prepared = prepare_environment(supervision.plan, supervision.files, _prefix(supervision))
        except Exception:
            supervision.check_cancel()
            raise
        detail["found"] = prepared.record.get("found")
    supervision.recorder.event("environment", **prepared.record)
    return prepared


def _prefix(supervision: Supervision) -> Path:
    """Where pip installs what the job asks it to."""
    return supervision.layout.staged(supervision.plan.name) / "pip"


def _make_prefix(prefix: Path, packages: Path) -> None:
    packages.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(prefix / "lib64"):
        (prefix / "lib64").symlink_to("lib")  # as in a virtual environment: some Pythons put compiled packages there


def _provision(supervision: Supervision) -> Allocation:
    """A place on the compute; the run is Queued only while it has to wait. Raises Canceled."""

    def waiting(position: int) -> None:
        if not told:
            supervision.recorder.state(RunState.QUEUED)
        told.append(position)
        supervision.recorder.event("progress", stage="provision", text=f"position {position} in the queue")

    told: list[int] = []
    processes = supervision.plan.processes.total
    with supervision.recorder.stage("provision") as detail:
        allocation = supervision.compute.allocate(waiting, supervision.watch.cancelled.is_set, processes)
        if allocation is None:
            supervision.check_cancel()
            raise RuntimeError("the compute gave no place although nobody cancelled")
        detail.update(allocation.detail)
    return allocation


def _stage(supervision: Supervision, prepared: PreparedVariables) -> None:
    supervision.recorder.state(RunState.STARTING)
    with supervision.recorder.stage("stage") as detail:
        for text in stage_code(supervision.layout, supervision.plan):
            supervision.recorder.warning(text)
        if prepared.packages is not None:
            _make_prefix(_prefix(supervision), prepared.packages)
        if any(item.brought for item in supervision.plan.inputs):
            from workbench.lifecycle.bringing import bring_inputs

            bring_inputs(supervision, detail)
        prepare_outputs(supervision.plan)


def _start_and_run(supervision: Supervision, prepared: PreparedJob, allocation: Allocation) -> Ending:
    # The ports that ranks are told are free now, not before an hour of downloads.
    ranks = launch_ranks(supervision.plan.processes, allocation.environment.get("CUDA_VISIBLE_DEVICES"))
    with supervision.recorder.stage("run") as detail:
        job = prepared.start(ranks)
        fault("job.spawned")
        supervision.recorder.state(RunState.RUNNING)
        hash_inputs(supervision.plan, supervision.recorder)
        ending = _watch_job(supervision, job)
        detail["status"] = _STATUS[ending.state]
        return ending


def _launch(supervision: Supervision, prepared: PreparedVariables, allocation: Allocation) -> JobLaunch:
    from workbench.client.bundle import ensure_bundle

    plan, code = supervision.plan, code_folder(supervision.layout, supervision.plan.name)
    variables = job_environment(
        supervision.layout,
        plan,
        inherited=os.environ,
        environment=prepared.variables,
        allocation=allocation.environment,
        code=code,
        bundle=ensure_bundle(supervision.layout),
        packages=prepared.packages,
    )
    command = command_of(plan.processes, plan.command, supervision.files, variables)
    kept = (*allocation.descriptors, *prepared.descriptors)
    return JobLaunch(plan.id, supervision.files, command, code, variables, kept, plan.processes.total)


def _run(supervision: Supervision, job: RunningJob) -> Ending:
    supervision.recorder.state(RunState.RUNNING)
    with supervision.recorder.stage("run") as detail:
        ended = job.wait(0.0)
        ending = _watch_job(supervision, job) if ended is None else _ended(supervision, job, _dated(ended, supervision))
        detail["status"] = _STATUS[ending.state]
        detail["seconds"] = _seconds(supervision.files, ending)  # it may have ended long before it was adopted
        return ending


def _dated(ended: JobExit, supervision: Supervision) -> JobExit:
    """An end that nobody saw, as when the machine went down, was after the last sign of life, and not just now."""
    unseen = ended.exit_code is None and ended.signal is None
    return replace(ended, ended=supervision.seen) if unseen and supervision.seen else ended


def _seconds(files: RunLayout, ending: Ending) -> float | None:
    """How long the command took; by the times of what was recorded, where no monotonic clock told."""
    if ending.seconds is not None or ending.ended is None:
        return ending.seconds
    began = [change.time for change in state_changes(files) if change.state is RunState.RUNNING]
    return max(0.0, ending.ended - began[0]) if began else None


def _watch_job(supervision: Supervision, job: RunningJob) -> Ending:
    """Wait for the command's end, a request to cancel or the time limit; the job leaves nothing behind."""
    timeout, shut = supervision.plan.timeout, Shut(supervision.files)
    with SystemMetrics(supervision.files) as metrics:
        while True:
            try:
                ended = job.wait(_WAIT_SECONDS)
            except OSError:
                if not shut.passing():
                    raise
                time.sleep(_WAIT_SECONDS)
                continue
            if shut.passing():  # nor can it be told that it has ended
                time.sleep(_WAIT_SECONDS)
                continue
            if ended is not None:
                return _ended(supervision, job, ended)
            if supervision.watch.cancelled.is_set():
                return _cancel(supervision, job, None)
            if timeout is not None and job.elapsed() > timeout:
                return _cancel(supervision, job, f"limits.timeout of {timeout:g} s reached")
            metrics.watch(job)


def _ended(supervision: Supervision, job: RunningJob, ended: JobExit) -> Ending:
    fault("job.ended")
    _tell_what_the_log_lacks(supervision, ended)
    left = job.end(_LEFTOVER_GRACE_SECONDS, _LEFTOVER_PATIENCE_SECONDS)
    if left:
        supervision.recorder.warning(f"ended what the command left behind: {counted(left, 'process', 'processes')}")
    cancelled = supervision.is_to_be_cancelled() and ended.exit_code != 0
    return canceled(None, ended) if cancelled else of_exit(ended)


def _tell_what_the_log_lacks(supervision: Supervision, ended: JobExit) -> None:
    if ended.unsaved:
        # By whoever takes it over too.
        supervision.recorder.event("warning", text=log_lacks(ended.unsaved), of="its log")
    if ended.unheard:
        text = "nobody was there to take what the command printed last: its log may lack the end"
        supervision.recorder.event("warning", text=text, of="its log's end")


def _cancel(supervision: Supervision, job: RunningJob, reason: str | None) -> Ending:
    supervision.recorder.state(RunState.CANCEL_REQUESTED, reason)
    job.end(grace_seconds())
    ended: JobExit | None = None
    with suppress(OSError):
        ended = job.wait(_DEFAULT_GRACE_SECONDS)
    if ended is not None:
        _tell_what_the_log_lacks(supervision, ended)
    return canceled(reason, ended)
