"""Where a run's outputs are."""

import os
from pathlib import Path

from workbench_store.layout import RunLayout

from workbench.lifecycle.files import read_json
from workbench.lifecycle.plan import rebased
from workbench.spec.paths import is_remote


def output_places(files: RunLayout) -> dict[str, Path]:
    """`default` for ./outputs, then the named outputs, each where it is kept; they need not exist.

    Those that the job itself wrote to a URL are left out.
    """
    return {name: Path(place) for name, place in output_sources(files).items() if not is_remote(place)}


def output_sources(files: RunLayout) -> dict[str, str]:
    """The same, with the URLs of outputs that are not on this machine."""
    places = {"default": str(files.outputs)}
    # What is in the workspace's own folder goes with that.
    plan = rebased(read_json(files.plan) or {}, str(files.root.parents[1]))
    for item in plan.get("outputs", ()):
        remote = item.get("remote") and not os.path.lexists(files.named_outputs / item["name"])
        places[str(item["name"])] = str(item["path"]) if remote else str(_kept(files, item))
    return places


def _kept(files: RunLayout, item: dict[str, str]) -> Path:
    """The place in this run folder, should it have been moved since the run, unless the user chose
    another."""
    own = files.named_outputs / item["name"]
    if item.get("remote"):
        return own
    chosen = Path(item["path"])
    was_own = chosen.parts[-3:] == own.parts[-3:]  # named after the run: others may call a folder as we do
    return own if os.path.lexists(own) or was_own else chosen
