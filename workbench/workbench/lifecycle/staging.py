"""Temporary storage of a run: its code, its downloaded inputs, and ./outputs and ./logs that lead out of
it."""

import os
import shutil
from pathlib import Path

from workbench_store.errors import RunError
from workbench_store.faults import fault
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.removing import remove_whole

from workbench.data.copying import move_into
from workbench.data.hashing import hashes_below
from workbench.lifecycle.files import write_json
from workbench.lifecycle.plan import Plan

#: The run's own logs: nothing of a snapshot replaces them.
_OWN_LOGS = ("user_logs", "system_logs")


def code_folder(layout: WorkspaceLayout, name: str) -> Path:
    """The job's working directory."""
    return layout.staged(name) / "code"


def holds_unsaved(layout: WorkspaceLayout, name: str) -> bool:
    """Whether temporary storage holds what of the run has not been saved yet."""
    return layout.staged(name).exists() and not layout.run(name).collected.exists()


def stage_code(layout: WorkspaceLayout, plan: Plan) -> list[str]:
    """Unpack the snapshot and make the links; returns what the user should be warned of. Raises
    WorkbenchError."""
    code = code_folder(layout, plan.name)
    remove_whole(layout.staged(plan.name))
    # Not with its parents: a workspace that was moved is not made again where it was.
    layout.staging.mkdir(mode=0o700, exist_ok=True)
    code.parent.mkdir(exist_ok=True)
    if plan.snapshot is None:
        code.mkdir()
    else:
        from workbench_store.snapshot import stage_snapshot

        stage_snapshot(layout, plan.snapshot, code)
    fault("staging.unpacked")
    return _link_folders(layout.run(plan.name), code)


def _link_folders(files: RunLayout, code: Path) -> list[str]:
    warnings = []
    files.outputs.mkdir(exist_ok=True)
    for name, target in (("outputs", files.outputs), ("logs", files.logs)):
        place = code / name
        if place.is_dir() and not place.is_symlink():
            _bring_along(place, target)
        if os.path.lexists(place):
            warnings.append(f"the snapshot has a file called {name}, so ./{name} is not saved as it is written")
        else:
            # Relative, so that it leads there also when the workspace is moved.
            place.symlink_to(
                os.path.relpath(os.path.realpath(target), os.path.realpath(code)), target_is_directory=True
            )
    before = hashes_below(files.outputs)
    if before:
        write_json(files.outputs_before, before)
    return warnings


def _bring_along(place: Path, target: Path) -> None:
    """Put what a snapshot has in ./outputs or ./logs where the job will look for it."""
    for own in _OWN_LOGS:
        if place.name == "logs" and (place / own).is_dir():
            shutil.rmtree(place / own)
    move_into(place, target)


def prepare_outputs(plan: Plan) -> None:
    """Make the folders that outputs are written to. Raises RunError naming the output."""
    for item in plan.outputs:
        if not item.local:
            continue
        place = Path(item.resolved)
        folder = place.parent if item.type == "uri_file" else place
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"the output {item.name} cannot be written to {place}: {error}") from error


def remove_staging(layout: WorkspaceLayout, name: str) -> None:
    """Remove the run's temporary storage. Raises OSError if something stays."""
    trouble = remove_whole(layout.staged(name))
    if trouble is not None:
        raise trouble
