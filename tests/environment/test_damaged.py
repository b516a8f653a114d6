"""Entries of the cache that are damaged, foreign or links: looked at without harm, to them or to others."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workbench.environment import define, definition_to_dict, explain, kept_environments, prepare, removable
from workbench.environment.prepare import _tell_nearest
from workbench.environment.shelf import in_use, place_of, read_definition, read_ready, remove, shelf_of, shelves, sweep
from workbench.spec import Environment
from workbench_store.cache_root import cache_root, is_ours, usable_cache
from workbench_store.errors import EnvironmentFailed

pytestmark = pytest.mark.slow

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
SOUND = {"python": sys.executable, "python_version": f"{MINOR}.0", "substituted": [], "made": 1.0}
DEFINITION = define(
    Environment(image="some/image", conda_file={"dependencies": [f"python={MINOR}", "idna"]}), Path("/")
)
GONE = object()


def each(names: str, *values: object) -> list[tuple[str, Any]]:
    """Every name with every value."""
    return [(name, value) for name in names.split() for value in values]


def short(value: object) -> str:
    """A value as part of a test's name."""
    return "gone" if value is GONE else ascii(value)[:20]


READY = [
    *each("python", None, 5, "a\0b", "\ud800", "", [], GONE),
    *each("python_version", None, 5, "", "abc", "3.11", "3.1\u0661.0", "9" * 5000 + ".1.1", GONE),
    *each("made", "abc", [1], None, True, -1, 10**400, 1e300, float("nan"), float("inf")),
    *each("substituted", 5, "abc", None, [5], {}),
]
DEFINED = [
    *each("label", 5, [5], {}, None, GONE),
    *each("requirements options channels substituted", [None], [[]], 5, "abc", None),
    *each("python image context anonymous_version", 5, [], {}),
    *each("conda", [5]),
    *each("more", 5),
]


@pytest.fixture(autouse=True)
def no_conda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_CONDA", "")


def entry(digit: str = "a", ready: object = SOUND, defined: object = None) -> Path:
    """An environment in the cache as `prepare` leaves it, of which only the two records matter; its place."""
    usable_cache()
    place = place_of(shelf_of(digit * 64), MINOR)
    place.mkdir(parents=True)
    (place / "workbench-ready.json").write_text(json.dumps(ready))
    (place / "workbench-definition.json").write_text(json.dumps(defined or definition_to_dict(DEFINITION)))
    return place


