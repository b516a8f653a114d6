"""Commands that change every run of a filter."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench_store.errors import UsageError

if TYPE_CHECKING:
    from workbench.run import Run
    from workbench.workspace import Workspace


def runs_named(workspace: "Workspace", names: Sequence[str]) -> "list[Run]":
    """The runs of these names, or whose names alone begin so, each once. Raises NotFound."""
    from workbench.cli.waiting import up_to_date
    from workbench.run import Run

    up_to_date(workspace.layout, workspace.store)
    whole = dict.fromkeys(map(workspace.store.resolve, names))
    return [Run(workspace.layout, workspace.store, name) for name in whole]


def runs_of_all(workspace: "Workspace", text: str, where: str = "") -> "list[Run]":
    """The runs of `--all FILTER` for which the condition holds too; what no run has that it names is told.

    Raises UsageError for an empty filter, as a shell makes of a variable that is not set, and for one that spares runs
    by a metric or parameter that none of them has: it would spare none.
    """
    from workbench.cli.output import narrate
    from workbench.view.run_list import asked_for
    from workbench.view.unknown_names import told, unknown_conditions

    if not text.strip():
        raise UsageError("--all is given an empty filter, which every run passes", remedy="Name the runs, or a filter.")
    runs = workspace.runs(where, filter=text)
    known = workspace.store.keys()
    unknown = unknown_conditions(asked_for(workspace.store, text), *known)
    sparing = [one for one in unknown if one.negated]
    if sparing:
        raise UsageError(f"--all {text!r} spares nothing: {told(sparing, *known)}", remedy="Nothing was changed.")
    if unknown:
        narrate(told(unknown, *known))
    return runs


def condition_of_where(text: str | None) -> str:
    """The condition of `--where`, or "" where there is none. Raises UsageError for an empty one, as above."""
    if text is not None and not text.strip():
        raise UsageError("--where is given an empty condition", remedy="Name the runs, or a condition.")
    return text or ""
