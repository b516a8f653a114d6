"""Removing what a job or script has left: folders that are shut would keep their content, and folders may be nested
more deeply than `shutil.rmtree` goes, or than a path is long.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

#: What is nested more deeply, or has longer paths, is brought to the top before all of it is removed.
_DEEP, _LONG = 50, 1000


def remove_whole(path: Path) -> OSError | None:
    """Remove a file or link, or a folder with all in it; why the first of what stays does, if something does."""
    if path.is_dir() and not path.is_symlink():
        return _remove_folder(path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return error
    return None


def _remove_folder(folder: Path) -> OSError | None:
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if not os.path.lexists(folder):
        return None
    _open_up(folder)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        if os.path.lexists(folder):
            shutil.rmtree(folder)
    except FileNotFoundError:  # another process was there first
        return None
    except OSError as error:
        return OSError(error.errno, error.strerror, str(_found(folder, str(error.filename))))
    return None


def _found(folder: Path, path: str) -> Path:
    """What an error of `rmtree` names, in some versions of Python by the last part of its path alone."""
    if os.path.isabs(path):
        return Path(path)
    below = (Path(root, name) for root, folders, files in os.walk(folder) for name in [*folders, *files])
    return next((one for one in below if one.name == path), folder)


def _open_up(folder: Path) -> None:
    """Let this user look into and write to all folders in it, as far as they are theirs, and bring what is nested
    deeply to its top."""
    places = [(os.fspath(folder), 0)]
    while places:
        place, depth = places.pop()
        for below in _folders_in(place):
            if depth < _DEEP and len(below) < len(os.fspath(folder)) + _LONG:
                places.append((below, depth + 1))
                continue
            lifted = os.path.join(folder, os.urandom(8).hex())
            with suppress(OSError):
                os.chmod(below, 0o700)  # or it may not be moved to another folder
                os.rename(below, lifted)
                places.append((lifted, 1))


def _folders_in(place: str) -> list[str]:
    """Those that can be seen once it is opened to this user, and none that links lead to."""
    with suppress(OSError):
        os.chmod(place, 0o700)
    try:
        with os.scandir(place) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
