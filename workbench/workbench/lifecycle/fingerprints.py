"""The content of input data hashed while the job runs, and what is recorded of each input."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from workbench_store.layout import RunLayout

from workbench.data.elsewhere import has_remote_parts
from workbench.data.hashing import content_hash
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


def local_content(path: Path) -> str:
    """The hash of what is at a place on this machine, with its kind in front. Raises OSError."""
    return f"xxh3-128:{content_hash(path)}"


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


def recorded_stats(files: RunLayout) -> dict[str, str]:
    """The inputs by sizes and times, as they were when the run was submitted: fingerprint by input's name."""
    return dict(reversed([(name, found) for name, found in _recorded(files) if found.startswith(_STAT)]))


def recorded_contents(files: RunLayout) -> dict[str, str]:
    """The hashes of the content of the inputs, where they are known: fingerprint by input's name."""
    return {name: found for name, found in _recorded(files) if not found.startswith(_STAT)}


def _recorded(files: RunLayout) -> Iterator[tuple[str, str]]:
    for event in JournalTail(files).new_events():
        if event.name == "input" and event.fields.get("fingerprint") is not None:
            yield str(event.fields.get("name")), str(event.fields["fingerprint"])


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
