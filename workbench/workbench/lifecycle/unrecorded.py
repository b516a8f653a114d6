"""How the states of runs went, where the store cannot be told: journals say it, and who finds their holders gone."""

from collections.abc import Iterable, Mapping

from workbench_store.fold import StoredEvent
from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.lifecycle.history import JournalTail
from workbench.lifecycle.judge import Verdict


def states_of(
    layout: WorkspaceLayout, names: Iterable[str], found: Mapping[str, Verdict]
) -> dict[str, list[StoredEvent]]:
    """All changes of state of these runs as their journals hold them, and the judgement, if there is one, as the last.
    Runs whose journals say nothing, as they were removed, are left out."""
    states = ((name, _states(layout.run(name), found.get(name))) for name in names)
    return {name: changes for name, changes in states if changes}


def _states(files: RunLayout, found: Verdict | None) -> list[StoredEvent]:
    events = [event for event in JournalTail(files).new_events() if event.name == "state"]
    states = [StoredEvent(event.time, 0, place, "state", dict(event.fields)) for place, event in enumerate(events)]
    if found is not None:
        # Of one time however often it is looked for: else it would look like news each time.
        time = max(found.ended or 0.0, states[-1].time if states else 0.0)
        fields = {**found._asdict(), "state": str(found.state), "judged": True, "seq": 1}
        states.append(StoredEvent(time, 0, len(states), "state", fields))
    return states
