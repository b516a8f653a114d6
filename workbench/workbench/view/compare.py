"""Runs side by side: what they were given, what came out, and what of it differs from a baseline.

Rows are what can be compared (a parameter, a metric, a file of the code), columns are runs. The baseline is a run that
the others are measured against; numbers carry their difference from it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from workbench_store.errors import UsageError
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import SYSTEM, MetricSummary
from workbench_store.redaction import REDACTED, redacted, redacted_value
from workbench_store.secrets import secret_in_name

from workbench.view.given import given
from workbench.view.run_page import RunPage, run_page
from workbench.view.same_data import InputData, data_of, same_data

if TYPE_CHECKING:
    from workbench_store.store import Store

Kind = Literal["run", "param", "metric", "input", "tag", "environment", "code", "spec"]
Which = Literal["last", "min", "max", "mean"]


class Cell(Struct, frozen=True):
    """A value of one run, None if it has none; for numbers, how much more that is than the baseline's.

    unknown: whether it cannot be told if that is the same as the baseline's.
    """

    value: object
    delta: float | None = None
    unknown: bool = False


class Row(Struct, frozen=True):
    """One thing compared, of a metric that of rank 0.

    `differs` says whether any run's value is another than the baseline's; None if none is for all that is known, and of
    one that cannot be told.
    """

    kind: Kind
    name: str
    cells: tuple[Cell, ...]
    differs: bool | None


class Comparison(Struct, frozen=True):
    """Runs by name, the place of the baseline among them, and the rows in order of kind and name."""

    runs: tuple[str, ...]
    baseline: int
    rows: tuple[Row, ...]

    @property
    def differing(self) -> tuple[Row, ...]:
        """The rows in which any run differs from the baseline, or may."""
        return tuple(row for row in self.rows if row.differs is not False)


def compare(
    layout: WorkspaceLayout,
    store: "Store",
    names: Sequence[str],
    *,
    baseline: str | None = None,
    which: Which = "last",
) -> Comparison:
    """The runs of exactly these names, at least two; the first is the baseline if none is named.

    `which` of a metric's figures is compared, of rank 0. Raises NotFound for a run that is not there
    and UsageError for fewer than two, one named twice, or a baseline that is not among them.
    """
    if len(names) < 2:
        raise UsageError("one run has nothing to be compared with", remedy="Name two or more.")
    twice = next((name for name in names if list(names).count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"run {twice} is named twice")
    if baseline is not None and baseline not in names:
        raise UsageError(f"the baseline {baseline} is not among the runs compared")
    pages = [run_page(layout, store, name) for name in names]
    place = list(names).index(baseline) if baseline is not None else 0
    data = [data_of(layout, page) for page in pages]
    others = [given(layout.run(name)) for name in names]
    return Comparison(tuple(names), place, tuple(_rows(pages, data, others, place, which)))


def _rows(
    pages: Sequence[RunPage],
    data: Sequence[Mapping[str, InputData]],
    others: Sequence[Mapping[str, object]],
    base: int,
    which: Which,
) -> Iterable[Row]:
    yield _row("run", "state", [str(page.record.state) for page in pages], base)
    # No two runs take equally long, so that is no difference worth a row.
    yield Row("run", "duration", tuple(Cell(page.duration) for page in pages), differs=False)
    yield from _of_mappings("param", [page.params for page in pages], base)
    yield from _metric_rows(pages, base, which)
    yield from _input_rows(data, base)
    yield from _of_mappings("tag", [dict(page.record.tags) for page in pages], base)
    yield from _of_mappings("environment", [_environment(page) for page in pages], base)
    yield _row("spec", "command", [page.record.command for page in pages], base)
    yield _row("spec", "compute", [page.record.compute for page in pages], base)
    yield from _given_rows(others, base)
    yield from _of_mappings("code", [{file.path: file.hash for file in page.files} for page in pages], base)


def _metric_rows(pages: Sequence[RunPage], base: int, which: Which) -> Iterable[Row]:
    yield from _of_mappings("metric", [_metrics(page, which) for page in pages], base)


def _metrics(page: RunPage, which: Which) -> dict[str, object]:
    figures: dict[Which, Callable[[MetricSummary], float | None]] = {
        "last": lambda one: one.last,
        "min": lambda one: one.min,
        "max": lambda one: one.max,
        "mean": lambda one: one.mean,
    }
    kept = (one for one in page.metrics if one.rank == 0 and not one.key.startswith(SYSTEM))
    return {one.key: figures[which](one) for one in kept}


def _input_rows(data: Sequence[Mapping[str, InputData]], base: int) -> Iterable[Row]:
    for name in sorted({name for one in data for name in one}):
        found = [one.get(name) for one in data]
        same = [place == base or same_data(found[base], one) for place, one in enumerate(found)]
        cells = tuple(
            Cell(None if one is None else one.shown, unknown=known is None)
            for one, known in zip(found, same, strict=True)
        )
        yield Row("input", name, cells, True if False in same else None if None in same else False)


def _given_rows(others: Sequence[Mapping[str, object]], base: int) -> Iterable[Row]:
    """Secrets are compared as they are, and shown without what they are."""
    for name in sorted({name for one in others for name in one}):
        values = [one.get(name) for one in others]
        cells = _row("spec", name, [redacted_value(value, name) for value in values], base).cells
        yield Row("spec", name, cells, any(not _same(value, values[base]) for value in values))


def _environment(page: RunPage) -> dict[str, object]:
    found = page.detail.environment
    if found is None:
        return {}
    told = {"environment": found.label, "key": found.key, "python": found.python_version}
    # A job that asks for no environment has none that could be named or be the same.
    return {name: value for name, value in told.items() if value}


def _of_mappings(kind: Kind, values: Sequence[dict[str, object]], base: int) -> Iterable[Row]:
    for name in sorted({name for one in values for name in one}):
        yield _row(kind, name, [one.get(name) for one in values], base)


def _row(kind: Kind, name: str, values: Sequence[object], base: int) -> Row:
    known = values[base]
    cells = tuple(
        Cell(value, None if place == base else _delta(value, known), place != base and _hidden(value, known))
        for place, value in enumerate(values)
    )
    unknown = None if any(cell.unknown for cell in cells) else False
    return Row(kind, name, cells, any(not _same(value, known) for value in values) or unknown)


def _hidden(value: object, known: object) -> bool:
    """Whether two secrets were cut out, which may have been different."""
    return isinstance(value, str) and value == known and REDACTED in value


def _same(one: object, other: object) -> bool:
    """Equal; two values that are not a number are the same."""
    return one == other or (one != one and other != other)


def _delta(value: object, base: object) -> float | None:
    numbers = [float(one) for one in (value, base) if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) < 2 or numbers[0] == numbers[1]:
        return None
    difference = numbers[0] - numbers[1]
    return difference if difference == difference else None


class CodeDifference(Struct, frozen=True):
    """How one file of the code differs between two runs: `lines` is a unified diff, empty for what is no text."""

    path: str
    change: Literal["added", "removed", "changed"]
    lines: tuple[str, ...]


_LONGEST_TEXT = 1024 * 1024


def code_differences(layout: WorkspaceLayout, store: "Store", before: str, after: str) -> tuple[CodeDifference, ...]:
    """The files in which the code of `after` differs from that of `before`, in order of path. Raises NotFound."""
    old = {file.path: file.hash for file in run_page(layout, store, before).files}
    new = {file.path: file.hash for file in run_page(layout, store, after).files}
    found = []
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path):
            change: Literal["added", "removed", "changed"] = (
                "added" if path not in old else "removed" if path not in new else "changed"
            )
            found.append(CodeDifference(path, change, _diff(layout, path, old.get(path), new.get(path))))
    return tuple(found)


def _diff(layout: WorkspaceLayout, path: str, old: str | None, new: str | None) -> tuple[str, ...]:
    import difflib

    before, after = _text(layout, old), _text(layout, new)
    if before is None or after is None:
        return ()
    names = (f"a/{path}" if old else "/dev/null", f"b/{path}" if new else "/dev/null")
    secret = secret_in_name(path.rpartition("/")[2])
    if secret is not None:
        return (f"--- {names[0]}", f"+++ {names[1]}", f"(left out: {secret})")
    lines = [line.rstrip("\n") for line in difflib.unified_diff(before, after, *names, n=2)]
    return tuple(redacted("\n".join(lines)).split("\n"))


def _text(layout: WorkspaceLayout, hash: str | None) -> list[str] | None:
    """The lines of a blob; None if it is large or no text."""
    from workbench_store.blobs import BlobStore

    if hash is None:
        return []
    place: Path = BlobStore(layout).path(hash)
    try:
        if place.stat().st_size > _LONGEST_TEXT:
            return None
        return place.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError):
        return None


def to_json_dict(found: Comparison, *, everything: bool) -> dict[str, object]:
    """The comparison as JSON values; the fields are in docs/cli.md."""
    rows = found.rows if everything else found.differing
    return {
        "runs": list(found.runs),
        "baseline": found.runs[found.baseline],
        "rows": [
            {
                "kind": row.kind,
                "name": row.name,
                "differs": row.differs,
                "values": [cell.value for cell in row.cells],
                "deltas": [cell.delta for cell in row.cells],
            }
            for row in rows
        ],
    }
