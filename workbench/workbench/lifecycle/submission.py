"""Submit: refusals first, then the snapshot, then the run's folder made whole and shown at once, held by its
supervisor."""

import errno
import os
import shutil
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import replace as with_fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec.structs import replace
from workbench_store.cache_root import usable_cache
from workbench_store.content_lock import adding_content
from workbench_store.errors import RunError, WorkspaceError
from workbench_store.faults import fault
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.redaction import redacted
from workbench_store.secrets import looks_secret_name
from workbench_store.snapshot import Taken, read_snapshot, take_snapshot
from workbench_store.states import RunState
from workbench_store.words import counted

from workbench.client.names import generate_name
from workbench.compute.registry import get_compute
from workbench.data.fingerprint import stat_fingerprint
from workbench.data.secret_urls import without_secrets
from workbench.environment import define, definition_to_dict
from workbench.lifecycle.files import write_json, write_text
from workbench.lifecycle.fingerprints import input_fields
from workbench.lifecycle.git_facts import git_properties, look_at_git, repeat_git
from workbench.lifecycle.identity import new_identity
from workbench.lifecycle.input_plan import plan_inputs
from workbench.lifecycle.output_plan import plan_outputs
from workbench.lifecycle.plan import Plan, PlannedInput, write_plan
from workbench.lifecycle.recorder import RunRecorder
from workbench.lifecycle.supervisor_start import SupervisorStart, start_supervisor
from workbench.spec import (
    CommandJob,
    Input,
    SpecErrors,
    execution_notes,
    execution_refusals,
    is_remote,
    job_to_dict,
    job_to_yaml,
    literal_text,
    resolve_command,
)
from workbench.spec.processes import processes_of

SECRETS_PROPERTY = "workbench.secret_variables"
Narrate = Callable[[str], None]
Result = TypeVar("Result")

#: What a place says that may not be written to.
_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class Earlier:
    """What a run takes over from an earlier one: its snapshot's id, its environment as its plan has it, what git
    said of the code then, and the earlier run's files."""

    snapshot: str | None
    environment: Mapping[str, Any] | None
    git: Mapping[str, str]
    files: RunLayout


