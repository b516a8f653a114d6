"""The lock between those who add content to a workspace and those who remove what nothing refers to."""

from collections.abc import Iterator
from contextlib import contextmanager

from workbench_store.errors import StoreBusy
from workbench_store.layout import WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.writing import may_write

#: How long one waits for the other, in seconds: a snapshot of many files takes its time.
_WAIT_SECONDS = 60.0


@contextmanager
def adding_content(layout: WorkspaceLayout) -> Iterator[None]:
    """What is added meanwhile stays, though nothing refers to it yet. Raises StoreBusy after a minute."""
    with _held(layout, shared=True, other="space is being given back (workbench gc)"):
        yield


@contextmanager
def removing_content(layout: WorkspaceLayout) -> Iterator[None]:
    """Nothing is added meanwhile. Raises StoreBusy after a minute."""
    with _held(layout, shared=False, other="a job is being submitted"):
        yield


@contextmanager
def _held(layout: WorkspaceLayout, *, shared: bool, other: str) -> Iterator[None]:
    if shared and not may_write(layout):
        yield  # who may write nothing there adds nothing, and can only read
        return
    lock = FileLock(layout.content_lock)
    if not lock.acquire(_WAIT_SECONDS, shared=shared):
        raise StoreBusy(
            f"{other} in {layout.root}, and takes longer than a minute", remedy="Try again when it is over."
        )
    try:
        yield
    finally:
        lock.release()
