"""A copy of data that may be changed: nothing in it leads to the originals, as folders made of links would."""

import os
from pathlib import Path

from workbench.data.copying import copy_data, links_below, replace_link


def copy_to_change(source: Path, target: Path, leaving_out: frozenset[str] = frozenset()) -> list[Path]:
    """Copy a file or a folder as `copy_data` does, and what its links lead to elsewhere with it, so that all of it may
    be written to. Raises OSError.

    What several links lead to is there once, and links to what was copied lead to the copy; those that lead nowhere, or
    to a device or pipe, stay. Returns the links, by their place in the copy, to folders around the data, which can only
    stay as they are.
    """
    copy_data(source, target, leaving_out)
    left: list[Path] = []
    copies = _Copies()
    copies.add(os.path.realpath(source), target)
    waiting = [(os.path.realpath(source), target)]
    while waiting:
        original, copy = waiting.pop()
        _make_writable(copy)
        for link in list(links_below(copy)) if copy.is_dir() else ():
            real = os.path.realpath(os.path.join(original, link.relative_to(copy)))
            if not (os.path.isfile(real) or os.path.isdir(real)):
                continue
            known = copies.of(real)
            if known is not None:
                replace_link(link, os.path.relpath(known, os.path.realpath(link.parent)))
            elif copies.lies_around(real):
                left.append(link)
            else:
                link.unlink()
                copy_data(Path(real), link, leaving_out)
                copies.add(real, link)
                waiting.append((real, link))
    return left


class _Copies:
    """What was copied, by the real paths of the originals; each question takes as long as a path is deep."""

    def __init__(self) -> None:
        self._copies: dict[str, str] = {}
        self._around: set[str] = set()

    def add(self, real: str, copy: Path) -> None:
        """Take note of a copy."""
        self._copies[real] = os.path.realpath(copy)
        if os.path.isdir(real):
            self._around.update(map(str, Path(real).parents))

    def of(self, real: str) -> str | None:
        """Where the copy of a file or folder is, if it was copied."""
        path = Path(real)
        for base in (path, *path.parents):
            copy = self._copies.get(str(base))
            found = None if copy is None else str(Path(copy) / path.relative_to(base))
            if found is not None and os.path.exists(found):
                return found
        return None

    def lies_around(self, real: str) -> bool:
        """Whether something that was copied lies below that folder."""
        return real in self._around


def _make_writable(copy: Path) -> None:
    """Files in the cache, and what a user has protected, may not be written; a copy may."""
    for path in [copy, *(Path(root, name) for root, names, files in os.walk(copy) for name in (*names, *files))]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o700 if path.is_dir() else 0o600))
