"""Whether a workspace may be written: not on a read-only file system, nor where it is another user's."""

import os

from workbench_store.layout import WorkspaceLayout


def may_write(layout: WorkspaceLayout) -> bool:
    """Whether this process may write there."""
    return os.access(layout.root, os.W_OK)
