"""What processes of a run were killed while writing: halves, under names that nobody gave them."""

import re
from contextlib import suppress

from workbench_store.layout import RunLayout

#: As workbench.client names what it has not yet put in its place.
_OF_CLIENT = re.compile(r"\.[0-9a-f]{16}\.part")


def remove_drafts(files: RunLayout) -> None:
    """Remove them from a run whose job is over: half an output is none."""
    for folder in (files.outputs, files.media):
        for draft in folder.rglob(".*.part"):
            if _OF_CLIENT.fullmatch(draft.name):
                with suppress(OSError):
                    draft.unlink()
    for draft in (*files.control.glob(".*"), *files.control.glob("*.tmp")):
        with suppress(OSError):
            draft.unlink()
