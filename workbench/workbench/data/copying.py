"""Copies that cost no space where the file system can share blocks (reflinks), and move where a move will
do."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from workbench_store.blobs import cloned
from workbench_store.faults import fault
from workbench_store.layout import WORKSPACE_DIR
from workbench_store.words import counted

_PART_BYTES = 1024 * 1024


def copy_file(source: str | Path, target: str | Path) -> str:
    """Copy one file with its mode and times, by reflink if possible. Raises OSError.

    A pipe, socket or device holds nothing to copy and is passed over: opening one could last for ever.
    """
    if not os.path.isfile(source):
        return str(target)
    with open(source, "rb") as original, open(target, "wb") as copy:
        if not cloned(original.fileno(), copy.fileno()):
            shutil.copyfileobj(original, copy, _PART_BYTES)
    shutil.copystat(source, target)
    return str(target)


#: Folders that are no data where they lie in data: each run writes to its workspace, and has its copies of data there.
NO_DATA = frozenset({WORKSPACE_DIR})


def copy_data(source: Path, target: Path, leaving_out: frozenset[str] = frozenset()) -> None:
    """Copy a file or a folder with all that is in it, but for folders of the names that are left out. Raises OSError.

    Links inside a folder stay links; those that lead out of it by a relative way lead to the same place as before.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():

        def passed_over(folder: str, names: list[str]) -> set[str]:
            return {name for name in names if name in leaving_out and os.path.isdir(os.path.join(folder, name))}

        between = Path(os.path.relpath(os.path.realpath(target), os.path.realpath(source))).parts
        if ".." not in between and not leaving_out.intersection(between):
            raise OSError(f"{source} would be copied into itself, to {target}")
        try:
            shutil.copytree(
                source, target, symlinks=True, ignore=passed_over, copy_function=copy_file, dirs_exist_ok=True
            )
        except shutil.Error as error:
            raise OSError(told(error)) from error
        for link in list(links_below(target)):
            _lead_as_before(source, link, target)
    else:
        copy_file(source, target)


def told(error: OSError) -> str:
    """The error in words. `shutil.Error` lists all that went wrong: the first is told, and how many there are."""
    if not (isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list)):
        return str(error)
    first, more = error.args[0][0], len(error.args[0]) - 1
    text = str(first[-1]) if isinstance(first, tuple) else str(first)
    return f"{text} (and {counted(more, 'more error')})" if more else text


def _lead_as_before(source: Path, link: Path, target: Path) -> None:
    original = source / link.relative_to(target)
    text = _text_elsewhere(source, original)
    if text == os.readlink(original):
        return
    mode = stat.S_IMODE(os.stat(link.parent).st_mode)  # a copy of a folder that may not be written may not either
    os.chmod(link.parent, mode | stat.S_IRWXU)
    try:
        replace_link(link, text)
    finally:
        os.chmod(link.parent, mode)


def _text_elsewhere(source: Path, link: Path) -> str:
    """What a link in a folder must hold in a copy of the folder, so that it leads to the same or to its copy."""
    text = os.readlink(link)
    if os.path.isabs(text):
        return text
    before = os.path.normpath(link.parent / text)
    return text if is_inside(before, source) else before


def publish(source: Path, target: Path, by: str) -> None:
    """Copy as `copy_data` does to a place where others read and write too: each file and link takes its name whole.

    `by` tells the drafts of one publisher from another's; what it was cut short in is done again. Raises OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not source.is_dir():
        _publish_file(source, target, by)
        return
    folders = []
    for folder, names, files in os.walk(source, onerror=raise_error):
        place = target / os.path.relpath(folder, source)
        place.mkdir(exist_ok=True)
        folders.append((folder, place))
        for path in (Path(folder, name) for name in (*names, *files)):
            if path.is_symlink():
                replace_link(place / path.name, _text_elsewhere(source, path))
            elif path.is_file():
                _publish_file(path, place / path.name, by)
    for folder, place in reversed(folders):
        shutil.copystat(folder, place)


def _publish_file(source: Path, target: Path, by: str) -> None:
    real = Path(os.path.realpath(target))  # a link of the user's that is there already goes on leading there
    draft = real.with_name(f".{real.name[:100]}.{by[:60]}.new")
    try:
        copy_file(source, draft)
        if draft.stat().st_size != source.stat().st_size:
            raise OSError(errno.EIO, f"{source} was not copied whole", str(target))
        fault("publish.drafted")
        draft.replace(real)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def links_below(root: Path) -> Iterator[Path]:
    """Every symbolic link below a folder, none of them followed. Raises OSError for a folder that cannot be read."""
    for folder, names, files in os.walk(root, onerror=raise_error):
        for name in (*names, *files):
            path = Path(folder, name)
            if path.is_symlink():
                yield path


def raise_error(error: OSError) -> None:
    """For `os.walk`, which passes over folders that cannot be read unless it is told not to."""
    raise error


def is_inside(path: str | Path, folder: str | Path) -> bool:
    """Whether a path, as it is written, is the folder or below it."""
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))


def replace_link(link: Path, text: str | Path) -> None:
    """Let the link lead elsewhere; it is there at every moment."""
    draft = link.with_name(f".{link.name[:200]}.{os.urandom(4).hex()}.new")
    draft.symlink_to(text)
    draft.replace(link)


def move_into(source: Path, target: Path) -> None:
    """Move everything in the folder `source` into the folder `target`, replacing files of the same name."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in os.scandir(source):
        place = target / entry.name
        if entry.is_dir(follow_symlinks=False) and place.is_dir() and not place.is_symlink():
            move_into(Path(entry.path), place)
        else:
            if place.is_dir() and not place.is_symlink():
                raise FileExistsError(f"a folder is in the way of {place}")
            shutil.move(entry.path, place)
            fault("move.entry")
    source.rmdir()
