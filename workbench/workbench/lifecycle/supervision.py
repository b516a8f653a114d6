"""What the stages of one supervised run share."""

import os

from msgspec import Struct
from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.compute.protocol import Compute
from workbench.lifecycle.ending import Canceled
from workbench.lifecycle.plan import Plan
from workbench.lifecycle.recorder import RunRecorder
from workbench.lifecycle.shut import is_shut
from workbench.lifecycle.watch import Watch


class Supervision(Struct, frozen=True):
    """One run in the hands of one supervisor. `seen` is the run's last sign of life before this one came, in UTC epoch
    seconds."""

    layout: WorkspaceLayout
    files: RunLayout
    plan: Plan
    compute: Compute
    recorder: RunRecorder
    watch: Watch
    seen: float

    def is_to_be_cancelled(self) -> bool:
        """Whether somebody has asked for it, though the watch may not have looked yet."""
        if os.path.exists(self.files.cancel_request):
            self.watch.cancelled.set()
        return self.watch.cancelled.is_set()

    def check_cancel(self) -> None:
        """Raise Canceled if the run is to be cancelled, and FileNotFoundError if it is not where it was: its workspace
        was moved. One that may not be looked at for a while is no matter: its job goes on."""
        if not (is_shut(self.files) or self.files.control.is_dir()):
            raise FileNotFoundError(f"{self.files.root} is not there any more")
        if self.is_to_be_cancelled():
            raise Canceled
