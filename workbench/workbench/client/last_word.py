"""A script's last word: how its run ended, for when the disk took no more of its journal. (Python 3.8.)

The file that names the script's process has blanks behind it (they mean nothing behind a JSON object), which are filled
in place: on a full disk there is room for what is there already. Whoever finds the script gone records what it says
(heard.py).

Other processes of a run, of which there may be many, say what is lost by the name of a file alone, which takes hardly
any room. Whoever ends the run, or finds it ended, records what they say.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from workbench_store.journal.encoding import encode_event
from workbench_store.journal.lost import Lost, events_of
from workbench_store.journal.waiting_note import leave_note
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
    if not leave_note(files.control / name, files.root):
        _tell_in_a_journal(files, lost, name)


def _tell_in_a_journal(files: RunLayout, lost: Lost, note: str) -> None:
    """Where the disk has room and takes no more files: behind what somebody else writes, whose file takes whole
    records from anybody."""
    data = b"".join(encode_event(event, time.time(), fields) for event, fields in events_of(lost, note))
    for journal in sorted(files.journals.glob("*.wbj")):
        try:
            descriptor = os.open(str(journal), os.O_WRONLY | os.O_APPEND)
        except OSError:
            continue
        try:
            if os.write(descriptor, data) == len(data):
                return
        except OSError:
            pass
        finally:
            os.close(descriptor)


def _padded(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode().ljust(_ROOM_BYTES)
