"""Which steps follow in a run that was resumed or forked: those behind its past. (Python 3.8.)

The past is what the journals held that were there when the run was taken up. Reading it takes long where there is much,
so that whichever of the run's processes needs it first leaves to the others what came of it.
"""

from __future__ import annotations

import os

from workbench_store.journal.decoding import Event, Points, decode
from workbench_store.layout import RunLayout

from workbench.client.json_files import read_json, write_json
from workbench.client.past import journals_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Set, Tuple


def note_past(files: RunLayout) -> None:
    """Note which journals are the past, before there are others."""
    _write(files, {"journals": sorted(map(_stem, os.listdir(str(files.journals))))})


def next_steps(files: RunLayout, rank: int) -> Dict[str, int]:
    """The step that follows the last one of each metric of a rank."""
    return dict(_past_of(files)["steps"].get(str(rank), {}))


def next_media_steps(files: RunLayout, rank: int) -> Dict[Tuple[str, str], int]:
    """The step that follows the last one of each kind and key of media of a rank."""
    return {(kind, key): step for of, kind, key, step in _past_of(files)["media"] if of == rank}


def _past_of(files: RunLayout) -> Dict[str, Any]:
    noted = read_json(files.past) or {}
    if "steps" not in noted:
        noted.update(_worked_out(files, _wanted(files, noted.get("journals"))))
        _write(files, noted)
    return noted


def _wanted(files: RunLayout, names: Any) -> Optional[Set[str]]:
    """The journals to be read; None for all, where it is not known which are the past, or some are not there."""
    there = set(map(_stem, os.listdir(str(files.journals))))
    return set(names) if isinstance(names, list) and there.issuperset(names) else None


def _worked_out(files: RunLayout, wanted: Optional[Set[str]]) -> Dict[str, Any]:
    steps: Dict[str, Dict[str, int]] = {}
    media: Dict[Tuple[int, str, str], int] = {}
    for name, data in journals_of(files):
        for record, _ in decode(data) if wanted is None or _stem(name) in wanted else ():
            if isinstance(record, Points):
                found = steps.setdefault(str(record.rank), {})
                for key in record.keys:
                    found[key] = max(record.step + 1, found.get(key, 0))
            elif isinstance(record, Event) and record.name == "media":
                place, step = _place_of(record.fields), record.fields.get("step")
                if isinstance(step, int):
                    media[place] = max(step + 1, media.get(place, 0))
    return {"steps": steps, "media": [[*place, step] for place, step in media.items()]}


def _place_of(fields: Dict[str, Any]) -> Tuple[int, str, str]:
    rank = fields.get("rank", 0)
    return rank if isinstance(rank, int) else 0, str(fields.get("kind")), str(fields.get("key"))


def _stem(name: str) -> str:
    """A journal's name, compressed or not."""
    return name[: -len(".gz")] if name.endswith(".gz") else name


def _write(files: RunLayout, noted: Dict[str, Any]) -> None:
    try:
        write_json(files.past, noted)
    except OSError:
        pass  # on a full disk each process works it out for itself
