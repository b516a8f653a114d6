"""The lease: the store's file is attached only for the statements at hand, so that no process ever keeps it.

DuckDB gives a file to one writing process or to several reading ones. A readers-writer lock beside the file decides
who is next; writers announce themselves on a second lock, which new readers respect, since back-to-back readers
would starve them. Results are fetched inside the lease: a cursor that leaves it returns nothing or keeps the file.
"""

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench_store.connection import interruptible, open_connection, quoted, transaction, was_interrupted
from workbench_store.errors import StoreBusy, StoreDamaged, StoreInUse, WorkbenchError, WorkspaceError
from workbench_store.faults import fault
from workbench_store.held_back import hear_what_waits
from workbench_store.interrupts import interrupted_in_between, load_whole
from workbench_store.layout import WorkspaceLayout
from workbench_store.locks import FileLock, holders
from workbench_store.memory_lease import TRY_SECONDS, MemoryLease
from workbench_store.migrations import SCHEMA_VERSION, check_version, migrate, read_mark
from workbench_store.overlay import Overlay
from workbench_store.patience import READ_SECONDS, Patience
from workbench_store.processes import is_stopped

if TYPE_CHECKING:
    import duckdb

#: How long one process waits for the others, in seconds, before it says that the store is busy.
PATIENCE = 30.0
#: So often it is looked whether who holds it is stopped, and will not let go of it.
LOOK_SECONDS = 2.0
#: So long Ctrl-C may wait for who waits for a lock.
_BREATH_SECONDS = 0.1
#: A foreign program may hold the file for a moment (a backup); longer is told to the user.
FOREIGN_PATIENCE = 2.0

#: A connection costs threads and memory. A process that has gone through more workspaces than this (drafts of stores
#: are some too) lets those rest that it used longest ago.
MOST_AWAKE = 4

#: Those used last at the end.
_leases: dict[tuple[int, str, str], "Lease"] = {}
#: Those of workspaces in which no file can be made.
_in_memory: dict[tuple[int, str, str], MemoryLease] = {}
_leases_guard = threading.Lock()


def log_of(path: Path) -> Path:
    """What DuckDB keeps beside a file until its next checkpoint."""
    return path.with_name(path.name + ".wal")


def lease_of(layout: WorkspaceLayout) -> "Lease | MemoryLease":
    """This process's one lease on that workspace's store."""
    key = _key(layout)
    with _leases_guard:
        if key in _in_memory:
            return _in_memory[key]
        known = _leases.pop(key, None)
        lease = _leases[key] = known or Lease(layout)
        for (process, *_), other in list(_leases.items())[:-MOST_AWAKE]:
            if process == os.getpid():
                other.rest()
        return lease


def _key(layout: WorkspaceLayout) -> tuple[int, str, str]:
    return os.getpid(), os.path.realpath(layout.root), os.path.relpath(layout.store, layout.root)


def keep_in_memory(layout: WorkspaceLayout, why: WorkspaceError) -> None:
    """From now on this process has that workspace's store in memory, as no file can be made."""
    with _leases_guard:
        _in_memory.setdefault(_key(layout), MemoryLease(layout, why))


def why_in_memory(layout: WorkspaceLayout) -> WorkspaceError | None:
    """What keeps that workspace's store from being a file, tried again now and then; None where it is one, by now."""
    kept = _in_memory.get(_key(layout))
    if kept is not None and time.monotonic() < kept.next_try:
        return kept.why
    return try_file(layout)


def try_file(layout: WorkspaceLayout) -> WorkspaceError | None:
    """The same, tried at once."""
    kept = _in_memory.get(_key(layout))
    if kept is None:
        return None
    lease = Lease(layout)
    try:
        lease.prepare()
    except WorkspaceError as error:
        kept.why, kept.next_try = error, time.monotonic() + TRY_SECONDS
        return error
    finally:
        lease.rest()
    with _leases_guard:
        _in_memory.pop(_key(layout), None)
    kept.rest()
    return None


