"""What is kept of a diff: whole files, as `git apply` refuses all of it for a part of one. (Python 3.8.)"""

import re
from typing import List, NamedTuple, Tuple

#: No line of a change begins so: those begin with a blank, a sign or a backslash.
_FILE = re.compile(rb"^diff --git ", re.MULTILINE)
_BINARY = re.compile(rb"^Binary files .* differ$", re.MULTILINE)
_HEAD = re.compile(rb"diff --git (\"?)a/(?P<path>.*)\1 (\"?)b/(?P=path)\3")


class Kept(NamedTuple):
    """The changes that are kept, and the paths of the files whose changes are not: binary files, which a diff only
    names, and those for which there was no room."""

    diff: bytes
    binary: List[str]
    large: List[str]


def what_is_kept(diff: bytes, most: int, whole: bool = True) -> Kept:
    """The smallest changes of a diff of git that have room in so many bytes, in their order.

    whole: whether that is all of the diff; if not, its last file is not.
    """
    starts = [match.start() for match in _FILE.finditer(diff)]
    files = [diff[start:end] for start, end in zip(starts, [*starts[1:], len(diff)])]
    binary = [bool(_BINARY.search(file)) for file in files]
    taken, room = set(), most
    for number in sorted(range(len(files) if whole else len(files) - 1), key=lambda one: len(files[one])):
        if not binary[number] and len(files[number]) <= room:
            taken.add(number)
            room -= len(files[number])
    left = [(binary[number], _path(file)) for number, file in enumerate(files) if number not in taken]
    return Kept(b"".join(files[number] for number in sorted(taken)), *_apart(left))


def _apart(left: List[Tuple[bool, str]]) -> Tuple[List[str], List[str]]:
    return [path for binary, path in left if binary], [path for binary, path in left if not binary]


def _path(file: bytes) -> str:
    head = file.split(b"\n", 1)[0]
    match = _HEAD.fullmatch(head)
    return (match["path"] if match else head[len(b"diff --git ") :]).decode("utf-8", "replace")
