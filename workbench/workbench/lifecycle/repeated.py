"""Which run a run repeats, and what that one had fetched."""

from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.lifecycle.files import read_json
from workbench.lifecycle.history import JournalTail

#: The property that names the run which a run repeats.
RERUN_PROPERTY = "workbench.rerun_of"
#: How the hash of what was fetched begins.
FETCHED = "sha256:"


def repeated_run(files: RunLayout) -> str | None:
    """The name of the run that the run in `files` repeats."""
    name = ((read_json(files.identity) or {}).get("properties") or {}).get(RERUN_PROPERTY)
    return None if name is None else str(name)


def fetched_before(layout: WorkspaceLayout, run: str, input: str, url: str) -> str | None:
    """The hash of what that run fetched from the URL for that input; None if it is not there, or had something else."""
    for event in reversed(JournalTail(layout.run(run)).new_events()):
        fields = event.fields
        fingerprint = str(fields.get("fingerprint"))
        if event.name == "input" and fields.get("name") == input and fingerprint.startswith(FETCHED):
            return fingerprint if fields.get("path") == url else None
    return None
