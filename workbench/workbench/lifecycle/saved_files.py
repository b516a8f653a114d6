"""Whether files are still what a run saved: a place that the user chose may be written to by others since."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench_store.path_text import name_of_text

from workbench.data.hashing import hash_file

if TYPE_CHECKING:
    from workbench_store.records import ArtifactRecord


def unlike_saved(artifacts: Iterable["ArtifactRecord"], places: Mapping[str, Path]) -> Iterator[str]:
    """For each file of the outputs in `places` (by output's name) that is not as the run saved it: so in words."""
    for one in artifacts:
        place = None if one.kind == "log" else _place(one.path, places)
        if place is None:
            continue
        try:
            same = _is_same(place, one.hash)
        except FileNotFoundError:
            yield f"{one.path} is missing: it is not where the run saved it any more"
            continue
        except OSError as error:
            yield f"{one.path} cannot be compared with what the run saved: {error.strerror or error}"
            continue
        if not same:
            yield f"{one.path} is not what the run saved: it has changed since"


def _is_same(place: Path, hash: str | None) -> bool:
    """Of what a script logged no hash is kept: it is there, at least. Raises OSError."""
    if hash is None:
        place.stat()
        return True
    return hash_file(place)[1] == hash


def _place(path: str, places: Mapping[str, Path]) -> Path | None:
    """Where the file of a recorded path is to be; None where that is on no disk of ours."""
    kind, _, rest = path.partition("/")
    name, _, below = ("default", "", rest) if kind == "outputs" else rest.partition("/")
    return places[name] / name_of_text(below) if name in places else None
