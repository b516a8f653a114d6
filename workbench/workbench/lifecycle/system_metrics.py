"""System metrics of a job, sampled by the client's helper process beside it."""

import os
import subprocess
from contextlib import suppress
from types import TracebackType

from workbench_store.layout import RunLayout
from workbench_store.run_ids import id_of

import workbench.client.gpu_metrics  # noqa: F401  (the sampler's start needs it, when the package may be gone)
from workbench.client.system_metrics import start_sampler
from workbench.compute.protocol import RunningJob

#: A job shorter than this is not worth a process of its own to sample it.
_FROM_SECONDS = 1.0
_DEFAULT_INTERVAL_SECONDS = 10.0
_END_SECONDS = 5.0


def interval_seconds() -> float | None:
    """WORKBENCH_SYSTEM_METRICS: seconds between samples, `0` for none; 10 s if it says nothing."""
    try:
        interval = float(os.environ.get("WORKBENCH_SYSTEM_METRICS", _DEFAULT_INTERVAL_SECONDS))
    except ValueError:
        return _DEFAULT_INTERVAL_SECONDS
    return interval if interval > 0 else None


class SystemMetrics:
    """The helper process, from when the job has run for a second until the block is left."""

    def __init__(self, files: RunLayout) -> None:
        self._files = files
        self._run_id = id_of(files.root)
        self._interval = interval_seconds()
        self._tried = False
        self._helper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "SystemMetrics":
        return self

    def watch(self, job: RunningJob) -> None:
        """Start sampling if it is time; called again and again while the job runs."""
        if self._tried or self._interval is None or job.elapsed() < _FROM_SECONDS:
            return
        self._tried = True
        pid = job.pid
        if pid is not None:
            # It has this supervisor's mark in its environment, so that it is not taken for a part of the job.
            with suppress(ImportError):  # of what an upgrade has replaced
                self._helper = start_sampler(self._files.root, self._run_id, pid, self._interval)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._helper is not None:
            self._helper.kill()
            self._helper.wait(_END_SECONDS)
