"""The files that a pattern names, as `glob` takes it, also where links lead around in circles."""

import fnmatch
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path

#: What in a part of a pattern may stand for different names.
VARYING = re.compile(r"[*?\[]")
_ANY_DEPTH = "**"


def matching_files(pattern: str) -> list[Path]:
    """The files of an absolute pattern, each once, by name. `**` is any number of folders, each looked at once however
    many links lead to it; nothing but a part that begins with a dot names what is hidden."""
    root, *parts = Path(pattern).parts
    if parts and parts[-1] == _ANY_DEPTH:
        parts.append("*")
    # Several `**` one after the other say no more than one.
    parts = [part for part, same in groupby(parts) for part in ([part] if part == _ANY_DEPTH else same)]
    return sorted(path for path in set(_matches(Path(root), parts)) if path.is_file())


def _matches(folder: Path, parts: list[str]) -> Iterator[Path]:
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == _ANY_DEPTH:
        for below in _folders(folder):
            yield from _matches(below, rest)
    elif not VARYING.search(part) or (folder / part).exists():
        yield from _matches(folder / part, rest)
    else:
        for path in _entries(folder):
            if fnmatch.fnmatch(path.name, part) and (part.startswith(".") or not path.name.startswith(".")):
                yield from _matches(path, rest)


def _folders(top: Path) -> Iterator[Path]:
    """The folder and all below it but hidden ones, each once: by its own path before any link to it."""
    seen: set[tuple[int, int]] = set()
    own, linked = deque([top]), deque[Path]()
    while own or linked:
        folder = own.popleft() if own else linked.popleft()
        with suppress(OSError):
            status = folder.stat()
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                yield folder
                for path in _entries(folder):
                    if path.is_dir() and not path.name.startswith("."):
                        (linked if path.is_symlink() else own).append(path)


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []
