"""The names in a listing, which become paths below one folder: what a server says is not believed blindly."""

import os

from workbench_store.errors import DataError

from workbench.data.remote import Survey

#: The longest name of a file or folder that file systems take, in bytes.
LONGEST_NAME = 255
_REMEDY = "Rename it at its place."


def relative_name(root: str, path: str) -> str:
    """The path below the root, without empty parts and `.`. Raises DataError for one that would leave it."""
    parts = [part for part in path.removeprefix(root).split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in path:
        raise DataError(f"{path!r} is no path below {root}")
    return "/".join(parts)


def check_names(survey: Survey, shown: str) -> None:
    """Raises DataError, naming the file, when the files cannot be side by side below one folder."""
    names: set[str] = set()
    for file in survey.files:
        if file.name in names:
            raise DataError(f"{shown} has two files that would both be {file.name!r}", remedy=_REMEDY)
        _check_length(file.name, shown)
        names.add(file.name)
    for name in names:
        above = name.rpartition("/")[0]
        while above:
            if above in names:
                raise DataError(f"{shown} has a file {above!r} and a file {name!r} below it", remedy=_REMEDY)
            above = above.rpartition("/")[0]


def _check_length(name: str, shown: str) -> None:
    try:
        longest = max(len(os.fsencode(part)) for part in name.split("/"))
    except UnicodeEncodeError as error:
        raise DataError(f"{shown} has a file {name!r}, whose name cannot be written here", remedy=_REMEDY) from error
    if longest > LONGEST_NAME:
        said = f"{longest} bytes, and a name has at most {LONGEST_NAME}"
        raise DataError(f"{shown} has a file {name!r}: a part of its name has {said}", remedy=_REMEDY)
