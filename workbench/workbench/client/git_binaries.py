"""Taking changes of binary files out of a diff: `git apply` refuses all of it for one of them. (Python 3.8.)"""

import re
from typing import List, Tuple

#: No line of a change begins so: those begin with a blank, a sign or a backslash.
_FILE = re.compile(rb"^diff --git ", re.MULTILINE)
_BINARY = re.compile(rb"^Binary files .* differ$", re.MULTILINE)
_HEAD = re.compile(rb"diff --git (\"?)a/(?P<path>.*)\1 (\"?)b/(?P=path)\3")


def without_binaries(diff: bytes) -> Tuple[bytes, List[str]]:
    """A diff of git without the binary files that it can only name, and the paths of these."""
    starts = [match.start() for match in _FILE.finditer(diff)]
    kept, names = [diff[: starts[0]] if starts else diff], []
    for start, end in zip(starts, [*starts[1:], len(diff)]):
        part = diff[start:end]
        if _BINARY.search(part):
            head = part.split(b"\n", 1)[0]
            match = _HEAD.fullmatch(head)
            names.append((match["path"] if match else head[len(b"diff --git ") :]).decode("utf-8", "replace"))
        else:
            kept.append(part)
    return b"".join(kept), names
