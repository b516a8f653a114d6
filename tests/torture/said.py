"""What training processes said of their logging, read from files that nothing of Workbench has touched."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

#: A metric's key and step.
Place = tuple[str, int]


@dataclass
class Said:
    """One process's words: what it was about to log, what `log` returned for, and whether it came to its end."""

    run: str
    rank: int
    tried: dict[Place, float] = field(default_factory=dict)
    did: dict[Place, float] = field(default_factory=dict)
    ended: bool = False


def read_said(folder: Path) -> list[Said]:
    """The words of all processes that came to say any."""
    texts = (path.read_text() for path in sorted(folder.iterdir()))
    return [_understood(text.splitlines()) for text in texts if text]


def _understood(lines: Iterable[str]) -> Said:
    found: Said | None = None
    for words in map(json.loads, lines):
        if found is None:
            found = Said(words["run"], words["rank"])
        elif "tried" in words:
            last = {(key, words["tried"]): value for key, value in words["metrics"].items()}
            found.tried |= last
        elif "did" in words:
            found.did |= {place: value for place, value in last.items() if place[1] == words["did"]}
        else:
            found.ended = True
    assert found is not None
    return found
