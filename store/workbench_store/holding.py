"""Who has a run in hand: its supervisor or its script holds a lock for as long as it lives."""

from collections.abc import Iterator
from contextlib import contextmanager

from workbench_store.errors import RunError
from workbench_store.layout import RunLayout
from workbench_store.locks import FileLock


def is_held(files: RunLayout) -> bool:
    """Whether a process of this host has the run in hand. Raises WorkspaceError where that cannot be seen."""
    return not all(FileLock.is_free(path) for path in (files.supervisor_lock, files.script_lock))


@contextmanager
def alone(files: RunLayout, seconds: float) -> Iterator[None]:
    """Hold the run, as its supervisor or script would: nobody can go on with it meanwhile. Raises RunError when others
    have not let go of it in so many seconds."""
    held: list[FileLock] = []
    try:
        for path in (files.supervisor_lock, files.script_lock):
            if path.exists():
                lock = FileLock(path)
                if not lock.acquire(timeout=seconds):
                    raise RunError(
                        f"run {files.name} is not over any more: a process holds it",
                        remedy="Wait for its end. The run is where it was; those before it are in the trash.",
                    )
                held.append(lock)
        yield
    finally:
        for lock in held:
            lock.release()
