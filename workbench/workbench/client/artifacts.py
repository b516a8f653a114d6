"""Copying a script's files into its run's outputs, with no way out of their folder. (Python 3.8.)"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from workbench_store.errors import UsageError
from workbench_store.faults import fault
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WORKSPACE_DIR, RunLayout

from workbench.client.replacing import make_folder_below
from workbench.client.unsaved import Unsaved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Optional, Set


def save_file(files: RunLayout, journal: JournalWriter, unsaved: Unsaved, source: Path, below: Optional[str]) -> None:
    """Copy one file into the outputs and record it. UsageError if `below` leads out of them."""
    folder = _inside(files, below)
    mode = _mode_of(source, unsaved)
    if mode is None:
        return
    if stat.S_ISDIR(mode):
        raise UsageError("{} is a folder".format(source), remedy="Use log_artifacts for folders.")
    if mode and not stat.S_ISREG(mode):
        unsaved.warn("files", source, "it is not a file")
        return
    _copy(files, journal, unsaved, source, folder / source.name)


def save_folder(files: RunLayout, journal: JournalWriter, unsaved: Unsaved, source: Path, below: Optional[str]) -> None:
    """Copy all files below a folder into the outputs and record them. A link to a file in the folder is saved as that
    file; what leads elsewhere or holds nothing is left out, and said to be.

    Workspaces and the outputs themselves are passed over: what is copied would be found and copied again.
    """
    folder = _inside(files, below)
    mode = _mode_of(source, unsaved)
    if mode is None:
        return
    if not stat.S_ISDIR(mode):
        unsaved.warn("folders", source, "it is not a folder")
        return
    for path in list(_files_below(source, {files.root.parent.parent, files.outputs, folder}, unsaved)):
        _copy(files, journal, unsaved, path, folder / path.relative_to(source))


def _files_below(source: Path, apart: Set[Path], unsaved: Unsaved) -> Iterator[Path]:
    """The files below a folder, but not those of the folders `apart`, unless it is one of them."""
    passed_over = {os.path.realpath(str(place)) for place in apart}
    for place, folders, names in os.walk(str(source), onerror=lambda error: _tell(unsaved, error.filename, error)):
        folders[:] = [
            name
            for name in sorted(folders)
            if name != WORKSPACE_DIR and os.path.realpath(os.path.join(place, name)) not in passed_over
        ]
        linked = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in sorted(names + linked):
            path = Path(place) / name
            mode = _mode_of(path, unsaved)
            if mode is None:
                continue
            if stat.S_ISREG(mode) and (not path.is_symlink() or _leads_into(path, source)):
                yield path
            else:
                why = "a link to a folder or to elsewhere" if path.is_symlink() else "not a file"
                unsaved.warn("files", path, "it is " + why)


def _mode_of(path: Path, unsaved: Unsaved) -> Optional[int]:
    """What the path leads to, as `stat` has it: 0 for nothing, and None, with a warning, where that cannot be told."""
    try:
        return os.stat(str(path)).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError as error:
        _tell(unsaved, path, error)
        return None


def _tell(unsaved: Unsaved, path: object, error: OSError) -> None:
    unsaved.warn("files", path, error.strerror or str(error))


def _leads_into(link: Path, folder: Path) -> bool:
    return os.path.realpath(str(link)).startswith(os.path.realpath(str(folder)) + os.sep)


def _inside(files: RunLayout, below: Optional[str]) -> Path:
    if below is None or below == "":
        return files.outputs
    path = path_of(below, "artifact_path")
    parts = path.parts
    if path.is_absolute() or ".." in parts:
        raise UsageError("artifact_path {!r} leads out of the run's outputs".format(below))
    return files.outputs.joinpath(*parts)


def path_of(given: object, argument: str) -> Path:
    """A path that a script passed, as text or as a path. UsageError, which names the argument, for anything else."""
    try:
        text = os.fspath(given)  # type: ignore[call-overload]
    except TypeError:
        text = None
    if not isinstance(text, str) or "\0" in text or not text:
        short = given is None or isinstance(given, (str, bytes, int, float))
        what = repr(given) if short else "an object of type {}".format(type(given).__name__)  # a model may have pages
        remedy = "Give the path of a file or folder; what is in memory is saved to one first."
        raise UsageError("{} is not a path but {}".format(argument, what), remedy=remedy)
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise UsageError("{} {!r} can name no file: {}".format(argument, text, error.reason)) from None
    return Path(text)


def _copy(files: RunLayout, journal: JournalWriter, unsaved: Unsaved, source: Path, target: Path) -> None:
    draft = target.with_name(".{}.part".format(os.urandom(8).hex()))
    try:
        make_folder_below(files.root, target.parent)
        import shutil

        shutil.copyfile(str(source), str(draft))
        fault("artifact.drafted")
        os.replace(str(draft), str(target))
        size = target.stat().st_size
    except OSError as error:
        _tell(unsaved, source, error)
        try:
            os.unlink(str(draft))
        except OSError:
            pass
        return
    unsaved.tell()
    path = target.relative_to(files.root).as_posix()
    journal.event("artifact", path=path, kind="logged", size=size, hash=None)
