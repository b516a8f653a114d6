"""Removing what a job or script has left: folders in which nothing may be written would keep their content."""

import os
import shutil
from contextlib import suppress
from pathlib import Path


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
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        make_writable(folder)
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


def make_writable(folder: Path) -> None:
    """Let this user look into and write to the folder and those below it, as far as they are theirs."""
    for root, _, _ in os.walk(folder):  # which looks into each only after this
        with suppress(OSError):
            os.chmod(root, 0o700)
