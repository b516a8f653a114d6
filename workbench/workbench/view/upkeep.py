"""Starting to tidy the workspace when it is due, in a process of its own, so that nobody waits for it."""

import os
import subprocess
import sys
import time

from workbench_store.errors import WorkbenchError
from workbench_store.layout import WorkspaceLayout

#: Between one tidying and the next, in seconds.
INTERVAL_SECONDS = 600.0


def is_due(layout: WorkspaceLayout) -> bool:
    """Whether there are runs to tidy and nobody did so lately. Trouble with the store means no."""
    from workbench_store.tidy import waiting

    try:
        last = layout.tidy_lock.stat().st_mtime
    except FileNotFoundError:
        last = 0.0
    except OSError:
        return False
    if not os.access(layout.root, os.W_OK):
        return False
    if 0 <= time.time() - last < INTERVAL_SECONDS:
        return False
    try:
        return waiting(layout) > 0
    except WorkbenchError:
        return False


def start_tidying(layout: WorkspaceLayout) -> None:
    """Tidy in a process that outlives this one and that may be killed at any time; does nothing when it cannot."""
    command = [sys.executable, "-P", "-m", "workbench_store.tidy", str(layout.root)]
    try:
        subprocess.Popen(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return


def tidy_if_due(layout: WorkspaceLayout) -> None:
    """Start tidying if it is due."""
    if is_due(layout):
        start_tidying(layout)
