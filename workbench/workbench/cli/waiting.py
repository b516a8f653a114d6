"""What a person at a terminal is told of that takes long."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.cli.output import narrate

if TYPE_CHECKING:
    from workbench_store.layout import WorkspaceLayout
    from workbench_store.store import Store

#: What is over by then needs no words.
_LONG_SECONDS = 1.0


@contextmanager
def told_if_long(text: str) -> Iterator[None]:
    """On a terminal, say what is being done if it takes long."""
    if not sys.stderr.isatty():
        yield
        return
    timer = threading.Timer(_LONG_SECONDS, narrate, (text,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def up_to_date(layout: "WorkspaceLayout", store: "Store") -> None:
    """Take in what runs have recorded. Warns and raises as `view.fresh.refresh_or_warn`."""
    from workbench.view.fresh import refresh_or_warn

    with told_if_long("reading what runs have recorded ..."):
        refresh_or_warn(layout, store)
