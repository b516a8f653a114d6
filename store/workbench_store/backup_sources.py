"""What a backup copies of a workspace, in an order in which nothing is missed.

What refers to something comes before it: journals name artifacts, plans name snapshots, manifests name blobs.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from workbench_store.errors import WorkspaceError
from workbench_store.journal.packed import PACKED_SUFFIX, SUFFIX
from workbench_store.layout import WorkspaceLayout
from workbench_store.locks import FileLock

_FILES = ("workspace.json", ".gitignore", "README.md")
#: After the journals and files of runs.
_AFTER_RUNS = ("snapshots", "blobs", "datastores", "computes")
#: What in a run's folder of control is of this moment alone. The locks by which a run's end is judged come along: in a
#: copy nobody holds them.
_OF_THIS_MOMENT = frozenset({"sampler.lock", "heartbeat"})
_JOURNALS = "journal"
_DRAFT = ".new"

#: Is given what could not be looked into.
Trouble = Callable[[OSError], None]


class Source(NamedTuple):
    """One thing to be copied; folders come before what is in them. A journal is only ever written to at its end."""

    path: Path
    kind: Literal["folder", "file", "link"]
    is_journal: bool = False


def sources(layout: WorkspaceLayout, others: frozenset[str], trouble: Trouble) -> Iterator[Source]:
    """Everything of the workspace, but for the runs named in `others`."""
    for name in _FILES:
        if (layout.root / name).exists():
            yield Source(layout.root / name, "file")
    yield from _below(layout.root / _JOURNALS, _is_draft, trouble, journals=Path())
    # Before the runs, as what is saved goes from here to there.
    for staged in _unsaved(layout, others):
        yield Source(layout.staging, "folder")
        yield from _below(staged, lambda _: False, trouble)
    yield from (Source(folder, "folder") for folder in (layout.runs, layout.trash) if folder.is_dir())
    yield from _of_runs(layout, others, trouble)
    for part in _AFTER_RUNS:
        yield from _below(layout.root / part, _is_draft, trouble)


def _unsaved(layout: WorkspaceLayout, others: frozenset[str]) -> Iterator[Path]:
    """Temporary storage of runs whose outputs are not saved yet, and that nobody holds who would save them."""
    with suppress(FileNotFoundError):
        for staged in sorted(layout.staging.iterdir()):
            files = layout.run(staged.name)
            if staged.name not in others and files.plan.exists() and not files.collected.exists():
                with suppress(OSError, WorkspaceError):
                    if FileLock.is_free(files.supervisor_lock):
                        yield staged


def run_folders(layout: WorkspaceLayout) -> dict[str, Path]:
    """The folder of each run, in the workspace or in the trash. Looked for twice where they come back to: a run that
    moves meanwhile is found."""
    found: dict[str, Path] = {}
    for folder in (layout.runs, layout.trash, layout.runs):
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            found.update(
                (entry.name, Path(entry.path)) for entry in entries if entry.is_dir() and not _is_made(entry.name)
            )
    return found


def _is_made(name: str) -> bool:
    """Whether a run of that name is still being made."""
    return name.startswith(".") and name.endswith(_DRAFT)


def _of_runs(layout: WorkspaceLayout, others: frozenset[str], trouble: Trouble) -> Iterator[Source]:
    """What is in every run; in one that is removed or brought back meanwhile again, where it is then."""
    gone_through: dict[str, Path] = {}
    names = frozenset(run_folders(layout)) - others
    while True:
        folders = {name: folder for name, folder in run_folders(layout).items() if name in names}
        ahead = [name for name, folder in folders.items() if gone_through.get(name) != folder]
        if not ahead:
            return
        for name in sorted(ahead):
            gone_through[name] = folders[name]
            yield from _below(folders[name], _is_of_this_moment, trouble, journals=Path(_JOURNALS))


def _is_draft(below: Path) -> bool:
    return below.name.endswith(_DRAFT)


def _is_of_this_moment(below: Path) -> bool:
    """Of a run only what is Workbench's own: all else is the user's, whatever it is called."""
    return below.parts[0] == "control" and (below.name in _OF_THIS_MOMENT or _is_draft(below))


def _below(
    root: Path, left_out: Callable[[Path], bool], trouble: Trouble, journals: Path | None = None
) -> Iterator[Source]:
    """The folder and all in it, what lies in its folder `journals` last: a journal then tells of nothing that was not
    there to be copied."""
    late = []

    def refused(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # it has gone meanwhile
            trouble(error)

    for place, folders, names in os.walk(root, onerror=refused):
        folders.sort()
        yield Source(Path(place), "folder")
        for name in [*folders, *names]:
            path = Path(place, name)
            kind = _kind(path, refused)
            if kind is None or left_out(path.relative_to(root)):
                continue
            if kind == "file" and path.parent == root / (journals or _DRAFT) and name.endswith((SUFFIX, PACKED_SUFFIX)):
                late.append(Source(path, kind, is_journal=True))
            else:
                yield Source(path, kind)
    yield from late


def _kind(path: Path, refused: Trouble) -> Literal["file", "link"] | None:
    """None for a folder, which is gone through by itself, and for what holds nothing: a pipe, a socket."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        refused(error)
        return None
    return "link" if stat.S_ISLNK(mode) else "file" if stat.S_ISREG(mode) else None
