"""What a holder of a run records: its states, in the order and generation that make one state of many
writers."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workbench_store.faults import fault
from workbench_store.journal.writer import JournalWriter, warn
from workbench_store.layout import RunLayout
from workbench_store.states import RunState

from workbench.client.heard import left_behind, tell
from workbench.lifecycle.ending import Canceled

if TYPE_CHECKING:
    from workbench.client.git_state import GitState


class RunRecorder:
    """Appends to one journal of a run, for one writer and one generation of its holder; later than `after`."""

    def __init__(
        self,
        files: RunLayout,
        writer: str,
        generation: int,
        tell: Callable[[str], None] = warn,
        after: float = 0.0,
    ) -> None:
        files.journals.mkdir(parents=True, exist_ok=True)
        self.generation = generation
        self._files = files
        self._journal = JournalWriter(files.journals, writer, tell=tell, after=after)
        self._seq = 0

    def event(self, event: str, /, **fields: Any) -> None:
        """Record any event of docs/architecture.md."""
        self._journal.event(event, **fields)

    def state(
        self,
        state: RunState,
        reason: str | None = None,
        *,
        exit_code: int | None = None,
        signal: str | None = None,
        judged: bool = False,
        ended: float | None = None,
        seconds: float | None = None,
        lost: int = 0,
        told: Sequence[str] = (),
        lacks: str | None = None,
    ) -> None:
        """Record a change of state; `ended` and `seconds` tell of the command: when it ended (UTC epoch seconds), and
        how long it took by a monotonic clock. `lost` are points that its holder could not bring to the disk; `told`
        names the notes of which this says all (heard.py), and what the run `lacks` besides is a part of the reason."""
        self._seq += 1
        self._journal.event(
            "state",
            state=str(state),
            generation=self.generation,
            judged=judged,
            seq=self._seq,
            reason=reason,
            exit_code=exit_code,
            signal=signal,
            ended=ended,
            seconds=seconds,
            **({"lost": lost} if lost else {}),
            **({"told": list(told)} if told else {}),
            **({"lacks": lacks} if lacks else {}),
        )

    def git(self, state: "GitState | None") -> None:
        """Record the state of the code's working copy, if it is one, and keep its diff."""
        from workbench.client.git_state import record_git  # no supervisor asks git

        if state is not None:
            record_git(self._files, self._journal, state)

    def warning(self, text: str) -> None:
        """Record something that the user should know and that ends nothing."""
        self._journal.event("warning", text=text)

    def tell_what_is_lost(self) -> None:
        """Record what the processes of the job could not record, as far as they told."""
        tell(self._journal, left_behind(self._files))

    @contextmanager
    def stage(self, stage: str) -> Iterator[dict[str, Any]]:
        """Record a stage's start and its end with the seconds it took; what is put into the dict is its
        detail, but for `seconds` and `status`, which tell better how long it took and how it ended."""
        detail: dict[str, Any] = {}
        began = time.monotonic()
        self._begin(stage)
        fault(f"stage.{stage}.started")
        status = "failed"
        try:
            yield detail
            status = detail.pop("status", "done")
        except Canceled:
            status = "canceled"
            raise
        finally:
            seconds = detail.pop("seconds", None) or time.monotonic() - began
            self._journal.event("stage", stage=stage, status=status, seconds=seconds, detail=detail)
            fault(f"stage.{stage}.over")

    def _begin(self, stage: str) -> None:
        self._journal.event("stage", stage=stage, status="started", seconds=None, detail={})

    def flush(self) -> bool:
        """Try to write what waits for a full disk; whether all is written."""
        return self._journal.flush()

    def in_place(self) -> bool:
        """Whether what is recorded here is found in the run's folder."""
        return self._journal.in_place()

    def sync(self) -> None:
        """Bring what was recorded to the disk."""
        self._journal.sync()

    def finish(self) -> None:
        """Sync and close. Raises WorkspaceError if anything could not be written."""
        self._journal.finish()

    def close(self) -> None:
        """End the journal."""
        self._journal.close()


class LateRecorder(RunRecorder):
    """Records what comes after a run's end: its stages only when they are over. One whose process was killed would go
    on for ever, since the end of a run ends the stages of before it alone."""

    def _begin(self, stage: str) -> None:
        """Nothing."""
