"""The table of runs. It is virtual: ten thousand runs cost no more than those on the screen.

Only a window of rows is loaded; when the view leaves it, the table asks for another with `WindowWanted`.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

from msgspec import Struct, field
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from workbench_store.records import RunRow, SortKey

from workbench.tui.looks import DIM, state_text
from workbench.view.duration import duration_of
from workbench.view.format import (
    format_age,
    format_duration,
    format_number,
    format_scalar,
    safe_text,
    shorten,
)
from workbench.view.run_list import RunList

WINDOW = 300
_WIDEST = 24
_GAP = 2
_MARGIN = 1


class Column(Struct, frozen=True):
    """A column: what is above it, what it sorts by, how a row's cell looks."""

    title: str
    sort: SortKey
    cell: Callable[[RunRow, float], Text]
    right: bool = False


class _Drawn(Struct):
    """The window as text: cells of each loaded row, and the width of each column."""

    cells: list[list[Text]] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)


class RunTable(ScrollView, can_focus=True):
    """Rows of runs with a cursor. The first column stays when the others are scrolled sideways."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("space", "mark", "Mark", show=False, tooltip="Mark the run, to compare or change several"),
        Binding("home,g", "edge(-1)", "First run", show=False),
        Binding("end,G", "edge(1)", "Last run", show=False),
        Binding("left,h", "scroll_sideways(-10)", "Scroll left", show=False),
        Binding("right,l", "scroll_sideways(10)", "Scroll right", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"run-table--cursor", "run-table--mark", "run-table--titles"}
    DEFAULT_CSS = """
    RunTable {
        background: $background; height: 1fr; scrollbar-size: 1 1;
        .run-table--cursor { background: $primary 45%; text-style: bold; }
        .run-table--mark { background: $surface-lighten-1; }
        .run-table--titles { background: $surface; text-style: bold; }
    }
    """
    cursor: reactive[int] = reactive(0, repaint=True)

    class Opened(Message):
        """A run is to be opened."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class SortWanted(Message):
        """The list is to be sorted by a column."""

        def __init__(self, sort: SortKey) -> None:
            super().__init__()
            self.sort = sort

    class WindowWanted(Message):
        """Rows around this one are to be loaded."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

    class Marked(Message):
        """Other runs are marked than before."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self._list: RunList | None = None
        self._columns: list[Column] = []
        self._drawn = _Drawn()
        self._selected: str | None = None
        # Whether the cursor is to stay in the first row whatever comes: until it is moved, and from Home on again.
        # Where it is does not tell: one that was moved to the first run goes down with it.
        self._at_first = True
        self._marked: dict[str, None] = {}

    # -- what is marked

    @property
    def marked(self) -> tuple[str, ...]:
        """The marked runs, in the order in which they were marked."""
        return tuple(self._marked)

    def unmark(self, names: Iterable[str]) -> None:
        """Take the marks from these runs."""
        for name in names:
            self._marked.pop(name, None)
        self._tell_marks()

    def action_mark(self) -> None:
        """Mark the run under the cursor, or not any more, and go on to the next."""
        row = self.selected
        if row is None:
            return
        if row.name in self._marked:
            del self._marked[row.name]
        else:
            self._marked[row.name] = None
        self._tell_marks()
        self._go(self.cursor + 1)

    def _tell_marks(self) -> None:
        self.refresh()
        self.post_message(self.Marked())

    # -- what is shown

    def show(self, listed: RunList) -> None:
        """Show a list; the cursor stays on the run that it was moved to, if that is there, and else in the first row:
        new runs are not to come in above what is in sight."""
        self._list = listed
        self._columns = columns_of(listed)
        self._draw()
        names = [row.name for row in listed.rows]
        if self._selected in names and not self._at_first:
            self.cursor = listed.offset + names.index(self._selected)
        else:
            self.cursor = min(self.cursor, max(0, listed.total - 1))
            self._remember()
        self._ensure_window()  # another list than what was scrolled through
        self.refresh()

    def reordered(self) -> None:
        """The list is about to come in another order: a cursor in the first row stays there, on whichever run is first
        then; from further down it goes along with its run."""
        self._at_first = self.cursor == 0

    def tick(self) -> None:
        """Ages and durations go on."""
        if self._list is not None:
            self._draw()
            self.refresh()

    @property
    def selected(self) -> RunRow | None:
        """The row under the cursor, if it is loaded."""
        return self._row(self.cursor)

    def _row(self, index: int) -> RunRow | None:
        listed = self._list
        if listed is None or not 0 <= index - listed.offset < len(listed.rows):
            return None
        return listed.rows[index - listed.offset]

    def _draw(self) -> None:
        assert self._list is not None
        now = self._now()
        cells = [[column.cell(row, now) for column in self._columns] for row in self._list.rows]
        widths = [len(column.title) + 2 for column in self._columns]
        for row in cells:
            for index, cell in enumerate(row):
                widths[index] = max(widths[index], cell.cell_len)
        self._drawn = _Drawn(cells, widths)
        total = _MARGIN + sum(widths) + _GAP * len(widths)
        self.virtual_size = Size(total, self._list.total + 1)

    def render_line(self, y: int) -> Strip:
        """The header is line 0 of the view, whatever is scrolled."""
        scroll_x, scroll_y = self.scroll_offset
        width = self.size.width
        if self._list is None:
            return Strip.blank(width, self.rich_style)
        index = y - 1 + scroll_y
        if y == 0:
            return self._line(self._titles(), scroll_x, width, self.get_component_rich_style("run-table--titles"))
        if index >= self._list.total:
            return Strip.blank(width, self.rich_style)
        style = self.rich_style
        if index == self.cursor:
            style += self.get_component_rich_style("run-table--cursor" if self.has_focus else "run-table--mark")
        place = index - self._list.offset
        if not 0 <= place < len(self._drawn.cells):
            return self._line([Text("…", DIM)], 0, width, style)
        marked = self._list.rows[place].name in self._marked
        return self._line(self._drawn.cells[place], scroll_x, width, style, marked)

    def _titles(self) -> list[Text]:
        sort = self._list.sort if self._list else SortKey()
        titles = []
        for column in self._columns:
            same = (column.sort.kind, column.sort.name) == (sort.kind, sort.name)
            mark = (" ▼" if sort.descending else " ▲") if same else ""
            titles.append(Text(column.title + mark, Style(bold=True)))
        return titles

    def _line(self, cells: list[Text], scroll_x: int, width: int, style: Style, marked: bool = False) -> Strip:
        fixed, rest = Text("▌", "yellow") if marked else Text(" " * _MARGIN), Text()
        for index, cell in enumerate(cells):
            target = fixed if index == 0 else rest
            size = self._drawn.widths[index] if index < len(self._drawn.widths) else cell.cell_len
            pad = " " * max(0, size - cell.cell_len)
            right = self._columns[index].right if index < len(self._columns) else False
            target.append(pad) if right else None
            target.append_text(cell)
            target.append(" " * _GAP if right else pad + " " * _GAP)
        console = self.app.console
        head = Strip(list(fixed.render(console)))
        body = Strip(list(rest.render(console)))
        head_width = min(head.cell_length, width)
        visible = body.crop(scroll_x, scroll_x + max(0, width - head_width))
        strip = Strip([*head.crop(0, head_width), *visible]).adjust_cell_length(width)
        # The row's style lies under the cells': a cursor in reverse keeps their colours readable.
        return Strip([Segment(one.text, style + one.style if one.style else style) for one in strip], width)

    # -- moving

    def watch_cursor(self) -> None:
        """Keep the cursor in sight, and rows around it loaded."""
        self._remember()
        self.scroll_to_region(
            Region(int(self.scroll_offset.x), self.cursor, 1, 2), animate=False, force=True, x_axis=False
        )
        self._ensure_window()

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        self._ensure_window()

    def _remember(self) -> None:
        row = self.selected
        if row is not None:
            self._selected = row.name

    def _ensure_window(self) -> None:
        listed = self._list
        if listed is None:
            return
        first, last = int(self.scroll_offset.y), int(self.scroll_offset.y) + self.size.height
        end = listed.offset + len(listed.rows)
        if (first < listed.offset) or (last > end and end < listed.total):
            self.post_message(self.WindowWanted(max(0, first - WINDOW // 3)))

    def _go(self, index: int) -> None:
        if self._list is not None and self._list.total:
            self._at_first = False
            self.cursor = max(0, min(self._list.total - 1, index))

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._go(self.cursor + by)

    def action_page(self, direction: int) -> None:
        """Move by a screen."""
        self._go(self.cursor + direction * max(1, self.size.height - 2))

    def action_edge(self, direction: int) -> None:
        """To the first or the last run."""
        self._go(0 if direction < 0 or self._list is None else self._list.total - 1)
        self._at_first = direction < 0

    def action_scroll_sideways(self, by: int) -> None:
        """Show columns further left or right."""
        self.scroll_to(x=self.scroll_offset.x + by, animate=False)

    def action_open(self) -> None:
        """Open the run under the cursor."""
        row = self.selected
        if row is not None:
            self.post_message(self.Opened(row.name))

    def on_click(self, event: events.Click) -> None:
        """A click on a title sorts, on a run selects it, a second one opens it."""
        if self._list is None:
            return
        if event.y == 0:
            column = self._column_at(event.x)
            if column is not None:
                self.post_message(self.SortWanted(column.sort))
            return
        index = event.y - 1 + int(self.scroll_offset.y)
        if index < self._list.total:
            self._go(index)
            if event.chain == 2:
                self.action_open()

    def _column_at(self, x: int) -> Column | None:
        left = _MARGIN
        for index, (column, width) in enumerate(zip(self._columns, self._drawn.widths, strict=True)):
            shift = 0 if index == 0 else int(self.scroll_offset.x)
            if left - shift <= x < left - shift + width + _GAP:
                return column
            left += width + _GAP
        return None


def _duration(row: RunRow, now: float) -> Text:
    seconds = duration_of(row, now)
    return Text("" if seconds is None else format_duration(seconds))


def _name(row: RunRow, now: float) -> Text:
    return Text(shorten(safe_text(row.name), _WIDEST + 6))


def columns_of(listed: RunList) -> list[Column]:
    """The columns of a list: what a run is, then its metrics, then its parameters."""
    columns = [
        Column("Run", SortKey("column", "name", False), _name),
        Column("State", SortKey("column", "state", False), lambda row, now: state_text(row.state)),
        Column(
            "Experiment",
            SortKey("column", "experiment", False),
            lambda row, now: Text(shorten(safe_text(row.experiment), _WIDEST)),
        ),
        Column("Age", SortKey("column", "created"), lambda row, now: Text(format_age(row.created, now), DIM), True),
        Column("Time", SortKey("column", "duration"), _duration, True),
    ]
    metrics, params = listed.columns.metrics, listed.columns.params
    titles = [shorten(safe_text(title), _WIDEST) for title in listed.columns.titles()]
    for index, (key, title) in enumerate(zip(metrics, titles, strict=False)):
        columns.append(Column(title, SortKey("metric", key), _metric_cell(index), True))
    for index, (name, title) in enumerate(zip(params, titles[len(metrics) :], strict=True)):
        columns.append(Column(title, SortKey("param", name, False), _param_cell(index), True))
    return columns


def _metric_cell(index: int) -> Callable[[RunRow, float], Text]:
    def cell(row: RunRow, now: float) -> Text:
        value = row.metrics[index]
        return Text("" if value is None else format_number(value), Style(bold=True))

    return cell


def _param_cell(index: int) -> Callable[[RunRow, float], Text]:
    def cell(row: RunRow, now: float) -> Text:
        return Text(shorten(format_scalar(row.params[index]), _WIDEST))

    return cell
