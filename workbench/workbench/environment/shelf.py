"""The shelf of environments in the user's cache: where each one is, whether it is whole, and who makes or uses it.

    environments/KEY/PLACE/                             the environment; KEY: the first 32 digits of its key
        workbench-definition.json                       what it was made from
        workbench-ready.json                            written last: it is whole
    environments/KEY/PLACE.lock                         held by whoever makes or removes it
    environments/KEY/PLACE.used                         held, shared, for as long as a run uses it; its time is when one
                                                        took it last

PLACE is the platform and Python's minor version, such as `linux-x86_64-py3.11`.
"""

import json
import os
import platform
import re
import shutil
import sysconfig
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbench_store.cache_root import cache_root, usable_cache
from workbench_store.errors import EnvironmentFailed, WorkspaceError
from workbench_store.locks import FileLock

from workbench.client.json_files import read_json
from workbench.environment.definition import EnvironmentDefinition, definition_from_dict, definition_to_dict
from workbench.environment.python_choice import fits

READY = "workbench-ready.json"
DEFINITION = "workbench-definition.json"
_KEY_DIGITS = 32
_REMOVED = ".removed"
_KEY_NAME = re.compile(f"[0-9a-f]{{{_KEY_DIGITS}}}")
_PLACE_NAME = re.compile(r".+-py(?:[0-9]+\.[0-9]+|any)")
_GRAVE_NAME = re.compile(rf"{_PLACE_NAME.pattern}\.[0-9a-f]{{8}}{re.escape(_REMOVED)}")
_VERSION = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5}){2}")
_LATEST = 253402300799  # the end of the year 9999, after which no date can be shown


def shelves() -> Path:
    """The folder of all environments, which may not be there."""
    return cache_root() / "environments"


def shelf_of(key: str) -> Path:
    """Where the environments of one key are."""
    return shelves() / key[:_KEY_DIGITS]


def place_of(shelf: Path, minor: str) -> Path:
    """Where the one for this platform and Python's minor version is."""
    return shelf / f"{sysconfig.get_platform()}-{_libc()}py{minor}"


def _libc() -> str:
    name, _ = platform.libc_ver()
    return f"{name}-" if name and name != "glibc" else ""


def places() -> Iterator[Path]:
    """The folders of all environments, whole or not, in order; what is not of our making is passed over."""
    return (path for path in sorted(shelves().glob("*/*")) if is_place(path))


def is_place(path: Path) -> bool:
    """Whether it is the folder of an environment that we made or began: named so, in the cache itself and not behind a
    link, and with a trace of the making."""
    return _is_on_shelf(path, _PLACE_NAME) and _has_trace(path)


def _is_on_shelf(path: Path, names: "re.Pattern[str]") -> bool:
    named = _KEY_NAME.fullmatch(path.parent.name) and names.fullmatch(path.name)
    return bool(named) and os.path.isdir(path) and not os.path.islink(path) and not os.path.islink(path.parent)


def _has_trace(place: Path) -> bool:
    traces = (place / READY, place / DEFINITION, place / "pyvenv.cfg", _beside(place, ".lock"))
    return any(os.path.lexists(trace) for trace in traces)


def read_ready(place: Path) -> dict[str, Any] | None:
    """What is known of the environment at `place`; None when it is not whole: that cannot be what `finish` wrote, its
    Python is gone, or a job has put packages into it or taken some out."""
    content = read_json(place / READY)
    if content is None or not _is_sound(content) or not _runs(content["python"]):
        return None
    return content if "installed" not in content or content["installed"] == installed(place) else None


def installed(place: Path) -> list[str]:
    """The packages in the environment, each with its version, as their folders are named; none where it has gone."""
    try:
        folders = list(place.glob("lib/python*/site-packages"))
        return sorted(name for folder in folders for name in os.listdir(folder) if name.endswith(".dist-info"))
    except OSError:  # it is being removed at this moment
        return []


def change_of(place: Path) -> str | None:
    """What a job has done to the environment since it was made, in words; None where nothing is known of that."""
    before = (read_json(place / READY) or {}).get("installed")
    now = installed(place)
    if not isinstance(before, list) or before == now:
        return None
    parts = [(sorted({*map(str, before)} - {*now}), "gone"), (sorted({*now} - {*map(str, before)}), "new")]
    told = [
        f"{', '.join(name.removesuffix('.dist-info') for name in names[:5])} {how}" for names, how in parts if names
    ]
    return f"a job has changed {place}: {'; '.join(told)}"


def clear(place: Path) -> None:
    """Remove what is at `place`, to be made again by whoever holds its `making` lock. Raises EnvironmentFailed while
    runs use it."""
    held = _locks([_beside(place, ".used")])
    if held is None and place.exists():
        raise EnvironmentFailed(
            f"{change_of(place) or f'{place} is not whole'}, and other runs use it still",
            remedy="Run this again when they are over: then it is made anew.",
        )
    shutil.rmtree(place, ignore_errors=True)
    for lock in held or ():
        lock.release()


