"""Which run this process logs into: one of its own, its job's, or the one that its script has open. (Python 3.8.)"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from workbench_store.errors import UsageError

from workbench.client import at_exit
from workbench.client.active_run import ActiveRun, EndedRun
from workbench.client.family import own_family, tell_children
from workbench.client.rank import rank_of_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Optional, Tuple

    from workbench_store.open_run import OpenRun

    from workbench.client.family import Family


class _Open:
    """The run that this process logs into, never changed but replaced: threads look at it without the lock.

    In a child that follows its family: that, and what it looked like when this was found to be the run to log into.
    own: whether this process opened it, by itself, as its family had none.
    """

    def __init__(
        self, run: ActiveRun, family: Optional[Family] = None, seen: Tuple[object, ...] = (), own: bool = False
    ) -> None:
        self.run = run
        self.family = family
        self.seen = seen
        self.own = own

    def still(self) -> bool:
        """Whether that is to be logged into as before."""
        return not self.run.ended and (self.family is None or self.family.look() == self.seen)


#: Held by whoever finds out, or opens a run.
lock = threading.RLock()
_open: Optional[_Open] = None
#: Runs of its family that a child has logged into before; threads of its may still.
_left: List[ActiveRun] = []
_MOST_LEFT = 8


def active_run() -> Optional[ActiveRun]:
    """The run that is open in this process: inside a job always the job's, in a child of a script the one that the
    script has open. None if there is none."""
    global _open
    with lock:
        before = None if _open is None or _open.run.ended else _open
        if before is None or before.family is not None:
            there, family, seen = _to_join()
            if there is not None:
                return _join(there, family, seen)
            if before is not None:
                # Where its script has none open any more, what comes late is still of the one before.
                _open = _Open(before.run, family, seen, before.own)
        return None if before is None else before.run


def same_run(folder: str) -> ActiveRun:
    """The run of that folder, which another process handed over, as this one logs into it; where it does not, one that
    is over. (Never an error: what holds it, such as a model, is to be read.)"""
    from workbench_store.layout import RunLayout

    run = active_run()
    return run if run is not None and str(run.path) == folder else EndedRun(RunLayout(Path(folder)))


def run_to_log_into(start: Callable[[], ActiveRun]) -> ActiveRun:
    """The same; `start` opens one where there is none. UsageError where nobody would close it."""
    found = _open
    if found is not None and found.still():
        return found.run
    return active_run() or _opened(start)


def given_run(wanted: bool) -> Optional[ActiveRun]:
    """The run that this process is to log into without opening one: a job's, or its family's. UsageError if another is
    open here, or if a certain one is wanted where none can be chosen."""
    own = None if _open is None or _open.run.ended or (_open.family is not None and not _open.own) else _open
    there, family, seen = _to_join()
    if there is not None and wanted:
        raise UsageError("inside a job or a child process the run is given: none is resumed or forked")
    if own is not None and there is None:
        raise UsageError(
            "run {} is open in this process".format(own.run.name), remedy="End it first: run.end(), or `with`."
        )
    if own is not None and own.family is None:
        return own.run
    return None if there is None else _join(there, family, seen)


def log_into(run: ActiveRun) -> None:
    """That run, which this process has opened, is the one from now on."""
    global _open
    _open = _Open(run)


def _opened(start: Callable[[], ActiveRun]) -> ActiveRun:
    global _open
    if at_exit.begun or (threading.current_thread().daemon and not threading.main_thread().is_alive()):
        raise UsageError(
            "the script has ended, and so has its run: what is logged after that is not recorded",
            remedy="End threads, or wait for them, before the script ends; import workbench before what is registered "
            "with atexit.",
        )
    with lock:
        run = active_run()  # which another thread may have opened meanwhile
        if run is not None:
            return run
        _, family, seen = _to_join()
        run = start()
        if family is not None and _open is not None and _open.family is None:
            _open = _Open(run, family, seen, own=True)
        return run


def _to_join() -> Tuple[Optional[OpenRun], Optional[Family], Tuple[object, ...]]:
    """The run that this process is a part of: a job's, or the one that its family has open, if it has one; then that
    family, and what it looked like before it was asked."""
    folder = os.environ.get("WORKBENCH_RUN_DIR")
    if folder:
        from workbench_store.layout import RunLayout
        from workbench_store.moved import folder_of_job
        from workbench_store.open_run import OpenRun

        tell_children()
        root = folder_of_job(Path(folder))
        os.environ["WORKBENCH_RUN_DIR"] = str(root)
        return OpenRun(RunLayout(root)), None, ()
    family = own_family() if _open is None or _open.family is None else _open.family
    if family is None:
        return None, None, ()
    tell_children()
    seen = family.look()
    return family.open_run(), family, seen


def _join(there: OpenRun, family: Optional[Family], seen: Tuple[object, ...]) -> ActiveRun:
    """Log into that run from now on, which another process opened; this one writes a journal of its own, under its
    rank."""
    global _open
    run = None if _open is None or _open.run.ended else _open.run
    if run is None or run.path != there.files.root:
        if _open is not None and run is not None:
            _leave(_open)
        run = _attach(there)
    _open = _Open(run, family, seen)
    return run


def _leave(left: _Open) -> None:
    """Go on elsewhere; other threads may be about to log there still."""
    if left.own:
        left.run.end()
        return
    _left.append(left.run)
    if len(_left) > _MOST_LEFT:
        _left.pop(0).end()


def _attach(there: OpenRun) -> ActiveRun:
    import workbench_store.redaction  # noqa: F401  (events need it, when the package may be gone)
    from workbench_store.journal.writer import JournalWriter
    from workbench_store.run_ids import refuse_anothers

    files = there.files
    refuse_anothers(files.root, there.id)
    run = ActiveRun(files, JournalWriter(files.journals, "client", rank_of_process()), None, has_past=there.has_past)
    run.look_at_rank()
    at_exit.at_exit(run.close_journal)
    return run


def _after_fork() -> None:
    """In a forked child another thread of the parent may have held the lock; a run of the parent's is the family's."""
    global lock, _open
    lock = threading.RLock()
    if _open is not None and not os.environ.get("WORKBENCH_RUN_DIR"):
        _open = _Open(_open.run, own_family(), ("not looked at yet",))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
