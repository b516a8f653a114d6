"""A copy of data that may be changed: nothing in it leads to the originals, as folders made of links would."""

import os
from pathlib import Path

from workbench.data.copying import copy_data, is_inside, links_below, replace_link


def copy_to_change(source: Path, target: Path, leaving_out: frozenset[str] = frozenset()) -> list[Path]:
    """Copy a file or a folder as `copy_data` does, and what its links lead to elsewhere with it. Raises OSError.

    Links to what is in the folder lead to the copy of that; those that lead nowhere stay. Returns the links, by their
    place in the copy, whose folders lie around the data, so that they can only be left as they are.
    """
    copy_data(source, target, leaving_out)
    if not source.is_dir():
        return []
    return _make_own(os.path.realpath(source), target, leaving_out, ())


def _make_own(root: str, target: Path, leaving_out: frozenset[str], around: tuple[str, ...]) -> list[Path]:
    """The same for the links in `target`, a copy of `root`; `around` are the folders whose links led here."""
    left: list[Path] = []
    copied_from = (*around, root)
    for link in list(links_below(target)):
        real = os.path.realpath(os.path.join(root, link.relative_to(target)))
        if not os.path.exists(real):
            continue
        if is_inside(real, root):
            copy = os.path.join(os.path.realpath(target), os.path.relpath(real, root))
            replace_link(link, os.path.relpath(copy, os.path.realpath(link.parent)))
        elif any(is_inside(folder, real) for folder in copied_from):
            left.append(link)
        else:
            left += _put_in_place_of(link, Path(real), leaving_out, copied_from)
    return left


def _put_in_place_of(link: Path, real: Path, leaving_out: frozenset[str], around: tuple[str, ...]) -> list[Path]:
    link.unlink()
    copy_data(real, link, leaving_out)
    return _make_own(str(real), link, leaving_out, around) if real.is_dir() else []
