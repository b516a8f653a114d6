"""The life of a run: submit, supervise, judge, adopt, cancel, close, collect, follow.

Names are resolved when first used, so that the supervisor does not load what only submitting needs.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from workbench.lifecycle.adoption import adopt as adopt
    from workbench.lifecycle.cancellation import cancel as cancel
    from workbench.lifecycle.closing import close_run as close_run
    from workbench.lifecycle.collection import collect as collect
    from workbench.lifecycle.collection import sweep_leftovers as sweep_leftovers
    from workbench.lifecycle.edits import edit_archived as edit_archived
    from workbench.lifecycle.edits import edit_note as edit_note
    from workbench.lifecycle.edits import edit_tags as edit_tags
    from workbench.lifecycle.removal import remove_runs as remove_runs
    from workbench.lifecycle.repeating import rerun as rerun
    from workbench.lifecycle.submission import submit as submit

_HOMES = {
    "adopt": "adoption",
    "cancel": "cancellation",
    "close_run": "closing",
    "collect": "collection",
    "edit_archived": "edits",
    "edit_note": "edits",
    "edit_tags": "edits",
    "remove_runs": "removal",
    "rerun": "repeating",
    "submit": "submission",
    "sweep_leftovers": "collection",
}

__all__ = [
    "adopt",
    "cancel",
    "close_run",
    "collect",
    "edit_archived",
    "edit_note",
    "edit_tags",
    "remove_runs",
    "rerun",
    "submit",
    "sweep_leftovers",
]


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
