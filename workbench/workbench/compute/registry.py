"""The computes of a workspace: which names there are, and which file implements each kind."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from workbench_store.edits import append_edits, read_edits
from workbench_store.errors import ComputeError, NotFound
from workbench_store.layout import WorkspaceLayout

from workbench.compute.protocol import Compute, ComputeEntry

#: The kinds that are always there. Others come as entry points of the group below.
BUILT_IN = {"local": "workbench.compute.local:LocalCompute"}
GROUP = "workbench.computes"
#: What a compute may be called.
COMPUTE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class UnknownCompute(NotFound, ComputeError):
    """The workspace has no compute of that name."""


def compute_name(text: str | None) -> str:
    """The name in a job's `compute` field: without `azureml:`; `local` when left out or in any other case."""
    name = (text or "local").strip().removeprefix("azureml:")
    return "local" if name.lower() == "local" else name


def list_computes(layout: WorkspaceLayout) -> list[ComputeEntry]:
    """The computes that this workspace knows: `local` first, then by name."""
    found = {"local": ComputeEntry("local", "local")}
    for event in read_edits(layout, "compute", "compute-removed"):
        name = str(event.fields.get("name", ""))
        if event.name == "compute-removed":
            found.pop(name, None)
        else:
            settings = event.fields.get("settings") or {}
            found[name] = ComputeEntry(name, str(event.fields.get("kind", "local")), settings)
    return sorted(found.values(), key=lambda entry: (entry.name != "local", entry.name))


def add_compute(layout: WorkspaceLayout, name: str, kind: str, settings: Mapping[str, Any]) -> None:
    """Give the name to a compute of that kind, replacing what had the name. Raises ComputeError."""
    if not COMPUTE_NAME.fullmatch(name):
        raise ComputeError(
            f"{name!r} cannot be a compute's name",
            remedy="Use letters, digits, `-`, `_` and `.`; at most 64.",
        )
    if name == "local" and kind != "local":
        raise ComputeError(f"the compute `local` cannot be of kind {kind}", remedy="Choose another name.")
    _implementation(kind).check_settings(settings)
    append_edits(layout, "compute", [{"name": name, "kind": kind, "settings": dict(settings)}])


def get_compute(layout: WorkspaceLayout, name: str | None) -> Compute:
    """The compute of that name (as a job file gives it). Raises UnknownCompute when there is none, and
    ComputeError when nothing implements its kind."""
    wanted = compute_name(name)
    computes = list_computes(layout)
    for entry in computes:
        if entry.name == wanted:
            return _implementation(entry.kind)(entry)
    known = ", ".join(entry.name for entry in computes)
    raise UnknownCompute(
        f"there is no compute {wanted!r} in {layout.root}; there is: {known}",
        remedy=f"To run it on this machine under that name: workbench compute add {wanted} --kind local",
    )


def compute_of(entry: ComputeEntry) -> Compute:
    """The compute that an entry describes. Raises ComputeError when nothing implements its kind."""
    return _implementation(entry.kind)(entry)


def _implementation(kind: str) -> type[Compute]:
    if kind in BUILT_IN:
        module, _, attribute = BUILT_IN[kind].partition(":")
        return cast("type[Compute]", getattr(import_module(module), attribute))
    from importlib.metadata import entry_points

    points = {point.name: point for point in entry_points(group=GROUP)}
    if kind not in points:
        known = ", ".join(sorted({*BUILT_IN, *points}))
        raise ComputeError(f"there is no kind of compute {kind!r}", remedy=f"Kinds: {known}.")
    try:
        return cast("type[Compute]", points[kind].load())
    except Exception as error:
        raise ComputeError(f"the compute kind {kind!r} cannot be loaded: {error}") from error
