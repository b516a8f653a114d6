"""What scripts left as their last word (last_word.py), read by who finds them gone. (Python 3.8.)"""

from __future__ import annotations

from workbench_store.journal.lost import LOST_UNTOLD, Lost, missing_records
from workbench_store.journal.writer import WAITING
from workbench_store.layout import RunLayout
from workbench_store.processes import process_start
from workbench_store.states import RunState

from workbench.client.json_files import read_json
from workbench.client.last_word import LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Dict, List, Mapping, Optional

    from workbench_store.journal.writer import JournalWriter


def heard(path: Path, generation: int) -> Optional[Dict[str, Any]]:
    """How the run ended in that generation of its holder, as `leave` was told; None where nothing was left."""
    ending = (read_json(path) or {}).get("ending")
    if not isinstance(ending, dict) or ending.get("generation") != generation:
        return None
    return ending if RunState.parse(str(ending.get("state"))).final else None


def last_reason(word: Mapping[str, Any]) -> Optional[str]:
    """What the script gave as its reason, and what is missing of its records."""
    lost = word.get("lost_records")
    missing = missing_records(lost) if isinstance(lost, int) and lost > 0 else None
    return "; ".join(str(part) for part in (word.get("reason"), missing) if part) or None


def told_lost(files: RunLayout) -> Lost:
    """What the processes of a job could not record, as far as they told."""
    points = records = 0
    for path in files.control.glob(LOST + "r*"):
        numbers = path.name.rpartition("-")[0].rpartition("-")[2], path.name.rpartition("-")[2]
        if all(number.isascii() and number.isdigit() and len(number) < 19 for number in numbers):
            points, records = points + int(numbers[0]), records + int(numbers[1])
    return Lost(points, records)


def untold(files: RunLayout) -> List[Path]:
    """The notes of those who recorded for the run and were killed while records of theirs waited for room on the disk:
    how many were lost nobody knows. (Those who live may have some too.)"""
    return sorted(files.journals.glob("*" + WAITING))


def left_behind(files: RunLayout) -> List[Path]:
    """Of these notes those whose process is gone: nobody else tells them."""
    return [note for note in untold(files) if process_start(_pid_of(note)) is None]


def tell(journal: JournalWriter, notes: List[Path]) -> None:
    """Have the run say what such notes do, which go once that is on the disk."""
    for note in notes:
        journal.event("warning", text=told_by(note))
    if notes and journal.flush():
        for note in notes:
            forget(note)


def told_by(note: Path) -> str:
    """What such a note tells, in words."""
    return "{} (PID {})".format(LOST_UNTOLD, _pid_of(note))


def _pid_of(note: Path) -> int:
    """Whose it is; 0 for a name that is none of ours."""
    parts = note.name.split("-")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 0


def forget(note: Path) -> None:
    """It is told, and is no news to who takes the run up again."""
    try:
        note.unlink()
    except OSError:
        pass
