"""The sampler of a script's run: started beside the script, ended with the run. (Python 3.8.)

Starting a process takes longer than opening a run may. A run never fails for want of system metrics.
"""

from __future__ import annotations

import os

from workbench_store.run_ids import id_of

from workbench.client.beside import Loading, beside

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    import threading
    from pathlib import Path
    from typing import Optional

#: So long after its opening a run's sampler is started, and its end waits for one that is just being started.
_FROM_SECONDS = 0.05
_WAIT_SECONDS = 5.0


class ScriptSampler:
    """Samples every `interval` seconds from soon on until `end`; `over` is set before that, when the run is to end."""

    def __init__(self, run_folder: Path, interval: float, over: threading.Event) -> None:
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._run_folder = run_folder
        self._run_id = id_of(run_folder)
        self._interval = interval
        self._over = over
        self._starting = beside(self._start, "workbench-sampler")

    def _start(self) -> None:
        if self._over.wait(_FROM_SECONDS):
            return
        try:
            with Loading():
                import subprocess  # noqa: F401 (which starts it)

                from workbench.client.system_metrics import start_sampler
            self._process = start_sampler(self._run_folder, self._run_id, os.getpid(), self._interval)
        except (ImportError, OSError, RuntimeError):
            pass  # an interpreter that is ending starts no process

    def end(self) -> None:
        """Wait for one that is just being started, and end it."""
        # A thread that loads modules while Python takes itself apart may wait for a lock that is gone (import.c: it
        # ends in a segmentation fault then).
        if self._starting is not None:
            self._starting.join(_WAIT_SECONDS)
        if self._process is not None:
            import signal  # with enumerations, which takes long

            try:
                os.killpg(self._process.pid, signal.SIGKILL)  # and what it has started, such as nvidia-smi
            except OSError:
                pass
            self._process.wait()
            self._process = None
