"""Local compute: jobs are processes of this machine, as many at once as there are slots."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from workbench_store.cache_root import cache_root
from workbench_store.errors import ComputeError
from workbench_store.layout import RunLayout
from workbench_store.processes import host_id

from workbench.compute.gpus import gpu_ids
from workbench.compute.local_job import LocalJob, find_job, start_job
from workbench.compute.protocol import ComputeEntry, JobLaunch
from workbench.compute.slots import Slot, SlotPool


def _cpus() -> int:
    """The CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalAllocation:
    """A slot of this machine, with the GPU that goes with it, if there are GPUs."""

    def __init__(self, slot: Slot, gpus: list[str]) -> None:
        self._slot = slot
        self._gpu = gpus[slot.index % len(gpus)] if gpus else None

    @property
    def environment(self) -> Mapping[str, str]:
        """CUDA_VISIBLE_DEVICES where there are GPUs."""
        return {} if self._gpu is None else {"CUDA_VISIBLE_DEVICES": self._gpu}

    @property
    def detail(self) -> Mapping[str, Any]:
        """The slot's number, and the GPU."""
        return {"slot": self._slot.index, **({} if self._gpu is None else {"gpu": self._gpu})}

    def release(self) -> None:
        """Free the slot."""
        self._slot.release()


class LocalCompute:
    """This machine. Setting `slots`: how many runs at once; without it one for each GPU, or else for each
    CPU.

    A compute without `slots` of its own shares the machine's queue; one with `slots` has a queue by its own
    name.
    """

    def __init__(self, entry: ComputeEntry) -> None:
        self._entry = entry

    @property
    def entry(self) -> ComputeEntry:
        """Name and settings."""
        return self._entry

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> None:
        """Only `slots`, a whole number from 1 to 4096, is known."""
        unknown = sorted(set(settings) - {"slots"})
        if unknown:
            raise ComputeError(f"local compute has no setting {unknown[0]!r}", remedy="It has: slots.")
        slots = settings.get("slots", 1)
        if isinstance(slots, bool) or not isinstance(slots, int) or not 1 <= slots <= 4096:
            raise ComputeError(f"slots must be a whole number from 1 to 4096, not {slots!r}")

    def allocate(self, waiting: Callable[[int], None], stop: Callable[[], bool]) -> LocalAllocation | None:
        """A slot of this compute's queue."""
        gpus = gpu_ids()
        explicit = self._entry.settings.get("slots")
        pool = self._entry.name if explicit else "local"
        count = int(explicit or len(gpus) or _cpus())
        slot = SlotPool(cache_root() / "slots" / host_id() / pool, count).acquire(waiting, stop)
        return None if slot is None else LocalAllocation(slot, gpus)

    def start(self, launch: JobLaunch) -> LocalJob:
        """Start the job here."""
        return start_job(launch)

    def find(self, files: RunLayout, run_id: str) -> LocalJob | None:
        """The job that an earlier supervisor started here."""
        return find_job(files, run_id)