def _after_fork() -> None:
    """In a forked child another thread of the parent may have held the guard; leases are made anew there."""
    global _leases_guard
    _leases_guard = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Lease:
    """Attaches the store for reading or writing, one statement block at a time; safe to use from several threads.

    Take it from `lease_of`: two in one process would stand in each other's way.
    """

    def __init__(self, layout: WorkspaceLayout) -> None:
        self._layout = layout
        self._turn = threading.RLock()
        #: Held by whoever brings the store up to date, of the threads of this process.
        self.refreshing = threading.RLock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._in_use = False
        #: While this thread, which has the turn, reads.
        self._read: duckdb.DuckDBPyConnection | None = None
        self._announced = FileLock(layout.writer_lock)
        self._lock = FileLock(layout.store_lock)
        self._patience = Patience(lambda: not FileLock.is_free(layout.writer_lock))
        self._version = 0
        self.overlay = Overlay()
        #: Tells which file was read last: another may have been put in the place of the one that was known.
        self.made = ""

    @contextmanager
    def reading(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """The store, to be read. Fetch everything inside. Raises StoreBusy, StoreDamaged or StoreTooNew.

        Within another of the same thread it is that one: the file is opened once, and is in one state.
        """
        with self._turn, interrupted_in_between():
            if self._read is not None:
                yield self._read
                return
            if not self._layout.store.exists():
                self.prepare()
            with self._shared(), self._attached("(READ_ONLY)") as connection:
                if self._version == SCHEMA_VERSION:
                    with self._watched(connection):
                        yield connection
                    return
            # It is an older file.
            self.prepare()
            with self._shared(), self._attached("(READ_ONLY)") as connection, self._watched(connection):
                yield connection

    @contextmanager
    def _watched(self, connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
        self.overlay.lay_on(connection)
        self._read = connection
        try:
            with self._patience.watch(connection):
                yield
        finally:
            self._read = None

    @contextmanager
    def writing(self, patience: float = PATIENCE) -> Iterator["duckdb.DuckDBPyConnection"]:
        """The store inside a transaction, committed at the end and rolled back by an exception. Raises as `reading`;
        StoreInUse when others have not let go of it in `patience` seconds."""
        with self._turn, interrupted_in_between(), self._exclusive(patience):
            if not self._layout.store.exists():
                self._make()
            with self._attached("") as connection:
                self.overlay.take_off(connection)
                self._migrate(connection)
                with transaction(connection):
                    yield connection
                    fault("write.before-commit")
                fault("write.committed")

    def _migrate(self, connection: "duckdb.DuckDBPyConnection") -> None:
        import duckdb

        try:
            self._version, self.made = migrate(connection)
        except (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException) as error:
            raise _damaged(self._layout, error) from error  # what it says of itself is not what it has

    @property
    def can_be_read(self) -> bool:
        """Whether there is a file of this version, as far as this process knows."""
        return self._version == SCHEMA_VERSION and self._layout.store.exists()

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """The store, brought to this version, may be read meanwhile by a connection other than this one's.

        Others may read too; who wants to write waits. Raises as `reading`.
        """
        with self._turn, interrupted_in_between():
            self.prepare()
            with self._shared():
                yield

    @contextmanager
    def without_file(self) -> Iterator[None]:
        """Nobody has the store attached meanwhile: for replacing the file."""
        with self._turn, interrupted_in_between(), self._exclusive():
            self._version = 0
            yield

    def rest(self) -> None:
        """Give up a connection that is not in use, with its threads and memory; the next use makes another."""
        if self._turn.acquire(blocking=False):
            try:
                if not self._in_use:  # by this very thread, which may look at two stores at once
                    self._drop()
            finally:
                self._turn.release()

    def prepare(self) -> None:
        """Make the store, or bring it to this version; a store that cannot be written is only looked at. Raises as
        `writing`."""
        if self._layout.store.exists():
            with self._shared(), self._attached("(READ_ONLY)"):
                pass
        if not self._layout.store.exists() or self._version < SCHEMA_VERSION:
            with self.writing():
                pass
            self._version = SCHEMA_VERSION

    def _make(self) -> None:
        """Make the store whole under another name and rename it, so that a kill leaves no half-made one behind."""
        layout, draft = self._layout, self._layout.store_draft
        try:
            layout.tmp.mkdir(mode=0o700, exist_ok=True)
            # DuckDB's logs of files that are gone are no part of the new one.
            for path in (draft, log_of(draft), log_of(layout.store)):
                path.unlink(missing_ok=True)
            with self._attached("", draft) as connection:
                migrate(connection)
                connection.execute("CHECKPOINT store")  # what is left beside the draft would not be renamed with it
            fault("store.drafted")
            draft.replace(layout.store)
        except WorkspaceError:
            for path in (draft, log_of(draft)):  # on a full disk others need the room
                path.unlink(missing_ok=True)
            raise
        except OSError as error:
            raise WorkspaceError(
                f"cannot make {layout.store}: {error.strerror or error}",
                remedy="Check that the folder is yours, that it is writable and that the disk has room.",
            ) from error

    @contextmanager
    def _shared(self) -> Iterator[None]:
        deadline = time.monotonic() + PATIENCE
        self._release()
        try:
            try:
                _acquire(self._announced, deadline, shared=True)
                _acquire(self._lock, deadline, shared=True)
            finally:
                self._announced.release()
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _exclusive(self, patience: float = PATIENCE) -> Iterator[None]:
        deadline = time.monotonic() + patience
        self._release()
        try:
            _acquire(self._announced, deadline, shared=False)
            _acquire(self._lock, deadline, shared=False)
            yield
        finally:
            self._release()

    def _release(self) -> None:
        """Hold nothing; also before it is held: Ctrl-C may have come while it was let go of."""
        try:
            self._lock.release()
        finally:
            self._announced.release()

    @contextmanager
    def _attached(self, options: str, path: Path | None = None) -> Iterator["duckdb.DuckDBPyConnection"]:
        load_whole("duckdb")
        import duckdb

        handled = sys.exc_info()[1]
        if self._in_use:  # Ctrl-C came while it was let go of
            self._drop()
        self._in_use = True
        try:
            connection = self._ours()
            self._attach(connection, options, path or self._layout.store)
            if options:
                self._version, self.made = read_mark(connection)
                check_version(self._version)
            connection.execute("USE store")
            with interruptible():
                yield connection
        except KeyboardInterrupt:
            self._drop()
            raise
        except duckdb.InterruptException as error:
            raise StoreBusy(
                f"reading {self._layout.store} took more than {READ_SECONDS:g} s while another process waited to write",
                remedy="Ask for less at once, or try again. Nothing is lost.",
            ) from error
        except (duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException) as error:
            self._drop()
            raise _damaged(self._layout, error) from error
        except duckdb.IOException as error:
            raise _io_error(self._layout, error) from error
        except duckdb.Error as error:
            # Damage and a full disk are also told of by classes that stand for other things.
            if not _tells_of_damage(error) and not any(sign in str(error).lower() for sign in _OF_THE_DISK):
                raise
            self._drop()
            raise _io_error(self._layout, error) from error
        finally:
            self._detach(handled)
            self._in_use = False

    def _ours(self) -> "duckdb.DuckDBPyConnection":
        if self._connection is None:
            self._connection = open_connection(self._layout)
        return self._connection

    def _attach(self, connection: "duckdb.DuckDBPyConnection", options: str, path: Path) -> None:
        import duckdb

        if path.exists() and not (path.is_file() or path.is_dir()):  # DuckDB would wait for a FIFO
            raise WorkspaceError(f"{path} is no file", remedy="Move it away: the store is made again by the next look.")
        deadline = time.monotonic() + FOREIGN_PATIENCE
        while True:
            try:
                connection.execute(f"ATTACH {quoted(path)} AS store {options}")
                return
            except duckdb.IOException as error:
                if "lock" not in str(error).lower():
                    raise
                if time.monotonic() > deadline:
                    raise _busy(self._layout, error) from error
            time.sleep(0.05)

    def _detach(self, handled: BaseException | None) -> None:
        """Let go of the file, whatever happened; a connection that cannot is given up, which closes the file."""
        if self._connection is None:
            return
        try:
            self._connection.execute("USE memory")
            self._connection.execute("DETACH DATABASE IF EXISTS store")
        except BaseException as error:
            self._drop()
            if not isinstance(error, Exception):
                raise
            if was_interrupted(error, handled):
                raise KeyboardInterrupt from error

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()


def _acquire(lock: FileLock, deadline: float, *, shared: bool) -> None:
    """Raises StoreInUse when the time is over, or as soon as it is seen that who holds the lock is stopped."""
    looked = time.monotonic()
    while not lock.acquire(max(0.0, min(_BREATH_SECONDS, deadline - time.monotonic())), shared=shared):
        hear_what_waits()
        if time.monotonic() < min(deadline, looked + LOOK_SECONDS):
            continue
        looked = time.monotonic()
        pids = [pid for pid in holders(lock.path) if pid != os.getpid()]
        stopped = [pid for pid in pids if is_stopped(pid)]
        if stopped or time.monotonic() >= deadline:
            raise _in_use(lock, pids, stopped)


def _in_use(lock: FileLock, pids: list[int], stopped: list[int]) -> StoreInUse:
    who = f" ({', '.join(f'PID {pid}' for pid in pids)})" if pids else ""
    remedy = "Try again; if it lasts, look for a program that hangs. Training is not affected."
    if stopped:
        remedy = f"PID {stopped[0]} is stopped: let it go on (kill -CONT {stopped[0]}), or end it."
    return StoreInUse(f"other programs of yours{who} have used {lock.path} without a pause", remedy=remedy)


def _busy(layout: WorkspaceLayout, error: Exception) -> StoreBusy:
    found = re.search(r"\(PID (\d+)\)", str(error))
    holder = f"the program with PID {found[1]}" if found else "another program"
    return StoreBusy(
        f"{layout.store} is held open by {holder}",
        remedy="Close it there, then try again. Training goes on meanwhile and nothing is lost.",
    )


def _damaged(layout: WorkspaceLayout, error: Exception) -> StoreDamaged:
    first = str(error).splitlines()[0]
    return StoreDamaged(
        f"{layout.store} is damaged: {first[:200]}",
        remedy="Make it again from the journals, which hold everything: workbench doctor --rebuild",
    )


#: How DuckDB tells, also by errors of other classes, that a file or the log beside it cannot be written.
_OF_THE_DISK = ("could not write", "cannot open file", "no space left", "permission denied", "read-only file system")


def _tells_of_damage(error: Exception) -> bool:
    text = str(error).lower()
    return any(sign in text for sign in ("not a valid duckdb", "checksum", "corrupt", "could not read", "magic"))


def _io_error(layout: WorkspaceLayout, error: Exception) -> WorkbenchError:
    if _tells_of_damage(error):
        return _damaged(layout, error)
    return WorkspaceError(
        f"cannot use {layout.store}: {str(error).splitlines()[0][:300]}",
        remedy="Check that it is yours, that it is writable and that the disk has room.",
    )
