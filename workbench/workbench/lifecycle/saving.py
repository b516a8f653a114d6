"""Finalize and release: outputs and logs saved, hashed and recorded; only then does temporary storage go."""

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

from workbench_store.errors import DataError, RunError
from workbench_store.faults import fault
from workbench_store.journal.waiting_note import leave_note
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.no_room import NO_ROOM
from workbench_store.states import RunState

from workbench.client.log_cap import join_logs
from workbench.data.copying import move_into, publish
from workbench.data.hashing import HashedFile, changed_below, hash_below
from workbench.lifecycle.drafts import remove_drafts
from workbench.lifecycle.ending import Ending, unsaved
from workbench.lifecycle.files import read_json, write_json
from workbench.lifecycle.kept_links import SEEN_LINKS, bring_in, lead_from_the_code
from workbench.lifecycle.links import remove_links
from workbench.lifecycle.mlflow_records import keep_mlflow_records
from workbench.lifecycle.output_check import warn_of_outputs
from workbench.lifecycle.plan import Plan, PlannedOutput
from workbench.lifecycle.recorder import RunRecorder
from workbench.lifecycle.shut import Shut, is_shut_to_writers
from workbench.lifecycle.staging import code_folder, remove_staging
from workbench.lifecycle.supervision import Supervision
from workbench.lifecycle.trouble import note_trouble
from workbench.spec.files import kind_at

_WRITABLE_SECONDS = 5.0
#: How often it is looked for room on a full disk.
_ROOM_SECONDS = 0.5


class _NoRoomToRecord(OSError):
    """All is saved, and the disk has no room for what tells so."""


def finalize(supervision: Supervision, ending: Ending) -> Ending:
    """Save and release; the ending, changed if something could not be saved."""
    supervision.recorder.state(RunState.FINALIZING)
    try:
        _save_patiently(supervision)
    except (OSError, RunError, DataError) as error:
        note_trouble()
        supervision.recorder.warning(f"outputs could not be saved: {error}")
        return unsaved(ending, str(error), supervision.plan.name)
    if ending.state is RunState.COMPLETED:
        warn_of_outputs(supervision.plan, supervision.recorder)
        _register(supervision)
    release(supervision.layout, supervision.plan, supervision.recorder)
    return ending


def _save_patiently(supervision: Supervision) -> None:
    """Save; where the run's folder is shut meanwhile, again, which does no harm. A job may have shut it to writers for
    good, which is not waited for as long."""
    shut = Shut(supervision.files)
    shut_to_writers = Shut(supervision.files, is_shut_to_writers, _WRITABLE_SECONDS)
    while True:
        try:
            return save(supervision.layout, supervision.plan, supervision.recorder)
        except _NoRoomToRecord:
            # The run stays Finalizing: until then nobody else could tell that all is there, nor that it is not.
            while not supervision.recorder.flush():
                if not supervision.files.root.exists():
                    raise
                time.sleep(_ROOM_SECONDS)
        except (OSError, RunError, DataError):
            if not (shut.passing() or shut_to_writers.passing()):
                raise
        shut.wait()
        shut_to_writers.wait()


def _register(supervision: Supervision) -> None:
    if supervision.plan.registered:
        from workbench.lifecycle.registration import register_outputs

        register_outputs(supervision)


def save(layout: WorkspaceLayout, plan: Plan, recorder: RunRecorder) -> None:
    """Bring everything to where it is kept, and record it. Can be cut short and done again.

    Raises OSError, RunError or DataError for what cannot be saved; then nothing of temporary storage has been given up.
    """
    files = layout.run(plan.name)
    with recorder.stage("finalize") as detail:
        _refuse_pipes(plan)
        if files.job_process.exists() and not (layout.staged(plan.name).exists() or files.collected.exists()):
            recorder.warning("its temporary storage is gone, as in a copy that has it not: what was only there is lost")
        join_logs(files)
        _rescue(files, code_folder(layout, plan.name))
        keep_mlflow_records(layout, plan, recorder)
        fault("save.rescued")
        remove_drafts(files)
        lead_from_the_code(files, code_folder(layout, plan.name))
        for kept in _kept_folders(files, plan):
            bring_in(kept, layout.staged(plan.name), files.root)
        for output in plan.outputs:
            _publish(output, plan.name)
            _upload(output)
        fault("save.published")
        artifacts = list(_artifacts(files, plan))
        for kind, path, file in artifacts:
            recorder.event("artifact", path=path, kind=kind, size=file.size, hash=file.hash)
            fault("save.artifact")
        detail.update(files=len(artifacts), bytes=sum(file.size for _, _, file in artifacts))
        recorder.sync()
        fault("save.recorded")
        if not files.control.is_dir():
            raise FileNotFoundError(f"{files.root} is not there any more")
        _mark_collected(files, recorder)
        fault("save.collected")


