"""Which run wrote what lies at a path: by where outputs were put, and by the folders of runs."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from workbench_store.errors import WorkbenchError
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import RunPorts

from workbench.data.datastores import get_datastore
from workbench.spec.paths import is_remote
from workbench.spec.places import BadPlace, JobOutput, OnDatastore, parse_place


class Makers:
    """The outputs of runs by place; `runs` are in the order in which they were made."""

    def __init__(self, layout: WorkspaceLayout, runs: Sequence[RunPorts]) -> None:
        self._layout = layout
        self._runs_folder = os.path.realpath(layout.runs)
        #: By place, and in order of time: when the runs were made that wrote there, and their names.
        self._written: dict[str, list[tuple[float, str]]] = {}
        for run in runs:
            for port in run.outputs:
                if port.path is not None:
                    self._written.setdefault(self._place(port.path), []).append((run.created, run.run))

    def of(self, path: str, before: float) -> str | None:
        """The run that wrote what was at a path (or URI of this workspace) at a time, in UTC epoch seconds: the one in
        whose folder it is, or the last that was made before and wrote there or above; None where there is none."""
        with suppress(BadPlace):
            named = parse_place(path) if is_remote(path) else None
            if isinstance(named, JobOutput):
                return named.run
        place = self._place(path)
        local = Path(place) if os.path.isabs(place) else None
        real = Path(os.path.realpath(place)) if local is not None else None
        if real is not None and real.is_relative_to(self._runs_folder) and str(real) != self._runs_folder:
            return real.relative_to(self._runs_folder).parts[0]
        above = {place, *map(str, local.parents)} if local is not None else {place}
        earlier = [made for one in above for made in self._written.get(one, ()) if made[0] < before]
        return max(earlier)[1] if earlier else None

    def _place(self, path: str) -> str:
        """A path on a datastore that is a folder, as that folder has it; other paths without `..`."""
        if not is_remote(path):
            return os.path.normpath(path)
        with suppress(BadPlace, WorkbenchError):
            named = parse_place(path)
            if isinstance(named, OnDatastore):
                store = get_datastore(self._layout, named.datastore)
                return os.path.normpath(store.at(named.path)) if store.local else store.at(named.path).rstrip("/")
        return path.rstrip("/")
