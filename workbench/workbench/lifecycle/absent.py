"""Runs that are not over and whose folder is gone: nobody can hold them any more, and no journal of theirs says so.
The workspace's journal does."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench_store.absence import is_gone
from workbench_store.edits import append_edits
from workbench_store.errors import WorkspaceError
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import RunQuery
from workbench_store.states import RunState

if TYPE_CHECKING:
    from workbench_store.store import Store


def judge_absent(layout: WorkspaceLayout, store: "Store", names: Iterable[str]) -> list[str]:
    """Record that those of the runs whose folder is gone do not respond; returns their names.

    A folder that comes back brings its journals along: what they record after that is the run's state again.
    """
    gone = [name for name in names if is_gone(layout, name)]
    if not gone:
        return []
    rows = store.runs(RunQuery(names=tuple(gone))).rows
    silent = [row.name for row in rows if row.state is not RunState.NOT_RESPONDING]
    try:
        append_edits(layout, "state", (_judgement(layout, store, name) for name in silent))
    except (OSError, WorkspaceError):
        return []  # not ours to write: an onlooker need not succeed
    return silent


def _judgement(layout: WorkspaceLayout, store: "Store", name: str) -> dict[str, object]:
    generation = max((change.generation for change in store.detail(name).states), default=0)
    return {
        "run": name,
        "state": str(RunState.NOT_RESPONDING),
        "generation": generation,
        "judged": True,
        "seq": 1,
        "ended": time.time(),
        "reason": f"its folder is gone: {layout.run(name).root}",
    }
