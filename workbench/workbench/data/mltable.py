"""MLTable folders: the YAML file in them that says which files a table is made of."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from workbench_store.errors import DataError

from workbench.data.copying import NO_DATA
from workbench.data.elsewhere import TABLE_FILE
from workbench.data.matching import VARYING, matching_files
from workbench.data.secret_urls import without_secrets
from workbench.data.urls import is_web
from workbench.data.walking import files_below
from workbench.spec.files import Unreadable, kind_at, read_yaml_file
from workbench.spec.paths import is_remote
from workbench.spec.places import BadPlace, parse_place
from workbench.spec.tree import plain

_KINDS = ("file", "folder", "pattern")
EVAL_MODES = ("eval_mount", "eval_download")


class Part(Struct, frozen=True):
    """One entry of a table's `paths`. kind: file, folder or pattern. place: an absolute path, or a URI."""

    kind: str
    place: str

    @property
    def type(self) -> str:
        """The type of input that has to be had for a part at a URI."""
        return "uri_file" if self.kind == "file" else "uri_folder"

    @property
    def source(self) -> str:
        """The URI of what has to be had for a part at one: of a pattern, the folder that holds all that fits it."""
        return _split(self.place)[0] if self.kind == "pattern" else self.place

    def had_at(self, path: Path) -> "list[tuple[str, Path]]":
        """The files of a part at a URI whose source is at a path on this machine now, as `local_files`."""
        if self.kind == "pattern":
            return local_files(Part("pattern", str(path / _split(self.place)[1])), path)
        return local_files(Part(self.kind, str(path)), path if self.kind == "folder" else path.parent)


def _split(pattern: str) -> tuple[str, str]:
    """The URI of the folder in which all is that a pattern fits, and the pattern below that."""
    whole, mark, query = pattern.partition("?") if is_web(pattern) else (pattern, "", "")
    names = whole.split("/")
    if len(names) == 1:
        return pattern, ""
    first = next((number for number, name in enumerate(names[:-1]) if VARYING.search(name)), len(names) - 1)
    return f"{'/'.join(names[:first])}/{mark}{query}", "/".join(names[first:])


def read_table(folder: Path) -> list[Part]:
    """The parts of the table in a folder, relative paths made absolute. Raises DataError, naming what is wrong."""
    file = folder / TABLE_FILE
    kind = kind_at(file)
    if kind not in (None, "a file"):
        raise DataError(f"{file} is {kind}, not a file")
    if kind is None:
        raise DataError(f"{folder} is no MLTable: it holds no file {TABLE_FILE}", remedy=_near(folder))
    try:
        _, tree = read_yaml_file(file)
    except Unreadable as error:
        line = f":{error.problem.line}" if error.problem.line else ""
        raise DataError(f"{file}{line}: {error.problem.message}") from error
    content = None if tree is None else plain(tree)
    paths = content.get("paths") if isinstance(content, Mapping) else None
    if not isinstance(paths, list) or not paths:
        raise DataError(f"{file} has no list of `paths`", remedy="It says which files the table is made of.")
    return [_part(file, entry) for entry in paths]


def _near(folder: Path) -> str:
    """What the file may have been called instead."""
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    near = [name for name in names if name.lower().split(".")[0] == TABLE_FILE.lower()]
    return f"Rename {near[0]} to {TABLE_FILE}." if near else "Say `type: uri_folder` if it is a plain folder."


def _part(file: Path, entry: Any) -> Part:
    if not isinstance(entry, Mapping) or len(entry) != 1 or next(iter(entry)) not in _KINDS:
        raise DataError(f"{file}: {entry!r} in `paths` is none of file, folder and pattern, each with a path")
    ((kind, place),) = entry.items()
    if not isinstance(place, str) or not place.strip():
        raise DataError(f"{file}: {kind} in `paths` has no path")
    if not is_remote(place):
        return Part(str(kind), os.path.abspath(file.parent / place.removeprefix("file://")))
    part = Part(str(kind), place)
    if kind == "pattern" and ".." in place.split("/"):
        raise DataError(f"{file}: the pattern {without_secrets(place)} leads upwards", remedy="Name where it leads to.")
    try:
        parse_place(part.source)
    except BadPlace as error:
        raise DataError(f"{file}: {error.message}") from error
    return part


def local_files(part: Part, folder: Path) -> list[tuple[str, Path]]:
    """The files of a local part, each by its name in the evaluated table: relative to the table's folder where it is
    below that, else to what the part fixes. Raises DataError for a part that names nothing."""
    found = sorted(named_files(part, folder), key=lambda named: named[1])
    if not found:
        raise DataError(f"{folder / TABLE_FILE}: {part.kind} {part.place} names no file")
    return found


def named_files(part: Part, folder: Path) -> Iterator[tuple[str, Path]]:
    """The same as they come, also of a part that names nothing."""
    path = Path(part.place)
    base = folder if path.is_relative_to(folder) else _outside(part)
    for file in _files(part):
        yield (file.relative_to(base).as_posix() if file.is_relative_to(base) else file.name), file


def _files(part: Part) -> Iterator[Path]:
    if part.kind == "pattern":
        yield from matching_files(part.place)
        return
    path = Path(part.place)
    if path.is_dir() == (part.kind == "folder"):
        yield from files_below(path, lambda error: None, NO_DATA)


def longer_names(part: Part, name: str) -> Iterator[str]:
    """Other names for a file of the part, for where another part has a file of that name: with one more of the folders
    that it is in each time."""
    # The name of a file in a remote folder begins in it, that of one in a local folder outside with the folder's own.
    place = part.source if part.kind != "file" and is_remote(part.place) else str(_outside(part))
    folders = [one for one in (place.partition(":/")[2] or place).split("/") if one]
    for first in range(len(folders) - 1, -1, -1):
        yield "/".join([*folders[first:], name])


def _outside(part: Part) -> Path:
    """The folder that the part is in; of a pattern, the one in which all that fits it is."""
    above = Path(part.place).parent
    if part.kind != "pattern":
        return above
    varying = (number for number, name in enumerate(above.parts) if VARYING.search(name))
    return Path(*above.parts[: next(varying, None)])
