"""Removing runs: which may go, and into the trash with them."""

import time
from collections.abc import Sequence
from pathlib import Path

from workbench_store.absence import check_run, is_bare, is_gone, no_run
from workbench_store.apart import run_on_disk
from workbench_store.errors import RunError
from workbench_store.holding import is_held
from workbench_store.intact import lost_by_journals
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.records import RunQuery
from workbench_store.states import RunState
from workbench_store.store import Store
from workbench_store.trash import put_in_trash

from workbench.data.assets import list_assets
from workbench.lifecycle.how_it_ends import how_it_ends
from workbench.spec.paths import is_remote
from workbench.spec.places import BadPlace, JobOutput, parse_place

#: What a supervisor may still do after its run's end, in seconds.
_LEAVING_SECONDS = 5.0


def remove_runs(layout: WorkspaceLayout, names: Sequence[str]) -> str | None:
    """Move the runs of exactly these names to the trash; all of them, or none.

    Returns why lists may show them for a while still, as `put_in_trash` does. Raises RunError for a run that is not
    over, that holds a registered version, or whose journals have lost what the store has still, and WorkspaceError.
    """
    store = Store(layout)
    store.refresh()
    held = _versions_below(layout)
    states = {row.name: row.state for row in store.runs(RunQuery(names=tuple(names))).rows}
    for name in names:
        bare = name not in states and is_bare(layout, name)
        state = states.get(name) or (RunState.UNKNOWN if bare else run_on_disk(layout, name).state)
        if is_gone(layout, name):
            check_run(layout, name)
        if not (state.final or bare) or not _is_left_alone(layout.run(name)):
            raise RunError(
                f"run {name} is not over: it is {state}",
                remedy=f"{how_it_ends(layout.run(name), state)} Then try again; nothing was removed.",
            )
        if name in held:
            raise RunError(
                f"run {name} holds {held[name]}, which others may use",
                remedy="Archive the run, or copy the data elsewhere and register that. Nothing was removed.",
            )
    # One that lies in the trash already has its journals there: the database has not heard of it.
    here = [name for name in names if layout.run(name).root.is_dir()]
    for name, what in lost_by_journals(layout, here).items():
        if not layout.run(name).root.is_dir():
            raise no_run(layout, name)  # another has just removed it
        raise RunError(
            f"only the store has all of run {name}, which brought back would be less: {what}",
            remedy="Bring the journal back from a copy first (workbench verify names all that is lost). To give up "
            "what only the store has: workbench doctor --rebuild --losing. Nothing was removed.",
        )
    return put_in_trash(layout, names)


def _is_left_alone(files: RunLayout) -> bool:
    """Whether no supervisor or script is at the run; one whose run has just ended is about to leave."""
    deadline = time.monotonic() + _LEAVING_SECONDS
    while is_held(files):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _versions_below(layout: WorkspaceLayout) -> dict[str, str]:
    """The runs in whose folders registered versions lie, and the first of these."""
    found: dict[str, str] = {}
    runs = layout.runs.resolve()
    for asset in list_assets(layout):
        run = _run_of(asset.path, runs)
        if run is not None:
            found.setdefault(run, f"azureml:{asset.name}:{asset.version}")
    return found


def _run_of(path: str, runs: Path) -> str | None:
    """The run whose output the path is, by name or as a folder below `runs`."""
    if is_remote(path):
        try:
            place = parse_place(path)
        except BadPlace:
            return None
        return place.run if isinstance(place, JobOutput) else None
    local = Path(path)
    return local.relative_to(runs).parts[0] if local.is_relative_to(runs) and local != runs else None
