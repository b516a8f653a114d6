"""What the stages of one supervised run share."""

from dataclasses import dataclass

from workbench_store.layout import RunLayout, WorkspaceLayout

from workbench.compute.protocol import Compute
from workbench.lifecycle.ending import Canceled
from workbench.lifecycle.plan import Plan
from workbench.lifecycle.recorder import RunRecorder
from workbench.lifecycle.watch import Watch


@dataclass(frozen=True)
class Supervision:
    """One run in the hands of one supervisor."""

    layout: WorkspaceLayout
    files: RunLayout
    plan: Plan
    compute: Compute
    recorder: RunRecorder
    watch: Watch

    def check_cancel(self) -> None:
        """Raise Canceled if the run is to be cancelled."""
        if self.watch.cancelled.is_set() or self.files.cancel_request.exists():
            self.watch.cancelled.set()
            raise Canceled
