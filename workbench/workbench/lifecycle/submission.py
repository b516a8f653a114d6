"""Submit: a supervisor on its way, refusals, then the snapshot, then the run's folder made whole and shown at once,
held by its supervisor.

The supervisor is called first and what refuses and fills is loaded afterwards: both take their start at the same time.
"""

import errno
import os
import shutil
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench_store.content_lock import adding_content
from workbench_store.errors import RunError, WorkspaceError
from workbench_store.faults import fault
from workbench_store.layout import LONGEST_RUN_NAME, RunLayout, WorkspaceLayout
from workbench_store.no_room import NO_ROOM
from workbench_store.states import RunState

from workbench.client.names import generate_name
from workbench.lifecycle.supervisor_start import SupervisorStart, start_supervisor

if TYPE_CHECKING:
    from workbench.lifecycle.drafting import Earlier
    from workbench.lifecycle.filling import Narrate
    from workbench.spec import CommandJob

#: What a place says that may not be written to.
_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


def submit(
    layout: WorkspaceLayout,
    job: "CommandJob",
    *,
    narrate: "Narrate | None" = None,
    earlier: "Earlier | None" = None,
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
    name = _free_name(layout, job.name)
    folder = RunLayout(layout.tmp / f"run-{name}-{uuid.uuid4().hex[:8]}")
    try:
        _make_folder(folder)
        fault("submit.folder-made")
        started = start_supervisor(layout, name, folder.root, adopting=False)
        fault("submit.supervisor-started")
        try:
            from workbench.lifecycle.drafting import make_draft
            from workbench.lifecycle.filling import fill

            job = job if compute is None else job.on(compute)
            draft = make_draft(layout, job, name, earlier, strict_python, allow_downloads)
            started.tell(draft.secrets)
            with adding_content(layout):
                fill(layout, folder, draft, follow_links, narrate or (lambda text: None))
                _show(layout, folder, name, started, before_shown or (lambda: None))
        finally:
            started.abandon()
    except BaseException as error:
        shutil.rmtree(folder.root, ignore_errors=True)
        known = _not_made(layout, error) if isinstance(error, OSError) else None
        if known is not None:
            raise known from error
        raise
    return name


def _not_made(layout: WorkspaceLayout, error: OSError) -> WorkspaceError | None:
    """Why there is no run, where it is the disk's or its owner's affair."""
    if error.errno in NO_ROOM:
        remedy = "Make room there, or use another workspace: --workspace."
    elif error.errno in _NOT_WRITABLE:
        remedy = "Give yourself the permission to write there, or use another workspace: --workspace."
    else:
        return None
    place = f" ({error.filename})" if error.filename else ""
    return WorkspaceError(f"no run can be made in {layout.root}: {error.strerror}{place}", remedy=remedy)


def check_name(layout: WorkspaceLayout, wanted: str) -> None:
    """Raise RunError for a name that no new run can have."""
    if len(wanted) > LONGEST_RUN_NAME:
        raise RunError(
            f"the run's name has {len(wanted)} letters, and file systems take {LONGEST_RUN_NAME} of it here",
            remedy="Change `name` in the job to a shorter one; `display_name` may be as long as you like.",
        )
    if os.path.lexists(layout.run(wanted).root):
        raise _name_used(layout, wanted)
    if os.path.lexists(layout.trashed(wanted).root):
        raise RunError(
            f"a run named {wanted} is in the trash of {layout.root}",
            remedy=f"Bring it back (workbench restore {wanted}), empty the trash (workbench gc), or change `name`.",
        )
    if os.path.lexists(layout.purged(wanted)):  # asked last: a run goes from the trash to there
        raise RunError(
            f"an earlier run {wanted} is not wholly removed from {layout.root}",
            remedy="Finish that (workbench gc), or change `name`.",
        )


def _free_name(layout: WorkspaceLayout, wanted: str | None) -> str:
    if wanted is not None:
        check_name(layout, wanted)
        return wanted
    while os.path.lexists(layout.run(name := generate_name()).root) or os.path.lexists(layout.trashed(name).root):
        pass
    return name


def _name_used(layout: WorkspaceLayout, name: str) -> RunError:
    return RunError(
        f"a run named {name} is in {layout.root} already",
        remedy="Change `name` in the job, or leave it out for a name of its own.",
    )


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
    from workbench.lifecycle.recorder import RunRecorder

    recorder = RunRecorder(folder, "user", 0)
    said = folder.supervisor_log.exists() and folder.supervisor_log.stat().st_size
    why = f"see {folder.supervisor_log.name} in the run's logs" if said else "it said nothing, as one that is killed"
    recorder.state(RunState.FAILED, f"the supervisor did not start; {why}")
    recorder.sync()
    recorder.close()
