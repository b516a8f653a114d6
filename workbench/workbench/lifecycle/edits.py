"""What users write about runs: tags, a note, whether they are archived. It goes into the workspace's journal, and what
is written about many runs at once into one file of it."""

from collections.abc import Mapping, Sequence

from workbench_store.absence import check_run
from workbench_store.edits import append_edits
from workbench_store.errors import UsageError
from workbench_store.layout import WorkspaceLayout
from workbench_store.run_ids import id_of

from workbench.client.arguments import check_name, check_tags, check_text

_NOTE_CONTROLS = frozenset("\n\t")

#: Names of runs; not any sequence, as a single name is one too.
Names = list[str] | tuple[str, ...]


def edit_tags(layout: WorkspaceLayout, runs: Names, tags: Mapping[str, object], remove: Sequence[str] = ()) -> None:
    """Set tags of the runs of exactly those names and remove others. Raises UsageError for a name or value that is
    none, NotFound, or WorkspaceError."""
    checked = check_tags(tags)
    for name in remove:
        check_name(name, "tag")
        if name in checked:
            raise UsageError(f"the tag {name} is both set and removed", remedy="Name it once.")
    _record(layout, "tags", runs, set=checked, remove=list(remove))


def edit_note(layout: WorkspaceLayout, run: str, note: str) -> None:
    """Give the run a note in place of the one it has; empty: none. Raises UsageError, NotFound or WorkspaceError."""
    text = check_text(note, "the note")
    if any(not letter.isprintable() and letter not in _NOTE_CONTROLS for letter in text):
        raise UsageError("the note has characters that cannot be shown", remedy="Use text, line breaks and tabs.")
    _record(layout, "note", [run], note=text.strip())


def edit_archived(layout: WorkspaceLayout, runs: Names, archived: bool) -> None:
    """Put runs out of the way of lists, or back. Nothing is deleted. Raises NotFound or WorkspaceError."""
    _record(layout, "archived", runs, archived=archived)


def _record(layout: WorkspaceLayout, event: str, runs: Names, **fields: object) -> None:
    for run in runs:
        check_run(layout, run)
    # Names are used again, and copies of a workspace may have one of each.
    append_edits(layout, event, ({"run": run, "id": id_of(layout.run(run).root) or None, **fields} for run in runs))
