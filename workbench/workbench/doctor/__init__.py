"""What is wrong with this machine, a workspace or a compute, and how to mend it: each check is a finding."""

from collections.abc import Iterator

from workbench_store.layout import WorkspaceLayout

from workbench.doctor.finding import Finding as Finding
from workbench.doctor.machine import cache_folder, python, uv_program
from workbench.doctor.workspace import examine_workspace


def examine(layout: WorkspaceLayout) -> Iterator[Finding]:
    """Machine first, then the workspace, its store, its runs. Looks only: nothing is written, but that the cache folder
    is made if it is not there."""
    yield python()
    yield uv_program()
    yield cache_folder()
    yield from examine_workspace(layout)
