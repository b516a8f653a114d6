"""Where a run's outputs are."""

import os
from pathlib import Path

from workbench_store.layout import RunLayout

from workbench.lifecycle.files import read_json


def output_places(files: RunLayout) -> dict[str, Path]:
    """`default` for ./outputs, then the named outputs, each where it is kept; they need not exist."""
    places = {"default": files.outputs}
    for item in (read_json(files.plan) or {}).get("outputs", ()):
        places[str(item["name"])] = _kept(files, item)
    return places


def _kept(files: RunLayout, item: dict[str, str]) -> Path:
    """The place in this run folder, should it have been moved since the run, unless the user chose
    another."""
    own = files.named_outputs / item["name"]
    chosen = Path(item["path"])
    return own if os.path.lexists(own) or chosen.parent.name == files.named_outputs.name else chosen
