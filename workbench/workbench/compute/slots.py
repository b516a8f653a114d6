"""The queue of a machine: slots are lock files, and whoever waits for one holds a ticket. First come, first
served.

The folder is the user's, shared by all workspaces on one host:

    <pool>/door            held for the instant in which tickets and slots change hands
    <pool>/slot-<n>        locked by the run that has slot n
    <pool>/ticket-<n>      locked by the run that waits; whoever finds one unlocked removes it

The operating system releases the locks of a killed process, so a dead waiter or holder frees its place by
itself.
"""

import time
from collections.abc import Callable
from pathlib import Path

from workbench_store.locks import FileLock

_POLL_SECONDS = 0.1


class SlotPool:
    """`count` slots in `folder`, which is made when it is not there."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._count = count

    def acquire(self, waiting: Callable[[int], None], stop: Callable[[], bool], wanted: int = 1) -> "list[Slot] | None":
        """So many slots at once, as soon as it is this caller's turn; None once `stop()` is true.

        `waiting(position)` is called whenever the position in the queue has changed; 1 is the next to go. More than
        there are cannot be had. Whoever is next keeps its turn until there are enough: nobody overtakes.
        """
        slots, ticket = self._enter(wanted)
        if ticket is None:
            return slots
        shown = 0
        try:
            while not stop():
                position = self._position(ticket)
                if position == 1:
                    with self._door():
                        slots = self._free_slots(wanted)
                    if slots:
                        return slots
                if position != shown:
                    waiting(position)
                    shown = position
                time.sleep(_POLL_SECONDS)
            return None
        finally:
            _tear(ticket)

    def _door(self) -> FileLock:
        return FileLock(self._folder / "door")

    def _enter(self, wanted: int) -> "tuple[list[Slot], _Ticket | None]":
        """Slots at once when nobody waits and enough are free; else a ticket at the end of the queue."""
        with self._door():
            self._remove_dead()
            tickets = self._tickets()
            if not tickets:
                slots = self._free_slots(wanted)
                if slots:
                    return slots, None
            number = _number(tickets[-1]) + 1 if tickets else 1
            return [], _Ticket.write(self._folder, number)

    def _free_slots(self, wanted: int) -> "list[Slot]":
        """So many slots, or none of them."""
        found: list[Slot] = []
        for index in range(self._count):
            lock = FileLock(self._folder / f"slot-{index}")
            if lock.try_acquire():
                found.append(Slot(index, lock))
            if len(found) == wanted:
                return found
        for slot in found:
            slot.release()
        return []

    def _tickets(self) -> list[Path]:
        return sorted(self._folder.glob("ticket-*"), key=_number)

    def _remove_dead(self) -> None:
        for path in self._tickets():
            if FileLock.is_free(path):
                path.unlink(missing_ok=True)

    def _position(self, ticket: "_Ticket") -> int:
        """1 for the head of the queue. Only the neighbour ahead is probed: its own are watched by it."""
        ahead = [path for path in self._tickets() if _number(path) < ticket.number]
        if ahead and FileLock.is_free(ahead[-1]):
            ahead.pop().unlink(missing_ok=True)
        return len(ahead) + 1


class Slot:
    """A slot that is held until `release`."""

    def __init__(self, index: int, lock: FileLock) -> None:
        self.index = index
        self._lock = lock

    @property
    def descriptor(self) -> int | None:
        """What a job's parent is given, so that the slot stays taken though its supervisor was killed."""
        return self._lock.descriptor

    def release(self) -> None:
        """Give the slot to whoever waits."""
        self._lock.release()


class _Ticket:
    def __init__(self, number: int, path: Path, lock: FileLock) -> None:
        self.number = number
        self.path = path
        self.lock = lock

    @classmethod
    def write(cls, folder: Path, number: int) -> "_Ticket":
        """A new ticket; it is locked before others can see it, so that none takes it for a dead one."""
        hidden, path = folder / f".ticket-{number}", folder / f"ticket-{number}"
        hidden.unlink(missing_ok=True)
        lock = FileLock(hidden)
        lock.try_acquire()
        hidden.rename(path)
        return cls(number, path, lock)


def _number(path: Path) -> int:
    return int(path.name.rpartition("-")[2])


def _tear(ticket: _Ticket) -> None:
    ticket.path.unlink(missing_ok=True)
    ticket.lock.release()
