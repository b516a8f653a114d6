"""The files of which data on this machine consists."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def files_below(
    root: Path, on_error: Callable[[OSError], None], leaving_out: frozenset[str] = frozenset()
) -> Iterator[Path]:
    """Every file below `root` in order of name, or `root` itself if it is one; links to folders are not followed, and
    folders of the names that are left out not looked into. What cannot be looked into is told to `on_error`."""
    if root.is_file():
        yield root
        return
    for folder, names, files in os.walk(root, onerror=on_error) if root.exists() else ():
        names[:] = sorted(set(names) - leaving_out)
        yield from (path for name in sorted(files) if (path := Path(folder, name)).is_file())
