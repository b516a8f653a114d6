"""What the supervisor does all the while, in a thread: heartbeat, journals to disk, the log's cap, requests
to cancel."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench_store.journal.packed import SUFFIX
from workbench_store.layout import RunLayout

from workbench.client.log_cap import LogCap, logged_ranks
from workbench.lifecycle.trouble import note_trouble

_TICK_SECONDS = 0.1
_SLOW_SECONDS = 1.0


class Watch:
    """A thread that lives as long as the supervisor. `cancelled` is set as soon as the run is to be
    cancelled."""

    def __init__(self, files: RunLayout, hold: Callable[[], object]) -> None:
        """`hold` is called again and again, to hold the run though others have replaced what tells that."""
        self.cancelled = threading.Event()
        self._log_caps = {0: LogCap(files)}
        self._files, self._hold = files, hold
        self._ended = threading.Event()
        self._interrupt: Callable[[], object] | None = None
        self._synced: dict[Path, int] = {}
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin; the first heartbeat is there when this returns."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """End the thread, with the journals on disk."""
        self._ended.set()
        self._thread.join()
        self._sync_journals()

    @contextmanager
    def interrupting(self, interrupt: Callable[[], object]) -> Iterator[None]:
        """While the block runs, `interrupt` is called again and again once the run is to be cancelled."""
        self._interrupt = interrupt
        try:
            yield
        finally:
            self._interrupt = None

    def _run(self) -> None:
        slow = time.monotonic()
        while not self._ended.wait(_TICK_SECONDS):
            try:
                self._tick()
                if time.monotonic() - slow >= _SLOW_SECONDS:
                    slow = time.monotonic()
                    self._beat()
                    self._hold()
                    self._sync_journals()
                    for rank in logged_ranks(self._files):
                        self._log_caps.setdefault(rank, LogCap(self._files, rank))
            except Exception:
                # A full disk or a folder taken away must not end the watching: it may come back.
                note_trouble()

    def _tick(self) -> None:
        if not self.cancelled.is_set() and self._files.cancel_request.exists():
            self.cancelled.set()
        interrupt = self._interrupt
        if interrupt is not None and self.cancelled.is_set():
            interrupt()
        for cap in self._log_caps.values():
            cap.enforce()

    def _beat(self) -> None:
        self._files.heartbeat.touch()

    def _sync_journals(self) -> None:
        """fdatasync the journals that have grown, for power loss; a write alone already survives kill -9, so that a
        run does not fail for it."""
        try:
            names = os.listdir(self._files.journals)
        except OSError:
            note_trouble()
            return
        for name in names:
            if name.endswith(SUFFIX):
                try:
                    self._sync(self._files.journals / name)
                except OSError:
                    note_trouble()

    def _sync(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            if self._synced.get(path) != size:
                getattr(os, "fdatasync", os.fsync)(descriptor)
                self._synced[path] = size
        finally:
            os.close(descriptor)
