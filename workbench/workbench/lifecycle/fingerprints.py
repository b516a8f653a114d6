"""The content of input data hashed while the job runs, and what is recorded of each input."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from workbench_store.layout import RunLayout

from workbench.data.elsewhere import has_remote_parts
from workbench.data.fingerprint import local_content
from workbench.lifecycle.history import JournalTail
from workbench.lifecycle.plan import Plan, PlannedInput
from workbench.lifecycle.recorder import RunRecorder
from workbench.lifecycle.repeated import FETCHED

_STAT = "stat:"


def hash_inputs(plan: Plan, recorder: RunRecorder) -> None:
    """Hash the content of the inputs in the background and record it; the run's end does not wait for it."""
    wanted = [item for item in plan.inputs if item.local and not _told_when_brought(item)]
    if wanted:
        threading.Thread(target=_hash, args=(wanted, recorder), name="inputs", daemon=True).start()


def _told_when_brought(item: PlannedInput) -> bool:
    return item.evaluated and has_remote_parts(Path(str(item.path)))


def content_of_all(contents: Iterable[str]) -> str:
    """One hash for what consists of several that have a hash each, in their order."""
    each = list(contents)
    if len(each) == 1:
        return each[0]
    from hashlib import sha256  # it loads OpenSSL

    return FETCHED + sha256(" ".join(each).encode()).hexdigest()


def _hash(items: list[PlannedInput], recorder: RunRecorder) -> None:
    for item in items:
        with suppress(OSError):  # unreadable or gone: the stat fingerprint stays what is known of it
            recorder.event("input", **input_fields(item, local_content(Path(str(item.path)))))


class Recorded(NamedTuple):
    """Fingerprints by input's name: by sizes and times as they were when the run was submitted, and hashes of content,
    where they are known."""

    stats: dict[str, str]
    contents: dict[str, str]


def recorded(files: RunLayout) -> Recorded:
    """What a run recorded of its inputs."""
    found = Recorded({}, {})
    for event in JournalTail(files).new_events():
        name, fingerprint = str(event.fields.get("name")), str(event.fields.get("fingerprint"))
        if event.name != "input" or event.fields.get("fingerprint") is None:
            continue
        if fingerprint.startswith(_STAT):
            found.stats.setdefault(name, fingerprint)
        else:
            found.contents[name] = fingerprint
    return found


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
        "given": item.given,
        "asset": item.asset,
        "asset_kind": item.asset_kind,
        "source_run": item.source_run,
        "source_output": item.source_output,
    }
