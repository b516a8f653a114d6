"""A script's last word: how its run ended, for when the disk took no more of its journal. (Python 3.8.)

The file that names the script's process has blanks behind it (they mean nothing behind a JSON object), which are filled
in place: on a full disk there is room for what is there already. Whoever finds the script gone records what it says.

A process of a job, of which there may be many, says what is lost by the name of an empty file, which takes no room
either. The supervisor adds them up.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from workbench_store.journal.writer import Lost
from workbench_store.layout import RunLayout
from workbench_store.redaction import without_secrets
from workbench_store.states import RunState

from workbench.client.json_files import read_json
from workbench.client.replacing import replace_file

#: A block of most file systems: less would take no less room.
_ROOM_BYTES = 4096
#: How the names of the empty files begin: then come rank, PID, points and records.
_LOST = "lost-"
#: Fits in there, whatever the letters are.
_REASON_LETTERS = 500


def reserve(path: Path, pid: int) -> None:
    """Write whose run it is, and take the room. Raises OSError."""
    replace_file(path, lambda draft: draft.write_bytes(_padded({"pid": pid})))


def leave(path: Path, pid: int, ending: Mapping[str, Any]) -> None:
    """Write how the run ended, in the fields of a `state` event and `lost` (points). Raises OSError."""
    reason = ending.get("reason")
    said = {**ending, "reason": None if reason is None else str(reason)[:_REASON_LETTERS]}
    content = _padded({"pid": pid, "ending": without_secrets("state", said)})
    descriptor = os.open(str(path), os.O_WRONLY)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def heard(path: Path, generation: int) -> Optional[Dict[str, Any]]:
    """How the run ended in that generation of its holder, as `leave` was told; None where nothing was left."""
    ending = (read_json(path) or {}).get("ending")
    if not isinstance(ending, dict) or ending.get("generation") != generation:
        return None
    return ending if RunState.parse(str(ending.get("state"))).final else None


def tell_lost(files: RunLayout, rank: int, lost: Lost) -> None:
    """Leave word of what this process of a job could not record. Never raises."""
    name = "{}r{}-{}-{}-{}".format(_LOST, rank, os.getpid(), lost.points, lost.records)
    with contextlib.suppress(OSError):
        (files.control / name).touch()


def told_lost(files: RunLayout) -> Lost:
    """What the processes of a job could not record, as far as they told."""
    points = records = 0
    for path in files.control.glob(_LOST + "r*"):
        numbers = path.name.rpartition("-")[0].rpartition("-")[2], path.name.rpartition("-")[2]
        if all(number.isascii() and number.isdigit() and len(number) < 19 for number in numbers):
            points, records = points + int(numbers[0]), records + int(numbers[1])
    return Lost(points, records)


def _padded(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode().ljust(_ROOM_BYTES)