def changed(content: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    return {**content, name: value} if value is not GONE else {key: content[key] for key in content if key != name}


def test_a_sound_entry_is_read() -> None:
    place = entry()
    assert read_ready(place) == SOUND and read_definition(place) == DEFINITION


@pytest.mark.parametrize(("name", "value"), READY, ids=short)
def test_a_damaged_record_makes_an_environment_that_is_not_whole(name: str, value: object) -> None:
    place = entry(ready=changed(SOUND, name, value))
    assert read_ready(place) is None
    (kept,) = kept_environments()
    assert not kept.whole and [one.environment for one in removable([kept], 2.0, unused_seconds=None, keep=9)] == [kept]
    assert explain(DEFINITION).nearest is None and remove(place) and not place.exists()


@pytest.mark.parametrize(("name", "value"), DEFINED, ids=short)
def test_a_damaged_definition_is_as_none(name: str, value: object) -> None:
    place = entry(defined=changed(definition_to_dict(DEFINITION), name, value))
    assert read_definition(place) is None and explain(DEFINITION).nearest is None
    assert [(one.label, one.whole) for one in kept_environments()] == [(None, True)]


@pytest.mark.parametrize("text", ["", "5", "[]", "[" * 100_000, '{"python": '], ids=short)
def test_what_is_no_record_is_as_none(text: str) -> None:
    place = entry()
    for name in ("workbench-ready.json", "workbench-definition.json"):
        (place / name).write_text(text)
    assert read_ready(place) is None and read_definition(place) is None and len(kept_environments()) == 1


def test_what_the_log_says_of_the_nearest_never_stops_the_making(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sys.modules[_tell_nearest.__module__], "nearest", unreadable)
    with (tmp_path / "log").open("w") as words:
        _tell_nearest(DEFINITION, tmp_path, words)
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.slow
def test_another_environment_is_made_beside_damaged_ones(tmp_path: Path) -> None:
    entry("a", defined=changed(definition_to_dict(DEFINITION), "requirements", [None]))
    entry("b", ready=changed(SOUND, "python", None))
    entry("c", defined=changed(definition_to_dict(DEFINITION), "label", "\ud800"))
    bare = define(Environment(conda_file={"dependencies": [f"python={MINOR}"]}), Path("/"))
    made = prepare(bare, log=tmp_path / "log")
    assert made.found == "built" and "# nearest: \\ud800" in (tmp_path / "log").read_text()
    made.hold.release()
    (made.path / "workbench-ready.json").write_text('{"python": null}')
    assert prepare(bare, log=tmp_path / "log").found == "built", "it is made again"


def foreign() -> list[Path]:
    """Folders in a cache of ours that nothing of ours made, each with a file."""
    name = place_of(shelf_of("a" * 64), MINOR).name
    places = [shelves() / "projA" / "src", shelves() / "projB" / name, shelves() / ("b" * 32) / "thesis"]
    places += [shelves() / ("c" * 32) / name, shelves() / "projC" / f"{name}.01234567.removed"]
    places += [shelves() / ("d" * 32) / "thesis.removed"]
    usable_cache()
    for place in places:
        place.mkdir(parents=True)
        (place / "t.txt").write_text("years of work")
    return places


def test_foreign_folders_are_neither_listed_nor_swept_nor_locked() -> None:
    places = foreign()
    before = sorted(shelves().rglob("*"))
    assert kept_environments() == []
    sweep()
    assert sorted(shelves().rglob("*")) == before
    for place in places:
        with pytest.raises(EnvironmentFailed, match="not an environment"):
            remove(place)
    assert sorted(shelves().rglob("*")) == before


def trace_in(name: str) -> Callable[[Path], object]:
    return lambda place: (place / name).touch()


@pytest.mark.parametrize(
    "leave",
    [
        trace_in("pyvenv.cfg"),
        trace_in("workbench-definition.json"),
        lambda place: Path(f"{place}.lock").touch(),
    ],
    ids=["pyvenv.cfg", "definition", "lock"],
)
def test_a_half_with_a_trace_of_its_making_is_ours(leave: Callable[[Path], object]) -> None:
    usable_cache()
    place = place_of(shelf_of("a" * 64), "any")
    place.mkdir(parents=True)
    assert kept_environments() == []
    leave(place)
    assert [one.place for one in kept_environments()] == [place]
    assert remove(place) and not place.exists()


def test_looking_makes_no_locks() -> None:
    place = entry()
    assert not in_use(place) and len(kept_environments()) == 1
    assert [*place.parent.iterdir()] == [place]


def test_what_is_behind_a_link_is_let_be(tmp_path: Path) -> None:
    place = entry()
    grave = place.with_name(f"{place.name}.01234567.removed")
    grave.mkdir()
    place.parent.rename(tmp_path / "elsewhere")
    place.parent.symlink_to(tmp_path / "elsewhere")
    inner = place_of(shelf_of("b" * 64), MINOR)
    inner.parent.mkdir()
    inner.symlink_to(tmp_path / "elsewhere" / place.name)
    inner.with_name(grave.name).symlink_to(tmp_path / "elsewhere")
    before = sorted(os.listdir(tmp_path / "elsewhere"))
    assert kept_environments() == []
    sweep()
    for one in (place, inner):
        with pytest.raises(EnvironmentFailed):
            remove(one)
    assert sorted(os.listdir(tmp_path / "elsewhere")) == before and inner.is_symlink()


def test_what_a_removal_left_is_swept() -> None:
    place = entry()
    grave = place.with_name(f"{place.name}.01234567.removed")
    place.rename(grave)
    sweep()
    assert not grave.exists()


def test_a_cache_that_making_an_environment_begins_has_its_tag(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from workbench.environment.shelf import making

    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "new"))
    with making(place_of(shelf_of("a" * 64), MINOR)):
        assert is_ours(cache_root())
