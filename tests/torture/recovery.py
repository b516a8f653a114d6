"""What users do after a death, and no more: look, adopt what does not respond, collect what is not collected."""

import os
import time
from contextlib import suppress

from workbench.lifecycle import adopt, collect, sweep_leftovers
from workbench.lifecycle.judge import current_state, supervisor_alive
from workbench.view.fresh import refresh
from workbench_store.errors import RunError
from workbench_store.states import RunState
from workbench_store.store import Store

from tests.torture.world import World

_DEADLINE_SECONDS = 120.0
#: What is swept an hour after its death only.
_ABANDONED = (
    "tmp/run-*",
    "tmp/store.duckdb.new*",
    "blobs/*.new",
    "snapshots/*.new",
    "stat-cache/*.new",
    "client/*.new",
    "runs/.*.new",
)


def recover(world: World) -> None:
    """Until every run is over and collected, and what was abandoned is swept."""
    if not world.layout.root.exists():
        return
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not _over(world):
        assert time.monotonic() < deadline, f"the runs of {world.here} are not over"
        time.sleep(0.02)
    of_workspace = (path for pattern in _ABANDONED for path in world.layout.root.glob(pattern))
    for path in (*of_workspace, *world.here.glob(".workbench-*.new")):
        os.utime(path, (0, 0))
    sweep_leftovers(world.layout)


def _over(world: World) -> bool:
    refresh(world.layout, Store(world.layout))
    return all(_is_over(world, name) for name in world.run_names())


def _is_over(world: World, name: str) -> bool:
    """Whether nothing is left to do for the run; does what there is."""
    files = world.layout.run(name)
    state = current_state(files)
    if state is RunState.NOT_RESPONDING:
        with suppress(RunError):  # one that was started before has its lock, and has said nothing yet
            adopt(world.layout, name)
        return False
    if not state.final or supervisor_alive(files):
        return False
    if files.plan.exists() and not files.collected.exists():
        try:
            collect(world.layout, name)
        except RunError:
            return False  # its supervisor was just about to let go of it
    return True
