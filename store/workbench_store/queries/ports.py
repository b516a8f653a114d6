"""The inputs and outputs of all runs, and the runs that they go back to, from which lineage is made: what was literal
is left out."""

import json
from typing import TYPE_CHECKING, Any

from workbench_store.fold import StoredEvent, fold_detail
from workbench_store.records import RunPorts
from workbench_store.states import RunState

if TYPE_CHECKING:
    import duckdb

_EVENTS = """
SELECT e.run, r.state, r.created, e.time, e.journal, e.position, e.name, e.fields
FROM events e JOIN runs r ON r.name = e.run WHERE e.name IN ('input', 'output')
OR (e.name = 'run' AND (contains(e.fields, '"workbench.forked_from"') OR contains(e.fields, '"workbench.rerun_of"')))
"""


def all_ports(connection: "duckdb.DuckDBPyConnection") -> list[RunPorts]:
    """Every run that has data going in or out, or goes back to another run, by time of making."""
    runs: dict[str, tuple[str, float]] = {}
    events: dict[str, list[StoredEvent]] = {}
    for run, state, created, time, journal, position, name, fields in connection.execute(_EVENTS).fetchall():
        values: Any = json.loads(fields)
        if isinstance(values, dict) and values.get("value") is None:
            runs[run] = (state, created)
            events.setdefault(run, []).append(StoredEvent(time, journal, position, name, values))
    found = []
    for run, (state, created) in runs.items():
        detail = fold_detail(events[run])
        found.append(RunPorts(run, RunState.parse(state), created, detail.inputs, detail.outputs, detail.properties))
    return sorted(found, key=lambda ports: (ports.created, ports.run))
