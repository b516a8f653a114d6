"""Whether what two runs of one job came to is the same: how they ended, and what they recorded and saved."""

import json
import math
import re
from collections.abc import Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING

from msgspec import Struct
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import SYSTEM, MediaRecord, RunRecord, Series

from workbench.data.hashing import hash_file
from workbench.lifecycle.media_files import media_path
from workbench.view.run_page import RunPage

if TYPE_CHECKING:
    from workbench_store.store import Store

_OUTPUTS = ("output", "named-output")
#: Pages that draw a figure have names in them that are made up anew each time.
_MADE_UP = ("html",)


class Outcome(Struct, frozen=True):
    """One thing that was to come out the same: what it is (of a metric or of media that of one rank), how it was, how
    it is, and whether that is the same: None where it cannot be told.

    Of a metric the last values are given, of media how many there are. step: the first at which they part, if they do.
    """

    kind: str
    name: str
    before: object
    after: object
    same: bool | None
    rank: int = 0
    step: int | None = None


def ends(before: RunRecord, after: RunRecord) -> Iterable[Outcome]:
    """The states, and by which exit code or signal the command ended, if it did."""
    yield Outcome("run", "state", str(before.state), str(after.state), before.state is after.state)
    one, other = _exit(before), _exit(after)
    if one is not None or other is not None:
        yield Outcome("run", "exit code", one, other, one == other)


def _exit(record: RunRecord) -> int | str | None:
    return record.exit_code if record.signal is None else record.signal


def params(before: RunPage, after: RunPage) -> Iterable[Outcome]:
    """The parameters. A run's own name, and what is in its own folder or in one of its outputs, are the same."""
    for name in sorted({*before.params, *after.params}):
        one, other = before.params.get(name), after.params.get(name)
        there = name in before.params and name in after.params
        same = there and (_equal(one, other) or _equal(_placeless(one, before), _placeless(other, after)))
        yield Outcome("param", name, one, other, same)


def _placeless(value: object, page: RunPage) -> object:
    """A text without what is another in each run: where its outputs are, and its name among the parts of a path."""
    if not isinstance(value, str):
        return value
    for port in page.detail.outputs:
        for place in filter(None, (port.resolved, port.path)):
            value = _without(value, place, f"<{port.name}>")
    return _without(value, page.record.name, "<run>")


def _without(text: str, part: str, mark: str) -> str:
    """The text with the mark for a part of it, where that is no part of a longer name."""
    return re.sub(rf"(?<![\w.-]){re.escape(part)}(?![\w.-])", lambda found: mark, text)


def _equal(one: object, other: object) -> bool:
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    return one == other or (one != one and other != other)


def metrics(store: "Store", before: RunPage, after: RunPage, tolerance: float) -> Iterable[Outcome]:
    """Every point of every metric of every rank, but for those of the machine. Numbers are the same that differ by at
    most `tolerance` times the larger of both."""
    old, new = (
        {(one.key, one.rank): one for one in page.metrics if not one.key.startswith(SYSTEM)} for page in (before, after)
    )
    for key, rank in sorted({*old, *new}):
        one, other = old.get((key, rank)), new.get((key, rank))
        if one is None or other is None:
            yield Outcome("metric", key, one and one.last, other and other.last, False, rank)
            continue
        was, now = (store.series(page.record.name, key, rank) for page in (before, after))
        parted = _parted(was, now, tolerance)
        yield Outcome("metric", key, one.last, other.last, parted is None, rank, parted)


def _parted(one: Series, other: Series, tolerance: float) -> int | None:
    """The first step that has not the same values in both; None if all have."""
    points = zip_longest(zip(one.steps, one.values, strict=True), zip(other.steps, other.values, strict=True))
    for here, there in points:
        if here is None or there is None or here[0] != there[0]:
            return min(point[0] for point in (here, there) if point is not None)
        if not (_equal(here[1], there[1]) or math.isclose(here[1], there[1], rel_tol=tolerance, abs_tol=0.0)):
            return int(here[0])
    return None


def media(layout: WorkspaceLayout, store: "Store", before: str, after: str) -> Iterable[Outcome]:
    """Images, tables, histograms, texts and figures, by content."""
    old, new = (_media(store, name) for name in (before, after))
    for key, rank, kind in sorted({*old, *new}):
        one, other = old.get((key, rank, kind), []), new.get((key, rank, kind), [])
        same, step = _same_media(layout, (before, one), (after, other))
        yield Outcome(kind, key, len(one), len(other), same, rank, step)


def _media(store: "Store", name: str) -> dict[tuple[str, int, str], list[MediaRecord]]:
    found: dict[tuple[str, int, str], list[MediaRecord]] = {}
    for record in store.media(name):
        found.setdefault((record.key, record.rank, record.kind), []).append(record)
    return found


def _same_media(
    layout: WorkspaceLayout, before: tuple[str, list[MediaRecord]], after: tuple[str, list[MediaRecord]]
) -> tuple[bool | None, int | None]:
    """Whether they are the same, and the first step where they are not, or where it cannot be told."""
    (name, old), (its_name, new) = before, after
    unknown: int | None = None
    for one, other in zip_longest(old, new):
        if one is None or other is None or one.step != other.step:
            return False, min(record.step for record in (one, other) if record is not None)
        same = _same_content(_content(layout, name, one), _content(layout, its_name, other))
        if same is False and one.format not in _MADE_UP:
            return False, one.step
        if not same and unknown is None:
            unknown = one.step
    return (True, None) if unknown is None else (None, unknown)


def _same_content(one: str | None, other: str | None) -> bool | None:
    return None if one is None or other is None else one == other


def _content(layout: WorkspaceLayout, run: str, record: MediaRecord) -> str | None:
    """A text that tells contents apart; None for a file that is not there."""
    if record.path is None:
        return json.dumps(record.content, sort_keys=True, default=str)
    place = media_path(layout.run(run), record)
    try:
        return None if place is None else hash_file(place)[1]
    except OSError:
        return None


def outputs(before: RunPage, after: RunPage) -> Iterable[Outcome]:
    """The files that were saved, by content."""
    old, new = ({one.path: one.hash for one in page.artifacts if one.kind in _OUTPUTS} for page in (before, after))
    for path in sorted({*old, *new}):
        one, other = old.get(path), new.get(path)
        missing = path not in old or path not in new
        same = False if missing else None if one is None or other is None else one == other
        yield Outcome("output", path, one, other, same)
