"""Where the folder of a run is by now that was moved, with its workspace, while processes of it go on: they hold files
in it, which the system tells by their present names (Linux: proc(5)). (Python 3.8: the in-job client uses it.)
"""

from __future__ import annotations

import os
from pathlib import Path

from workbench_store.layout import RunLayout
from workbench_store.processes import parent_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Optional

#: So many generations of processes may lie between a job's own parent and one that logs.
_MOST_ANCESTORS = 64


def folder_of_script(folder: Path, pid: int) -> Path:
    """The folder of a run that the process has open; the one it was known by, where nobody can tell another. There may
    be another run of the name at the old place."""
    lock = RunLayout(folder).script_lock.relative_to(folder)
    return _present(folder, _roots(_open_files(pid), folder, lock))


def folder_of_job(folder: Path) -> Path:
    """The same of the job that this process is a part of, whose parent is in its folder."""
    control = RunLayout(folder).control.relative_to(folder)
    places = (_link("/proc/{}/cwd".format(pid)) for pid in _ancestors())
    return _present(folder, _roots(places, folder, control))


def _present(folder: Path, held: Iterator[Path]) -> Path:
    """The folder, if it is one that is held, or none is; else the first."""
    roots = list(held)
    try:
        if any(os.path.samefile(str(root), str(folder)) for root in roots):
            return folder
    except OSError:
        pass  # it is not there any more
    return roots[0] if roots else folder


def _roots(places: Iterator[str], folder: Path, part: Path) -> Iterator[Path]:
    """The folders of that name, within one of the same name, in which the places are that part."""
    for place in places:
        root = Path(place[: -len(str(part)) - 1]) if place.endswith("/" + str(part)) else None
        if root is not None and root.parts[-2:] == folder.parts[-2:] and root.is_dir():
            yield root


def _open_files(pid: int) -> Iterator[str]:
    place = "/proc/{}/fd".format(pid)
    try:
        names = os.listdir(place)
    except OSError:
        return
    for name in names:
        yield _link(os.path.join(place, name))


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _ancestors() -> Iterator[int]:
    pid: Optional[int] = os.getppid()
    for _ in range(_MOST_ANCESTORS):
        if pid is None or pid <= 1:
            return
        yield pid
        pid = parent_of(pid)
