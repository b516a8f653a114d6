"""The environments that are kept in the cache, and which of them may go."""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from workbench_store.disk_use import block_bytes, files_at

from workbench.environment.shelf import in_use, last_used, places, read_definition, read_ready


class KeptEnvironment(Struct, frozen=True):
    """One environment in the cache.

    key: the first 32 digits of it. label: None where no definition was kept. python_version, made: None for one that is
    not whole. size: bytes of the disk that its files take; own: of those that nothing else shares by hard links, which
    is what removing it frees. used: when a run took it last, or it was made. busy: a run uses it now, or somebody
    makes it.
    """

    place: Path
    key: str
    label: str | None
    python_version: str | None
    size: int
    own: int
    made: float | None
    used: float | None
    busy: bool

    @property
    def whole(self) -> bool:
        """Whether runs can use it."""
        return self.python_version is not None


class Removal(Struct, frozen=True):
    """An environment that may go, and why."""

    environment: KeptEnvironment
    reason: str


def kept_environments() -> list[KeptEnvironment]:
    """All that there are, those used last first."""
    found = [_kept(place) for place in places()]
    return sorted(found, key=lambda one: (one.used or 0.0, one.key), reverse=True)


def _kept(place: Path) -> KeptEnvironment:
    ready, definition = read_ready(place), read_definition(place)
    files = list(files_at(place))
    made = None if ready is None else ready.get("made")
    return KeptEnvironment(
        place=place,
        key=place.parent.name,
        label=definition.label if definition else None,
        python_version=str(ready["python_version"]) if ready else None,
        size=sum(map(block_bytes, files)),
        own=sum(block_bytes(found) for found in files if found.st_nlink == 1),
        made=made,
        used=last_used(place) or made,
        busy=in_use(place),
    )


def removable(
    kept: Iterable[KeptEnvironment], now: float, *, unused_seconds: float | None, keep: int | None
) -> list[Removal]:
    """Which may go: those that no run has used for so long and that are not among the `keep` used last. What is not
    whole may go in any case; what is busy never."""
    whole = [one for one in kept if one.whole]
    found = [Removal(one, "not whole, or its Python is gone") for one in kept if not one.whole and not one.busy]
    for number, one in enumerate(whole):
        idle = now - (one.used or 0.0)
        if one.busy or (keep is not None and number < keep) or (unused_seconds is not None and idle < unused_seconds):
            continue
        reason = (
            f"not among the {keep} used last" if unused_seconds is None else f"unused for {int(idle // 86400)} days"
        )
        found.append(Removal(one, reason))
    return found
