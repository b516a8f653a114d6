"""Filling a run's folder before others see it: its snapshot, its record so far, its plan and its spec."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec.structs import replace
from workbench_store.faults import fault
from workbench_store.journal.writer import tell_nobody
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.redaction import without_secrets
from workbench_store.snapshot import Taken, read_snapshot, take_snapshot
from workbench_store.states import RunState
from workbench_store.words import counted

from workbench.data.fingerprint import stat_fingerprint
from workbench.lifecycle.drafting import Draft, Earlier
from workbench.lifecycle.files import write_json, write_text
from workbench.lifecycle.fingerprints import input_fields
from workbench.lifecycle.git_facts import git_properties, look_at_git, repeat_git
from workbench.lifecycle.identity import new_identity
from workbench.lifecycle.plan import Plan, PlannedInput, write_plan
from workbench.lifecycle.recorder import RunRecorder
from workbench.lifecycle.slow_snapshot import telling
from workbench.spec import CommandJob, execution_notes, job_to_dict, job_to_yaml

Narrate = Callable[[str], None]
Result = TypeVar("Result")


def fill(layout: WorkspaceLayout, files: RunLayout, draft: Draft, follow_links: bool, say: Narrate) -> None:
    """Write all of it; the record ends in Preparing. Raises SnapshotError, WorkspaceError, NotFound or OSError."""
    job, plan = draft.job, draft.plan
    recorder = RunRecorder(files, "submit", 0, tell=tell_nobody)
    try:
        code = job.code if isinstance(job.code, Path) else job.base_dir
        git = _InBackground(lambda: None if draft.earlier else look_at_git(code))
        with recorder.stage("snapshot") as detail:
            snapshot = _snapshot(layout, job, draft.earlier, follow_links, say)
            if snapshot is not None:
                detail.update(files=snapshot.files, bytes=snapshot.bytes)
        facts = dict(draft.earlier.git) if draft.earlier else git_properties(git.result(), code)
        properties = {**facts, **_texts(job.properties)}
        plan = replace(plan, git=facts)
        identity = new_identity(job, plan.name, plan.compute.name, properties)
        _record(recorder, draft, identity, snapshot)
        if draft.earlier:
            repeat_git(draft.earlier.files, files, recorder)
        recorder.git(git.result())
        fault("submit.recorded")
        write_plan(files, _complete(plan, identity, snapshot))
        write_json(files.spec, job_to_dict(replace(job, name=plan.name)))
        write_text(files.job_yaml, job_to_yaml(replace(job, name=plan.name)))
        write_json(files.identity, without_secrets("run", identity))
        fault("submit.identity-written")
        files.heartbeat.touch()
        recorder.state(RunState.PREPARING)
        recorder.finish()
    finally:
        recorder.close()
    unused = [note.field for note in execution_notes(job) if note.unused]
    if unused:
        say(f"not used on local compute: {', '.join(unused)}")
    if snapshot is not None:
        say(f"snapshot {snapshot.id[:12]}: {counted(snapshot.files, 'file')}, {counted(snapshot.bytes, 'byte')}")


def _complete(plan: Plan, identity: dict[str, Any], snapshot: Taken | None) -> Plan:
    return replace(
        plan,
        id=identity["id"],
        experiment=identity["experiment"],
        snapshot=None if snapshot is None else snapshot.id,
    )


def _snapshot(
    layout: WorkspaceLayout, job: CommandJob, earlier: Earlier | None, follow_links: bool, say: Narrate
) -> Taken | None:
    if earlier is not None:
        return None if earlier.snapshot is None else _taken_before(layout, earlier.snapshot)
    if not isinstance(job.code, Path):
        return None
    with telling(say, job.code) as progress:
        return take_snapshot(layout, job.code, follow_links=follow_links, progress=progress)


def _taken_before(layout: WorkspaceLayout, id: str) -> Taken:
    """The snapshot of an earlier run. Raises NotFound and SnapshotError."""
    kept = read_snapshot(layout, id)
    return Taken(kept.id, kept.files, kept.bytes, kept.upstream_hash, {}, ())


def _record(recorder: RunRecorder, draft: Draft, identity: dict[str, Any], snapshot: Taken | None) -> None:
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
