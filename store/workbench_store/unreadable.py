"""What a snapshot cannot have, in words."""

import errno

from workbench_store.errors import SnapshotError

_LONGEST = 200


def unreadable(doing: str, path: object, error: OSError) -> SnapshotError:
    """The error for a file or folder that cannot be read: `doing` it, where, why, and what helps."""
    text = str(path)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}...{text[-_LONGEST // 2 :]}"
    leave = "leave it out with a rule in .amlignore, or else .gitignore."
    remedy = f"Shorten the names of its folders, or {leave}" if error.errno == errno.ENAMETOOLONG else None
    return SnapshotError(
        f"cannot {doing} {text}: {error.strerror or error}", remedy=remedy or f"Make it readable, or {leave}"
    )
