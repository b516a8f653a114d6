"""Telling whether data has changed: quickly by sizes and times, thoroughly by content."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from workbench.data.copying import NO_DATA
from workbench.data.elsewhere import files_elsewhere, has_remote_parts
from workbench.data.hashing import content_hash

#: A look at sizes and times does not take longer than this unless it is told to.
LOOK_SECONDS = 0.25
#: Content of more bytes than this is not read when an asset is added.
_MOST_READ_BYTES = 1024**3


def stat_fingerprint(path: Path, look_seconds: float = LOOK_SECONDS) -> str:
    """`stat:<digest>:<files>:<bytes>` of relative names, sizes and times, those of a table's files elsewhere on this
    machine among them; ends in `+` if there was more than time. Raises OSError for what is not there."""
    from hashlib import blake2b  # it loads OpenSSL

    deadline = time.monotonic() + look_seconds
    digest, count, size, mark = blake2b(digest_size=16), 0, 0, ""
    for name, stat in _walk(path):
        digest.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode("utf-8", "surrogatepass"))
        count, size = count + 1, size + stat.st_size
        if time.monotonic() > deadline:
            mark = "+"
            break
    return f"stat:{digest.hexdigest()}:{count}:{size}{mark}"


def _walk(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    if not path.is_dir():
        yield "", path.stat()
        return
    for folder, names, files in os.walk(path):
        names[:] = sorted(set(names) - NO_DATA)
        for name in sorted(files):
            full = Path(folder, name)
            with suppress(OSError):
                yield str(full.relative_to(path)), full.stat()
    for name, file in files_elsewhere(path):
        with suppress(OSError):
            yield name, file.stat()


def bytes_of(fingerprint: str) -> int:
    """The bytes that a stat fingerprint counted."""
    return int(fingerprint.rpartition(":")[2].rstrip("+"))


def differs(before: str | None, now: str) -> bool:
    """Whether two stat fingerprints tell of a change; one that was cut short by time tells nothing."""
    return before is not None and not before.endswith("+") and not now.endswith("+") and before != now


def content_fingerprint(path: Path, stat: str) -> str | None:
    """`xxh3-128:<hash>` of names and content; None where there is too much to read, `stat` was cut short, or some of
    it is not on this machine."""
    if stat.endswith("+") or bytes_of(stat) > _MOST_READ_BYTES or has_remote_parts(path):
        return None
    return local_content(path)


def local_content(path: Path) -> str:
    """The same, however much there is to read. Raises OSError."""
    return f"xxh3-128:{content_hash(path)}"


def only_times_differ(path: Path, stat: str, content: str | None) -> bool:
    """Whether data with another stat fingerprint has the content that it had; False where that cannot be told."""
    try:
        return content is not None and content_fingerprint(path, stat) == content
    except OSError:
        return False
