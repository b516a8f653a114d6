"""Telling whether input data has changed: quickly at submit by sizes and times, thoroughly later by
content."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from workbench.lifecycle.hashing import content_hash
from workbench.lifecycle.plan import Plan, PlannedInput
from workbench.lifecycle.recorder import RunRecorder

#: A submit does not look longer at one input than this; what it has not seen then is left to the content
#: hash.
_LOOK_SECONDS = 0.25


def stat_fingerprint(path: Path) -> str:
    """`stat:<digest>:<files>:<bytes>` of relative names, sizes and times; ends in `+` if there was more than
    time."""
    deadline = time.monotonic() + _LOOK_SECONDS
    digest, count, size, mark = hashlib.blake2b(digest_size=16), 0, 0, ""
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
        names.sort()
        for name in sorted(files):
            full = Path(folder, name)
            with suppress(OSError):
                yield str(full.relative_to(path)), full.stat()


def hash_inputs(plan: Plan, recorder: RunRecorder) -> None:
    """Hash the content of the inputs in the background and record it; the run's end does not wait for it."""
    wanted = [item for item in plan.inputs if item.path is not None]
    if wanted:
        threading.Thread(target=_hash, args=(wanted, recorder), name="inputs", daemon=True).start()


def _hash(items: list[PlannedInput], recorder: RunRecorder) -> None:
    for item in items:
        with suppress(OSError):  # unreadable or gone: the stat fingerprint stays what is known of it
            fingerprint = f"xxh3-128:{content_hash(Path(str(item.path)))}"
            recorder.event("input", **input_fields(item, fingerprint))


def input_fields(item: PlannedInput, fingerprint: str | None) -> dict[str, object]:
    """The fields of an `input` event."""
    return {
        "name": item.name,
        "type": item.type,
        "mode": item.mode,
        "path": item.path,
        "resolved": item.resolved,
        "fingerprint": fingerprint,
        "value": item.value,
    }
