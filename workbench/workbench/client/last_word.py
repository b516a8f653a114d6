"""A script's last word: how its run ended, for when the disk took no more of its journal. (Python 3.8.)

The file that names the script's process has blanks behind it (they mean nothing behind a JSON object), which are filled
in place: on a full disk there is room for what is there already. Whoever finds the script gone records what it says
(heard.py).

Other processes of a run, of which there may be many, say what is lost by the name of an empty file, which takes no
room either. Whoever ends the run, or finds it ended, records what they say.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from workbench_store.journal.lost import Lost
from workbench_store.layout import RunLayout
from workbench_store.redaction import without_secrets

from workbench.client.replacing import replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

#: A block of most file systems: less would take no less room.
_ROOM_BYTES = 4096
#: How the names of the empty files begin: then come rank, PID, points, records, bytes that were cut short, bytes of the
#: log, and what makes the name one of its kind.
LOST = "lost-"
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


def tell_lost(files: RunLayout, rank: int, lost: Lost) -> None:
    """Leave word of what this process of a job, or child of a script, could not record. Never raises."""
    numbers = "{}-{}-{}-{}-{}".format(os.getpid(), lost.points, lost.records, lost.torn, lost.unlogged)
    name = "{}r{}-{}-{}".format(LOST, rank, numbers, os.urandom(4).hex())
    try:
        (files.control / name).touch()
    except OSError:
        pass


def _padded(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode().ljust(_ROOM_BYTES)
