"""The page of a run as text."""

import sys
from collections.abc import Iterable, Sequence

from workbench_store.records import PortRecord
from workbench_store.words import counted

from workbench.cli.output import Cell, emit, styled, table_lines
from workbench.cli.states import STATE_STYLES
from workbench.view.format import (
    format_bytes,
    format_duration,
    format_files,
    format_number,
    format_scalar,
    format_time,
    safe_text,
    shorten,
)
from workbench.view.git import git_line
from workbench.view.origin import origin_line
from workbench.view.run_page import RunPage

_MOST_FILES = 20


def print_page(page: RunPage) -> None:
    """The run on stdout: what it is, how it went, what it recorded."""
    record = page.record
    state = styled(str(record.state), STATE_STYLES.get(record.state, "cyan"), sys.stdout)
    emit(f"{styled(safe_text(record.name), 'bold', sys.stdout)}  {state}")
    _pairs(_facts(page))
    _section("Parameters", ([Cell(safe_text(key)), Cell(format_scalar(v))] for key, v in page.params.items()))
    _metrics(page)
    _section("Stages", _stages(page))
    _section(
        "Inputs",
        (
            [Cell(safe_text(p.name)), Cell(_where(p.value, p.path, p.resolved)), Cell(_came_from(p), "dim")]
            for p in page.detail.inputs
        ),
    )
    _section(
        "Outputs",
        (
            [Cell(safe_text(p.name)), Cell(_where(None, p.path, None)), Cell(safe_text(p.asset or ""), "dim")]
            for p in page.outputs
        ),
    )
    _media(page)
    _files(page)
    for text in (*page.detail.notes, *page.detail.warnings):
        emit(f"{styled('note:', 'yellow', sys.stdout)} {safe_text(text)}")


def _facts(page: RunPage) -> list[tuple[str, str]]:
    record, environment, snapshot = page.record, page.detail.environment, page.detail.snapshot
    facts = [
        ("reason", record.reason or ""),
        ("experiment", record.experiment),
        ("display name", record.display_name or ""),
        ("description", record.description or ""),
        ("created", f"{format_time(record.created)} by {record.user or '?'} on {record.host or '?'}"),
        ("duration", format_duration(page.duration)),
        ("exit code", "" if record.exit_code is None else str(record.exit_code)),
        ("compute", record.compute or ""),
        ("command", shorten(record.command or "", 400)),
        ("origin", origin_line(page.detail.properties) or ""),
        ("note", record.note or ""),
        ("archived", "yes" if record.archived else ""),
        ("tags", ", ".join(f"{key}={value}" if value else key for key, value in record.tags.items())),
    ]
    if snapshot is not None:
        facts.append(("snapshot", f"{snapshot.id[:12]}  {format_files(snapshot.files, snapshot.bytes)}"))
    facts.append(("git", git_line(page.detail.git) or ""))
    if environment is not None:
        key = f"  {environment.key[:12]}" if environment.key else ""
        facts.append(
            ("environment", f"{environment.label}{key}  Python {environment.python_version} ({environment.found})")
        )
        facts += [("substituted", text) for text in environment.substituted]
    if record.lost_points:
        facts.append(("lost", f"{counted(record.lost_points, 'point')}, while the disk took nothing"))
    if record.gap_bytes:
        facts.append(("damaged", f"{counted(record.gap_bytes, 'byte')} of its journals; the rest was kept"))
    facts.append(("folder", str(page.folder)))
    return [(name, safe_text(value)) for name, value in facts if value]


def _pairs(facts: Sequence[tuple[str, str]]) -> None:
    for name, value in facts:
        emit(f"  {styled(f'{name:12}', 'dim', sys.stdout)}  {value}")


def _section(title: str, rows: Iterable[Sequence[Cell]]) -> None:
    found = [list(row) for row in rows]
    if found:
        emit(f"\n{styled(title, 'bold', sys.stdout)}")
        for line in table_lines([""] * len(found[0]), found, sys.stdout)[1:]:
            emit(f"  {line}")


def _metrics(page: RunPage) -> None:
    shown = [one for one in page.metrics if not one.key.startswith("system/")]
    if not shown:
        return
    many = len({one.rank for one in shown}) > 1
    rows = [
        [
            Cell(safe_text(one.key) + (f" [{one.rank}]" if many else "")),
            *(
                Cell("" if value is None else format_number(value), right=True)
                for value in (one.last, one.min, one.max, one.mean)
            ),
            Cell(f"{one.last_step:,}", right=True),
            Cell(f"{one.count:,}", right=True),
        ]
        for one in shown
    ]
    emit(f"\n{styled('Metrics', 'bold', sys.stdout)}")
    for line in table_lines(["", "LAST", "MIN", "MAX", "MEAN", "STEP", "POINTS"], rows, sys.stdout):
        emit(f"  {line}")


def _stages(page: RunPage) -> Iterable[list[Cell]]:
    for stage in page.detail.stages:
        style = {"done": "green", "failed": "red", "canceled": "yellow"}.get(stage.status, "cyan")
        text = safe_text(stage.progress or "") if stage.status == "started" else ""
        yield [
            Cell(stage.stage),
            Cell(stage.status, style),
            Cell(format_duration(stage.seconds), right=True),
            Cell(text),
        ]


def _where(value: object, *places: str | None) -> str:
    if value is not None:
        return format_scalar(value)
    return safe_text(next((place for place in places if place), ""))


def _media(page: RunPage) -> None:
    rows = (
        [
            Cell(safe_text(one.kind)),
            Cell(f"{one.count:,}", right=True),
            Cell(f"last step {one.last_step:,}", "dim"),
            Cell(safe_text(one.key) + (f" [{one.rank}]" if one.rank else "")),
        ]
        for one in page.media
    )
    _section("Media", rows)


def _came_from(port: PortRecord) -> str:
    """By which name, from which place or from which run an input came, where that is not what is shown of it anyway."""
    if port.asset is not None:
        return safe_text(port.asset)
    if port.source_run is not None:
        return safe_text(f"{port.source_run}, output {port.source_output}")
    return safe_text(port.path) if port.given is not None and port.path and port.path != port.resolved else ""


def _files(page: RunPage) -> None:
    kept = page.artifacts
    _section(
        "Files",
        (
            [Cell(format_bytes(one.size), "dim", right=True), Cell(one.kind), Cell(safe_text(one.path))]
            for one in kept[:_MOST_FILES]
        ),
    )
    if len(kept) > _MOST_FILES:
        emit(f"  ... and {len(kept) - _MOST_FILES} more: workbench outputs {page.record.name}")
