"""Local compute: jobs are processes of this machine, as many at once as there are slots."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from workbench_store.cache_root import cache_root
from workbench_store.errors import ComputeError
from workbench_store.layout import RunLayout
from workbench_store.processes import host_id
from workbench_store.words import counted

from workbench.compute.gpus import gpu_ids
from workbench.compute.local_job import LocalJob, find_job
from workbench.compute.local_start import PreparedLocalJob
from workbench.compute.protocol import ComputeEntry, JobLaunch
from workbench.compute.slots import Slot, SlotPool


def _cpus() -> int:
    """The CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalAllocation:
    """Slots of this machine, with the GPUs that go with them, if there are GPUs."""

    def __init__(self, slots: list[Slot], gpus: list[str]) -> None:
        self._slots = slots
        self._gpus = [gpus[slot.index % len(gpus)] for slot in slots] if gpus else []

    @property
    def environment(self) -> Mapping[str, str]:
        """CUDA_VISIBLE_DEVICES where there are GPUs."""
        return {"CUDA_VISIBLE_DEVICES": ",".join(self._gpus)} if self._gpus else {}

    @property
    def detail(self) -> Mapping[str, Any]:
        """The slots' numbers, and the GPUs."""
        return {"slots": [slot.index for slot in self._slots], **({"gpus": self._gpus} if self._gpus else {})}

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The locks of the slots."""
        return tuple(slot.descriptor for slot in self._slots if slot.descriptor is not None)

    def release(self) -> None:
        """Free the slots."""
        for slot in self._slots:
            slot.release()


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

    def allocate(
        self, waiting: Callable[[int], None], stop: Callable[[], bool], processes: int = 1
    ) -> LocalAllocation | None:
        """Slots of this compute's queue: one for each process, but no more than there are.

        Processes may share a CPU. They do not share a GPU: ComputeError where there are fewer GPUs than processes.
        """
        gpus = gpu_ids()
        if gpus and processes > len(gpus):
            raise ComputeError(
                f"the job has {processes} processes, and this machine has {counted(len(gpus), 'GPU')} for them",
                remedy="Ask for fewer processes, or set CUDA_VISIBLE_DEVICES= (empty) to run them on CPUs.",
            )
        explicit = self._entry.settings.get("slots")
        pool = self._entry.name if explicit else "local"
        count = int(explicit or len(gpus) or _cpus())
        folder = cache_root() / "slots" / host_id() / pool
        slots = SlotPool(folder, count).acquire(waiting, stop, min(processes, count))
        return None if slots is None else LocalAllocation(slots, gpus)

    def prepare(self, launch: JobLaunch) -> PreparedLocalJob:
        """Call the job's parent here."""
        return PreparedLocalJob(launch)

    def find(self, files: RunLayout, run_id: str) -> LocalJob | None:
        """The job that an earlier supervisor started here."""
        return find_job(files, run_id)
