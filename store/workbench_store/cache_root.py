"""Where the user's cache is: environments and the slots of local compute. (Python 3.8, standard library.)"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from workbench_store.errors import WorkspaceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Optional

VARIABLE = "WORKBENCH_CACHE"
TAG_NAME = "CACHEDIR.TAG"
TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# The cache of Workbench: `workbench uninstall` removes it.\n"
_REMEDY = "Set WORKBENCH_CACHE to a folder that you may write."


def cache_root(environ: Optional[Mapping[str, str]] = None) -> Path:
    """The absolute path of the cache folder, which may not exist yet.

    WORKBENCH_CACHE if set, else `workbench` below XDG_CACHE_HOME (XDG Base Directory Specification: ignored
    unless absolute), else `~/.cache/workbench`. What is relative is so to the folder in which this process first asked.
    Raises WorkspaceError where a home folder is needed and there is none.
    """
    values = os.environ if environ is None else environ
    explicit = values.get(VARIABLE)
    if explicit:
        return _absolute(explicit)
    base = Path(values.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else _absolute("~/.cache")) / "workbench"


def usable_cache() -> Path:
    """The cache folder, made if it is not there. Raises WorkspaceError when it cannot be made or written."""
    root = cache_root()
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _tag(root)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WorkspaceError("the cache folder {} cannot be made: {}".format(root, reason), remedy=_REMEDY) from error
    if not os.access(str(root), os.W_OK | os.X_OK):
        raise WorkspaceError("the cache folder {} cannot be written".format(root), remedy=_REMEDY)
    return root


def _tag(root: Path) -> None:
    """Say in a folder that was empty that it is a cache of ours (Cache Directory Tagging Specification): programs that
    make copies pass over it, and `workbench uninstall` may remove it."""
    tag = root / TAG_NAME
    if not tag.exists() and not any(root.iterdir()):
        tag.write_text(TAG)


def is_ours(root: Path) -> bool:
    """Whether all of the cache folder was made for Workbench: by its tag, or as nobody chose another place for it."""
    try:
        return (root / TAG_NAME).read_text() == TAG
    except (OSError, ValueError):
        return not os.environ.get(VARIABLE)


@lru_cache(maxsize=None)
def _absolute(path: str) -> Path:
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise WorkspaceError("you have no home folder, so there is no place for the cache", remedy=_REMEDY) from error
