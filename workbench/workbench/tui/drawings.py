"""The parts of a run's page as text: nothing a user wrote is taken for markup."""

from collections.abc import Callable

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from workbench_store.records import StageRecord
from workbench_store.words import counted

from workbench.tui.looks import GREY, STAGES, sparkline, squeezed, state_text
from workbench.view.charts import Chart
from workbench.view.duration import duration_of
from workbench.view.format import (
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

_BAR = 24
_SPARK = 24
_GAP = 2
_NUMBERS = ("last", "min", "max")
#: Names of metrics and parameters have this share of the width, and always so many cells.
_NAME_SHARE = 0.4
_SHORTEST_NAME = 12
#: The state stands behind the name, and is to be seen.
_WIDEST_NAME = 40


def title_text(page: RunPage, now: float) -> Text:
    """Name, state, time it took, experiment; the reason if it ended badly."""
    record = page.record
    text = Text()
    text.append(f"{squeezed(safe_text(record.name), _WIDEST_NAME)}  ", "bold")
    text.append_text(state_text(record.state))
    seconds = duration_of(record, now)
    if seconds is not None:
        text.append(f"  {format_duration(seconds)}")
    text.append(f"  {safe_text(record.experiment)}", GREY)
    if record.reason:
        text.append(f"  {safe_text(record.reason)}", "red" if str(record.state) == "Failed" else "yellow")
    return text


def overview_text(page: RunPage, charts: tuple[Chart, ...], now: float) -> RenderableType:
    """Warnings, metrics, parameters and stages first, then what the run is, notes last."""
    parts: list[RenderableType] = []
    for text in page.detail.warnings:
        parts.append(Text(f"warning: {safe_text(text)}", "yellow"))
    if parts:
        parts.append(Text(""))
    if charts:
        parts.append(_Fitted(lambda width: _metrics(page, charts, width)))
    if page.params:
        parts.append(
            _pairs("Parameters", [(safe_text(key), format_scalar(value)) for key, value in page.params.items()])
        )
    if page.detail.stages:
        parts.append(_stages(page.detail.stages, now))
    parts.append(_pairs("Run", _facts(page)))
    if page.detail.inputs:
        parts.append(
            _pairs("Inputs", [(safe_text(p.name), _place(p.value, p.path, p.resolved)) for p in page.detail.inputs])
        )
    outputs = page.outputs
    if outputs:
        parts.append(_pairs("Outputs", [(safe_text(p.name), _place(None, p.path, None)) for p in outputs]))
    for text in page.detail.notes:
        parts.append(Text.assemble(("note: ", "yellow"), safe_text(text)))
    spaced = [piece for part in parts for piece in ((part,) if isinstance(part, Text) else (part, Text("")))]
    return Group(*spaced)


class _Fitted:
    """What is drawn otherwise in another width."""

    def __init__(self, draw: Callable[[int], RenderableType]) -> None:
        self._draw = draw

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._draw(options.max_width)


def _grid() -> Table:
    # Its title is printed by itself: a table's own is broken where the table is narrower than the title.
    return Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))


def _pairs(title: str, pairs: list[tuple[str, str]]) -> RenderableType:
    def draw(width: int) -> RenderableType:
        table = _grid()
        table.add_column(style=GREY, no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in pairs:
            table.add_row(Text(squeezed(name, _name_room(width))), Text(value))
        return Group(Text(title, "bold"), table)

    return _Fitted(draw)


def _name_room(width: int) -> int:
    return max(_SHORTEST_NAME, int(width * _NAME_SHARE))


def _metrics(page: RunPage, charts: tuple[Chart, ...], width: int) -> Table:
    """Names give way to numbers, and shapes to both."""
    shapes = {chart.key: chart.series[0].values for chart in charts if chart.series}
    shown = [one for one in page.metrics if one.key in shapes]
    names = [safe_text(one.key) + (f" [{one.rank}]" if one.rank else "") for one in shown]
    numbers = [["" if v is None else format_number(v) for v in (one.last, one.min, one.max)] for one in shown]
    sizes = [max(len(title), *(len(row[index]) for row in numbers)) for index, title in enumerate(_NUMBERS)]
    name_size = min(max(map(cell_len, names)), _name_room(width))
    room = max(0, min(_SPARK, width - name_size - sum(sizes) - _GAP * (len(sizes) + 1)))
    table = Table(
        box=None, title="Metrics", title_justify="left", title_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0)
    )
    table.add_column("", no_wrap=True, min_width=name_size)
    for title, size in zip(_NUMBERS, sizes, strict=True):
        table.add_column(title, justify="right", header_style=GREY, no_wrap=True, min_width=size)
    if room:
        table.add_column("", no_wrap=True)
    for one, name, row in zip(shown, names, numbers, strict=True):
        cells = [Text(squeezed(name, name_size)), Text(row[0], "bold"), *map(Text, row[1:])]
        if room:
            cells.append(Text("" if one.rank else sparkline(shapes[one.key], room), "cyan"))
        table.add_row(*cells)
    return table


