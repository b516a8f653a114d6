"""A copy of data that may be changed: nothing in it leads to the originals, as folders made of links would."""

import os
from pathlib import Path

from workbench.data.copying import copy_data, is_inside, links_below, replace_link


def copy_to_change(source: Path, target: Path, leaving_out: frozenset[str] = frozenset()) -> list[Path]:
    """Copy a file or a folder as `copy_data` does, and what its links lead to elsewhere with it, so that all of it may
    be written to. Raises OSError.

    What several links lead to is there once, and links to what was copied lead to the copy; those that lead nowhere
    stay. Returns the links, by their place in the copy, to folders around the data, which can only stay as they are.
    """
    copy_data(source, target, leaving_out)
    left: list[Path] = []
    copies = {os.path.realpath(source): os.path.realpath(target)}
    waiting = [(os.path.realpath(source), target)]
    while waiting:
        original, copy = waiting.pop()
        _make_writable(copy)
        for link in list(links_below(copy)) if copy.is_dir() else ():
            real = os.path.realpath(os.path.join(original, link.relative_to(copy)))
            if not os.path.exists(real):
                continue
            known = _copy_of(real, copies)
            if known is not None:
                replace_link(link, os.path.relpath(known, os.path.realpath(link.parent)))
            elif any(is_inside(folder, real) for folder in copies):
                left.append(link)
            else:
                link.unlink()
                copy_data(Path(real), link, leaving_out)
                copies[real] = os.path.realpath(link)
                waiting.append((real, link))
    return left


def _copy_of(real: str, copies: dict[str, str]) -> str | None:
    """Where the copy of a file or folder is, if it was copied."""
    bases = ((Path(base), Path(copy)) for base, copy in copies.items() if is_inside(real, base))
    places = (str(copy / Path(real).relative_to(base)) for base, copy in bases)
    return next((place for place in places if os.path.exists(place)), None)


def _make_writable(copy: Path) -> None:
    """Files in the cache, and what a user has protected, may not be written; a copy may."""
    for path in [copy, *(Path(root, name) for root, names, files in os.walk(copy) for name in (*names, *files))]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o700 if path.is_dir() else 0o600))
