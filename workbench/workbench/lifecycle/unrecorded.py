"""How a run's state went, where the store cannot be told: its journals say it, and who finds its holder gone."""

from workbench_store.fold import StoredEvent
from workbench_store.layout import RunLayout

from workbench.lifecycle.history import JournalTail
from workbench.lifecycle.judge import Verdict


def states_of(files: RunLayout, found: Verdict | None) -> list[StoredEvent]:
    """All changes of the run's state as its journals hold them, and the judgement, if there is one, as the last."""
    states = [
        StoredEvent(event.time, 0, position, event.name, dict(event.fields))
        for position, event in enumerate(JournalTail(files).new_events())
        if event.name == "state"
    ]
    if found is not None:
        latest = states[-1].time if states else 0.0
        # Of one time however often it is looked for: else it would look like news each time.
        time = max(found.ended or 0.0, latest)
        fields = {**found._asdict(), "state": str(found.state), "judged": True, "seq": 1}
        states.append(StoredEvent(time, 0, len(states) + 1_000_000, "state", fields))
    return states