def _is_sound(content: dict[str, Any]) -> bool:
    version, made, substituted = content.get("python_version"), content.get("made", 0), content.get("substituted", [])
    return (
        isinstance(content.get("python"), str)
        and isinstance(version, str)
        and _VERSION.fullmatch(version) is not None
        and type(made) in (int, float)
        and 0 <= made <= _LATEST
        and isinstance(substituted, list)
        and all(isinstance(text, str) for text in substituted)
    )


def _runs(python: str) -> bool:
    try:
        return os.access(python, os.X_OK)
    except ValueError:  # no path has a NUL, nor what the file system cannot encode
        return False


def ready_fitting(shelf: Path, constraint: str) -> Path | None:
    """An environment on the shelf for this platform whose Python a range of versions allows."""
    for place in sorted(shelf.glob(f"{place_of(shelf, '').name}*/"), reverse=True):
        ready = read_ready(place) if is_place(place) else None
        if ready is not None and fits(constraint, ready["python_version"]):
            return place
    return None


def read_definition(place: Path) -> EnvironmentDefinition | None:
    """What the environment was made from; None where that was not kept, as by older versions."""
    content = read_json(place / DEFINITION)
    try:
        return None if content is None else definition_from_dict(content)
    except TypeError:
        return None


def finish(
    place: Path, definition: EnvironmentDefinition, python: Path, version: str, substituted: list[str]
) -> dict[str, Any]:
    """Keep its definition and mark it whole, which is the last thing that happens to it."""
    content = {
        "python": str(python),
        "python_version": version,
        "substituted": substituted,
        "made": time.time(),
        "installed": installed(place),
    }
    for name, data in ((DEFINITION, definition_to_dict(definition)), (READY, content)):
        draft = place / f"{name}.new"
        draft.write_text(json.dumps(data), encoding="utf-8")
        draft.replace(place / name)
    return content


def making(place: Path) -> FileLock:
    """The lock of whoever makes or removes the environment; its shelf is made. Raises EnvironmentFailed."""
    try:
        usable_cache()  # so that it has its tag, without which nothing in it is removed
        place.parent.mkdir(parents=True, exist_ok=True)
    except WorkspaceError as error:
        raise EnvironmentFailed(error.message, remedy=error.remedy) from error
    except OSError as error:
        raise EnvironmentFailed(
            f"the cache folder {place.parent} cannot be made: {error.strerror}",
            remedy="Set WORKBENCH_CACHE to a folder that you may write.",
        ) from error
    return FileLock(_beside(place, ".lock"))


def take(place: Path) -> "tuple[dict[str, Any], FileLock] | None":
    """Use the environment: what is known of it, and the lock that keeps it from being removed meanwhile; None when it
    is not whole. Neither asks others: any number of runs may use it."""
    if read_ready(place) is None:
        return None
    lock = FileLock(_beside(place, ".used"))
    lock.acquire(shared=True)
    ready = read_ready(place)  # it may have been removed before the lock was had
    if ready is None:
        lock.release()
        return None
    with suppress(OSError):
        os.utime(lock.path)
    return ready, lock


def last_used(place: Path) -> float | None:
    """When a run took it last, in UTC epoch seconds; None where no run has since that is recorded."""
    try:
        return _beside(place, ".used").stat().st_mtime
    except OSError:
        return None


def in_use(place: Path) -> bool:
    """Whether a run uses it, or somebody makes it, at this moment. Nothing is written: looking makes no locks."""
    locks = _locks([path for path in _lock_paths(place) if os.path.lexists(path)])
    for lock in locks or ():
        lock.release()
    return locks is None


def remove(place: Path) -> bool:
    """Remove the environment; False when it is used or being made, and then nothing happens.

    It is renamed first, so that nobody finds half of it. Raises EnvironmentFailed when it cannot be removed, or is not
    an environment of ours.
    """
    if not is_place(place):
        raise EnvironmentFailed(f"{place} is not an environment that Workbench made", remedy="Look at it yourself.")
    locks = _locks(_lock_paths(place))
    if locks is None:
        return False
    grave = _beside(place, f".{uuid.uuid4().hex[:8]}{_REMOVED}")
    try:
        place.rename(grave)
    except OSError as error:
        raise EnvironmentFailed(f"{place} cannot be removed: {error.strerror}", remedy="Look who owns it.") from error
    finally:
        for lock in locks:
            lock.release()
    shutil.rmtree(grave, ignore_errors=True)
    return True


def sweep() -> None:
    """Remove what was left of removals that were cut short."""
    for grave in shelves().glob(f"*/*{_REMOVED}"):
        if _is_on_shelf(grave, _GRAVE_NAME):
            shutil.rmtree(grave, ignore_errors=True)


def _lock_paths(place: Path) -> list[Path]:
    return [_beside(place, suffix) for suffix in (".lock", ".used")]


def _locks(paths: Iterable[Path]) -> list[FileLock] | None:
    """All those locks, exclusively; None where another holds one, or they cannot be had at all."""
    held: list[FileLock] = []
    for path in paths:
        lock = FileLock(path)
        try:
            if lock.try_acquire():
                held.append(lock)
                continue
        except WorkspaceError:
            pass
        for other in held:
            other.release()
        return None
    return held


def _beside(place: Path, suffix: str) -> Path:
    return place.with_name(place.name + suffix)