def _mark_collected(files: RunLayout, recorder: RunRecorder) -> None:
    """That it is there says that all is saved and recorded; on a full disk a name alone does. Where the disk takes not
    even that, temporary storage makes room for it as it goes."""
    if not recorder.flush():
        raise _NoRoomToRecord(errno.ENOSPC, os.strerror(errno.ENOSPC), str(files.journals))
    try:
        write_json(files.collected, {"time": time.time()})
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        leave_note(files.collected, files.root)


def release(layout: WorkspaceLayout, plan: Plan, recorder: RunRecorder) -> None:
    """Remove temporary storage, which is no longer needed; trouble with that is a warning."""
    with recorder.stage("release"):
        files = layout.run(plan.name)
        remove_links(files)
        fault("release.links-removed")
        try:
            remove_staging(layout, plan.name)
        except OSError as error:
            recorder.warning(f"temporary storage could not be removed: {error}")
        if not files.collected.exists():
            leave_note(files.collected, files.root)


def _refuse_pipes(plan: Plan) -> None:
    """Raises RunError for an output that holds nothing which could be kept, naming it."""
    for output in plan.outputs:
        kind = kind_at(output.resolved) if output.local else None
        if kind not in (None, "a file", "a folder"):
            raise RunError(f"the output {output.name} is {kind}, not a file or a folder: {output.resolved}")


def _rescue(files: RunLayout, code: Path) -> None:
    """A job may have replaced the link ./outputs or ./logs by a folder or file of its own, or removed what it led to:
    what there is is saved all the same."""
    for name, target in zip(SEEN_LINKS, (files.outputs, files.logs), strict=True):
        place = code / name
        target.mkdir(exist_ok=True)
        if place.is_symlink() or not place.exists():
            continue
        if place.is_dir():
            move_into(place, target)
        elif place.is_file():
            place.replace(target / name)


def _kept_folders(files: RunLayout, plan: Plan) -> Iterator[Path]:
    """The folders on persistent storage that the job wrote to."""
    yield from (files.outputs, files.logs)
    yield from (Path(output.resolved) for output in plan.outputs if output.local)


def _publish(output: PlannedOutput, run: str) -> None:
    """Copy an `upload` output to the path that the user chose."""
    source, target = Path(output.resolved), Path(output.path)
    if not output.published or not source.exists():
        return
    if source.is_file() and target.is_dir():
        raise RunError(f"the output {output.name} is a file, and {target} is a folder")
    publish(source, target, run)


def _upload(output: PlannedOutput) -> None:
    """Upload an output to the URL that the user chose."""
    source = Path(output.resolved)
    if output.uploaded and source.exists():
        from workbench.data.upload import upload

        upload(source, output.path)


def _artifacts(files: RunLayout, plan: Plan) -> Iterator[tuple[str, str, HashedFile]]:
    """Kind, path relative to the run folder, and hash of every file that the run kept.

    An output that is kept elsewhere has a path as if it were here; its record says where it is.
    """
    before = read_json(files.outputs_before) or {}
    for file in hash_below(files.outputs):
        if before.get(file.path, "") != file.hash:
            yield "output", f"outputs/{file.path}", file
    for output in plan.outputs:
        for found in _named(files, output):
            yield "named-output", "/".join(filter(None, ("named-outputs", output.name, found.path))), found
    for file in hash_below(files.logs):
        if file.path != "system_logs/supervisor.log":  # still being written
            yield "log", f"logs/{file.path}", file


def _named(files: RunLayout, output: PlannedOutput) -> Iterator[HashedFile]:
    """The files of a named output; of a place that the user chose only what changed since the run was made."""
    place = Path(output.resolved)
    if files.named_outputs not in place.parents:
        yield from changed_below(place, float((read_json(files.identity) or {}).get("created", 0.0)))
    elif os.path.lexists(place):
        yield from hash_below(place)