def submit(
    layout: WorkspaceLayout,
    job: CommandJob,
    *,
    narrate: Narrate | None = None,
    earlier: Earlier | None = None,
    before_shown: Callable[[], None] | None = None,
    compute: str | None = None,
    strict_python: bool = False,
    allow_downloads: bool = False,
    follow_links: bool = False,
) -> str:
    """Submit the job and return its run's name as soon as a supervisor holds the run.

    `before_shown` is called when all is ready and the run is about to be seen by others; whatever is raised up to then
    leaves nothing behind. Raises SpecError, ComputeError, EnvironmentFailed, SnapshotError, WorkspaceError or
    RunError, and then there is no run. If the supervisor does not come up the run is Failed, with the reason.
    """
    draft = _draft(layout, job if compute is None else job.on(compute), earlier, strict_python, allow_downloads)
    folder = RunLayout(layout.tmp / f"run-{draft.plan.name}-{uuid.uuid4().hex[:8]}")
    try:
        _make_folder(folder)
        fault("submit.folder-made")
        started = start_supervisor(layout, draft.plan.name, folder.root, adopting=False, secrets=draft.secrets)
        fault("submit.supervisor-started")
        try:
            with adding_content(layout):
                _fill(layout, folder, draft, follow_links, narrate or (lambda text: None))
                _show(layout, folder, draft.plan.name, started, before_shown or (lambda: None))
        finally:
            started.abandon()
    except BaseException as error:
        shutil.rmtree(folder.root, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in _NOT_WRITABLE:
            raise WorkspaceError(
                f"no run can be made in {layout.root}: {error.strerror} ({error.filename})",
                remedy="Give yourself the permission to write there, or use another workspace: --workspace.",
            ) from error
        raise
    return draft.plan.name


@dataclass(frozen=True)
class _Draft:
    """A run before it is made. `job` holds no secret values; `secrets` holds them. `warnings` go to the run's page."""

    job: CommandJob
    plan: Plan
    secrets: dict[str, str]
    earlier: Earlier | None
    warnings: list[str]


def _draft(
    layout: WorkspaceLayout, job: CommandJob, earlier: Earlier | None, strict_python: bool, allow_downloads: bool
) -> _Draft:
    """Everything that can be refused, in one look. Raises as `submit` does."""
    problems = execution_refusals(job)
    if problems:
        raise SpecErrors(problems)
    compute = get_compute(layout, job.compute)
    usable_cache()
    name = _free_name(layout, job.name)
    data, outputs = plan_inputs(layout, job, name), plan_outputs(layout, job, name)
    inputs = tuple(data.inputs)
    seen = {item.name: literal_text(item.value) if item.value is not None else str(item.resolved) for item in inputs}
    given = job.environment_variables.items()
    secrets = {key: value for key, value in given if looks_secret_name(key) or redacted(value) != value}
    environment = environment_of(job) if earlier is None else earlier.environment
    plan = Plan(
        name=name,
        id="",
        experiment="",
        compute=compute.entry,
        command=resolve_command(
            job.command,
            seen,
            {item.name: item.resolved for item in outputs},
            [item.name for item in inputs if not item.literal],
        ),
        python=sys.executable,
        inputs=inputs,
        outputs=outputs,
        variables={key: value for key, value in job.environment_variables.items() if key not in secrets},
        secrets=tuple(secrets),
        timeout=job.limits.timeout if job.limits else None,
        environment=environment,
        strict_python=strict_python,
        allow_downloads=allow_downloads,
        processes=processes_of(job),
    )
    return _Draft(_without_secrets(job, secrets), plan, {**secrets, **data.secrets}, earlier, data.warnings)


def environment_of(job: CommandJob) -> dict[str, Any] | None:
    """The definition of the environment that the job asks for, as a plan keeps it. Raises EnvironmentFailed."""
    return None if job.environment is None else definition_to_dict(define(job.environment, job.base_dir))


def _free_name(layout: WorkspaceLayout, wanted: str | None) -> str:
    if wanted is not None:
        if os.path.lexists(layout.run(wanted).root):
            raise _name_used(layout, wanted)
        if os.path.lexists(layout.trashed(wanted).root):
            raise RunError(
                f"a run named {wanted} is in the trash of {layout.root}",
                remedy=f"Bring it back (workbench restore {wanted}), empty the trash (workbench gc), or change `name`.",
            )
        return wanted
    while os.path.lexists(layout.run(name := generate_name()).root) or os.path.lexists(layout.trashed(name).root):
        pass
    return name


def _name_used(layout: WorkspaceLayout, name: str) -> RunError:
    return RunError(
        f"a run named {name} is in {layout.root} already",
        remedy="Change `name` in the job, or leave it out for a name of its own.",
    )


def _without_secrets(job: CommandJob, secrets: dict[str, str]) -> CommandJob:
    """The job as it is stored: of variables that look like secrets only the names are kept, in a property; of URLs that
    hold one, what is left without it."""
    job = replace(job, inputs={name: _without_secret_url(given) for name, given in job.inputs.items()})
    if not secrets:
        return job
    kept = {key: value for key, value in job.environment_variables.items() if key not in secrets}
    properties = {**job.properties, SECRETS_PROPERTY: ",".join(sorted(secrets))}
    return replace(job, environment_variables=kept, properties=properties)


def _without_secret_url(given: "Input | str | int | float | bool") -> "Input | str | int | float | bool":
    if not isinstance(given, Input) or given.path is None or not is_remote(str(given.path)):
        return given
    return replace(given, path=without_secrets(str(given.path)))


def _make_folder(files: RunLayout) -> None:
    """The run's folder, which has a temporary name on the same file system, so that it can be shown by a rename."""
    for folder in (
        files.control,
        files.journals,
        files.user_log.parent,
        files.supervisor_log.parent,
        files.outputs,
    ):
        folder.mkdir(parents=True, mode=0o700)


def _fill(layout: WorkspaceLayout, files: RunLayout, draft: _Draft, follow_links: bool, say: Narrate) -> None:
    job, plan = draft.job, draft.plan
    recorder = RunRecorder(files, "submit", 0)
    try:
        code = job.code if isinstance(job.code, Path) else job.base_dir
        git = _InBackground(lambda: None if draft.earlier else look_at_git(code))
        with recorder.stage("snapshot") as detail:
            snapshot = _snapshot(layout, job, draft.earlier, follow_links)
            if snapshot is not None:
                detail.update(files=snapshot.files, bytes=snapshot.bytes)
        facts = dict(draft.earlier.git) if draft.earlier else git_properties(git.result(), code)
        properties = {**facts, **_texts(job.properties)}
        plan = with_fields(plan, git=facts)
        identity = new_identity(job, plan.name, plan.compute.name, properties)
        _record(recorder, draft, identity, snapshot)
        if draft.earlier:
            repeat_git(draft.earlier.files, files, recorder)
        recorder.git(git.result())
        fault("submit.recorded")
        write_plan(files, _complete(plan, identity, snapshot))
        write_json(files.spec, job_to_dict(replace(job, name=plan.name)))
        write_text(files.job_yaml, job_to_yaml(replace(job, name=plan.name)))
        write_json(files.identity, identity)
        fault("submit.identity-written")
        files.heartbeat.touch()
        recorder.state(RunState.PREPARING)
        recorder.sync()
    finally:
        recorder.close()
    if snapshot is not None:
        say(f"snapshot {snapshot.id[:12]}: {counted(snapshot.files, 'file')}, {counted(snapshot.bytes, 'byte')}")


def _complete(plan: Plan, identity: dict[str, Any], snapshot: Taken | None) -> Plan:
    return with_fields(
        plan,
        id=identity["id"],
        experiment=identity["experiment"],
        snapshot=None if snapshot is None else snapshot.id,
    )


def _snapshot(layout: WorkspaceLayout, job: CommandJob, earlier: Earlier | None, follow_links: bool) -> Taken | None:
    if earlier is not None:
        return None if earlier.snapshot is None else _taken_before(layout, earlier.snapshot)
    return take_snapshot(layout, job.code, follow_links=follow_links) if isinstance(job.code, Path) else None


def _taken_before(layout: WorkspaceLayout, id: str) -> Taken:
    """The snapshot of an earlier run. Raises NotFound and SnapshotError."""
    kept = read_snapshot(layout, id)
    return Taken(kept.id, kept.files, kept.bytes, kept.upstream_hash, {}, ())


def _record(recorder: RunRecorder, draft: _Draft, identity: dict[str, Any], snapshot: Taken | None) -> None:
    job, plan = draft.job, draft.plan
    recorder.event("run", **identity, notes=[f"{note.field}: {note.text}" for note in execution_notes(job)])
    if snapshot is not None:
        recorder.event(
            "snapshot",
            snapshot=snapshot.id,
            files=snapshot.files,
            bytes=snapshot.bytes,
            upstream_hash=snapshot.upstream_hash,
            excluded=dict(snapshot.excluded),
        )
    params = {item.name: item.value for item in plan.inputs if item.literal}
    if params:
        recorder.event("params", params=params)
    if job.tags:
        recorder.event("tags", set=_texts(job.tags), remove=[])
    for item in plan.inputs:
        recorder.event("input", **input_fields(item, _fingerprint(item)))
    for text in draft.warnings:
        recorder.warning(text)
    for output in plan.outputs:
        recorder.event("output", name=output.name, type=output.type, mode=output.mode, path=output.path)


def _texts(labels: Mapping[str, str | None]) -> dict[str, str]:
    """Tags or properties; a null is empty text: the name is there."""
    return {name: text or "" for name, text in labels.items()}


def _fingerprint(item: PlannedInput) -> str | None:
    return stat_fingerprint(Path(item.path)) if item.local and item.path is not None else None


def _show(
    layout: WorkspaceLayout, folder: RunLayout, name: str, started: SupervisorStart, before: Callable[[], None]
) -> None:
    """Rename the folder into its place, where its supervisor holds it from the first moment, and give the
    word.

    A supervisor that did not come up leaves a run that is Failed, so that its log can be read. Raises
    RunError when another run has taken the name meanwhile.
    """
    held = started.await_lock()
    if not held:
        _record_no_supervisor(folder)
    target = layout.run(name).root
    target.parent.mkdir(parents=True, exist_ok=True)
    before()
    fault("submit.before-shown")
    try:
        folder.root.rename(target)
    except OSError as error:
        if os.path.lexists(target):
            raise _name_used(layout, name) from error
        raise WorkspaceError(f"the run's folder {target} cannot be made: {error}") from error
    fault("submit.shown")
    started.go()


def _record_no_supervisor(folder: RunLayout) -> None:
    recorder = RunRecorder(folder, "user", 0)
    recorder.state(RunState.FAILED, f"the supervisor did not start; see {folder.supervisor_log.name} in the run's logs")
    recorder.sync()
    recorder.close()


class _InBackground(Generic[Result]):
    """A function's result, worked out in a thread meanwhile; None if it fails."""

    def __init__(self, function: Callable[[], Result]) -> None:
        self._function = function
        self._result: Result | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._result = self._function()

    def result(self) -> Result | None:
        """The result, waiting for it."""
        self._thread.join()
        return self._result
