"""Finding the pipes of a running job's output again, in the processes that have them."""

import os
from collections.abc import Iterable, Sequence

from workbench.compute.job_log import place_of


def found_pipes(inodes: Sequence[int], pids: Iterable[int]) -> dict[int, int]:
    """The pipes of these inodes that one of the processes has, opened to be emptied: a descriptor for each place in
    `inodes`. What another user has is not found."""
    wanted = {inode: place for place, inode in enumerate(inodes)}
    found: dict[int, int] = {}
    for pid in pids:
        for descriptor in _descriptors(pid):
            place = wanted.get(_inode(pid, descriptor))
            if place is None or place in found:
                continue
            try:
                found[place] = os.open(place_of(descriptor, pid), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                continue  # it has ended meanwhile
        if len(found) == len(inodes):
            break
    return found


def _descriptors(pid: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return []


def _inode(pid: int, descriptor: int) -> int:
    """The pipe's inode; -1 for what is none."""
    try:
        kind, _, inode = os.readlink(place_of(descriptor, pid)).partition(":")
        return int(inode.strip("[]")) if kind == "pipe" else -1
    except (OSError, ValueError):
        return -1