def _stages(stages: tuple[StageRecord, ...], now: float) -> RenderableType:
    table = _grid()
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    began = min(stage.began for stage in stages)
    ended = max(stage.began + (now - stage.began if stage.seconds is None else stage.seconds) for stage in stages)
    span = max(ended - began, 0.001)
    for stage in stages:
        sign, colour = STAGES.get(stage.status, ("·", GREY))
        seconds = max(0.0, now - stage.began) if stage.seconds is None else stage.seconds
        left = min(_BAR - 1, int((stage.began - began) / span * _BAR))
        size = max(1, min(_BAR - left, round(seconds / span * _BAR)))
        bar = Text(" " * left + "━" * size, colour)
        if stage.seconds is None and stage.progress:
            bar.append(f" {safe_text(stage.progress)}")
        table.add_row(Text(f"{sign} {stage.stage}", colour), Text(format_duration(seconds)), bar)
    return Group(Text("Stages", "bold"), table)


def _facts(page: RunPage) -> list[tuple[str, str]]:
    record, environment, snapshot = page.record, page.detail.environment, page.detail.snapshot
    lost, damaged = counted(record.lost_points, "point"), counted(record.gap_bytes, "byte")
    facts = [
        ("display name", record.display_name),
        ("description", record.description),
        ("created", f"{format_time(record.created)} by {record.user or '?'} on {record.host or '?'}"),
        ("exit code", None if record.exit_code is None else str(record.exit_code)),
        ("compute", record.compute),
        ("command", shorten(record.command or "", 600)),
        ("origin", origin_line(page.detail.properties)),
        ("note", record.note),
        ("tags", ", ".join(f"{key}={value}" if value else key for key, value in record.tags.items())),
        (
            "snapshot",
            snapshot and f"{snapshot.id[:12]}  {format_files(snapshot.files, snapshot.bytes)}",
        ),
        ("git", git_line(page.detail.git)),
        ("environment", environment and f"{environment.label}  Python {environment.python_version}"),
        (
            "lost",
            f"{lost}, while the disk took nothing" if record.lost_points else None,
        ),
        ("damaged", f"{damaged} of its journals" if record.gap_bytes else None),
        ("folder", str(page.folder)),
    ]
    return [(name, safe_text(value)) for name, value in facts if value]


def _place(value: object, *places: str | None) -> str:
    return format_scalar(value) if value is not None else safe_text(next((one for one in places if one), ""))


def environment_text(page: RunPage, log: str) -> RenderableType:
    """The environment: what it is, what was done otherwise than asked, the end of its build log."""
    found = page.detail.environment
    if found is None:
        return Text("Not prepared yet." if page.record.kind == "job" else "A script's own run has none.", GREY)
    facts = [
        ("label", found.label),
        ("found", found.found),
        ("key", found.key),
        ("Python", f"{found.python_version}  {found.python or ''}"),
        ("missed", found.missed),
        ("took", format_duration(found.seconds)),
        ("Azure ML's version", found.anonymous_version or ""),
        *(("substituted", text) for text in found.substituted),
    ]
    parts: list[RenderableType] = [_pairs("Environment", [(name, safe_text(value)) for name, value in facts if value])]
    if log:
        parts += [
            Text("Build log", "bold"),
            Text("\n".join(safe_text(line) for line in log.splitlines()), GREY),
        ]
    return Group(*parts)


def spec_text(page: RunPage) -> RenderableType:
    """The job file as YAML."""
    if not page.spec:
        return Text("A run that a script opened itself has no job file.", GREY)
    clean = "\n".join(safe_text(line) for line in page.spec.splitlines())
    return Syntax(clean, "yaml", theme="ansi_dark", word_wrap=True, background_color="default")
