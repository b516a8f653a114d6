"""What scripts left as their last word (last_word.py), read by who finds them gone. (Python 3.8.)"""

from __future__ import annotations

import os
import time

from workbench_store.errors import WorkspaceError
from workbench_store.journal.lost import LOST_UNTOLD, Lost, events_of, in_words
from workbench_store.journal.waiting_note import WAITING
from workbench_store.layout import RunLayout
from workbench_store.locks import FileLock
from workbench_store.processes import process_start
from workbench_store.states import RunState

from workbench.client.json_files import read_json
from workbench.client.last_word import LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Dict, List, Mapping, Optional, Sequence

    from workbench_store.journal.writer import JournalWriter

#: What the names of notes count, in their order.
_NUMBERS = ("points", "records", "torn", "unlogged")


def heard(path: Path, generation: int) -> Optional[Dict[str, Any]]:
    """How the run ended in that generation of its holder, as `leave` was told; None where nothing was left."""
    ending = (read_json(path) or {}).get("ending")
    if not isinstance(ending, dict) or ending.get("generation") != generation:
        return None
    return ending if RunState.parse(str(ending.get("state"))).final else None


def last_reason(word: Mapping[str, Any]) -> Optional[str]:
    """What the script gave as its reason, and what is missing of its records."""
    return "; ".join(str(part) for part in (word.get("reason"), lacking(word)) if part) or None


def lacking(word: Mapping[str, Any]) -> Optional[str]:
    """What is missing of its records besides points."""
    return in_words(Lost(records=_count(word.get("lost_records")), unlogged=_count(word.get("unlogged")))) or None


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def ended_without_closing(seen: float) -> str:
    """Why a script is over that said nothing of its end."""
    return "ended without closing; {}".format(last_sign(seen))


def last_sign(seen: float) -> str:
    """When somebody was seen alive for the last time (UTC epoch seconds; 0: never), in words, to the second."""
    return "last sign of life {}".format(time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seen)) if seen else "never")


def torn_in(generation: object) -> str:
    """What names the bytes that were cut short in the journal of that holder: they count once, whoever tells them."""
    return "holder-{}".format(generation)


def left_behind(files: RunLayout) -> List[Path]:
    """The notes of those who recorded for the run and are gone: how much they could not record, and of those who were
    killed while something waited for room on the disk that it is lost: how much it was nobody knows. Folders that may
    not be read hold none."""
    waiting = [note for note in _within(files.journals) if note.name.endswith(WAITING) and not _goes_on(note)]
    return waiting + [note for note in _within(files.control) if note.name.startswith(LOST + "r")]


def _within(folder: Path) -> List[Path]:
    try:
        return [folder / name for name in sorted(os.listdir(str(folder)))]
    except (OSError, ValueError):  # or it cannot be the name of a run
        return []


def _goes_on(note: Path) -> bool:
    """Whether who left it still writes: they hold their journal. A PID is no proof, but better than none where there
    is no journal yet, or no locks: it may be somebody else's by now, or of another container."""
    journal = note.with_name(note.name[: -len(WAITING)])
    try:
        if journal.exists():
            return not FileLock.is_free(journal)
    except (OSError, WorkspaceError):
        pass
    return process_start(_pid_of(note)) is not None


def tell(journal: JournalWriter, notes: Sequence[Path]) -> None:
    """Have the run say what such notes do, which go once that is on the disk. Each is told once, though who tells it be
    killed in between: `of` names it."""
    for note in notes:
        lost = _lost_of(note)
        if lost is None:
            journal.event("warning", text="{} (PID {})".format(LOST_UNTOLD, _pid_of(note)), of=note.name)
            continue
        for event, fields in events_of(lost, note.name):
            journal.event(event, **fields)
    if notes and journal.flush():
        forget(notes)


def all_told(notes: Sequence[Path]) -> Lost:
    """What such notes say together."""
    every = [lost for lost in map(_lost_of, notes) if lost is not None]
    return Lost(**{name: sum(getattr(lost, name) for lost in every) for name in _NUMBERS})


def some_untold(notes: Sequence[Path]) -> bool:
    """Whether one says that nobody knows how much is lost."""
    return any(_lost_of(note) is None for note in notes)


def _lost_of(note: Path) -> Optional[Lost]:
    """How much it says to be lost; None where it cannot say."""
    if not note.name.startswith(LOST):
        return None
    numbers = note.name.split("-")[3:-1]
    known = [int(part) if part.isascii() and part.isdigit() and len(part) < 19 else 0 for part in numbers]
    return Lost(**dict(zip(_NUMBERS, known)))


def _pid_of(note: Path) -> int:
    """Whose it is; 0 for a name that is none of ours."""
    parts = note.name.split("-")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 0


def forget(notes: Sequence[Path]) -> None:
    """They are told, and are no news to who takes the run up again."""
    for note in notes:
        try:
            note.unlink()
        except OSError:
            pass
