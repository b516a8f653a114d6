"""What a job made of its named outputs, told where it is not what its spec says."""

import os
from collections.abc import Iterator
from pathlib import Path

from workbench.lifecycle.plan import Plan, PlannedOutput
from workbench.lifecycle.recorder import RunRecorder
from workbench.spec.files import kind_at

_KINDS = {"uri_file": "a file", "uri_folder": "a folder"}


def was_written(output: PlannedOutput) -> bool:
    """Whether the job wrote anything to the output; True for one that is not on this machine."""
    place = Path(output.resolved)
    if not output.local:
        return True
    if place.is_dir():
        with os.scandir(place) as entries:
            return any(True for _ in entries)
    return place.exists()


def warn_of_outputs(plan: Plan, recorder: RunRecorder) -> None:
    """Warn of outputs of a Completed run that hold nothing, or are of another kind than the spec says."""
    for output in plan.outputs:
        for text in _oddities(output):
            recorder.warning(f"the output {output.name}: {text}")


def _oddities(output: PlannedOutput) -> Iterator[str]:
    kind = kind_at(output.resolved) if output.local else None
    wanted = _KINDS.get(output.type)
    if not was_written(output):
        if output.asset is None:  # of others the registration tells it
            yield "the job wrote nothing to it"
    elif kind is not None and wanted is not None and kind != wanted:
        yield f"the job made {kind} of it, and its type is {output.type}"
