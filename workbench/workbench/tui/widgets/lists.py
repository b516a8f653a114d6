"""Textual's lists, tables and pages, which take the same keys as the table of runs: j k g G, and h l where there is
something to the side."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Log, OptionList, SelectionList

_SCROLLING: list[BindingType] = [
    Binding("k", "scroll_up", "Scroll up", show=False),
    Binding("j", "scroll_down", "Scroll down", show=False),
    Binding("h", "scroll_left", "Scroll left", show=False),
    Binding("l", "scroll_right", "Scroll right", show=False),
    Binding("g", "scroll_home", "Top", show=False),
    Binding("G", "scroll_end", "Bottom", show=False),
]
_CURSOR: list[BindingType] = [
    Binding("k", "cursor_up", "Up", show=False),
    Binding("j", "cursor_down", "Down", show=False),
]
_CHOOSING: list[BindingType] = [
    *_CURSOR,
    Binding("g", "first", "First", show=False),
    Binding("G", "last", "Last", show=False),
]


class Choices(OptionList):
    """A list of which one is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = _CHOOSING


class Ticks(SelectionList[str]):
    """A list in which some are ticked."""

    BINDINGS: ClassVar[list[BindingType]] = _CHOOSING


class Rows(DataTable[Text]):
    """A table whose cursor is on a row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_CURSOR,
        Binding("h", "cursor_left", "Scroll left", show=False),
        Binding("l", "cursor_right", "Scroll right", show=False),
        # As in the table of runs; without them Home and End go sideways, where a cursor on a row has nowhere to go.
        Binding("home,g", "scroll_top", "First", show=False),
        Binding("end,G", "scroll_bottom", "Last", show=False),
    ]

    def __init__(self, id: str, *, zebra_stripes: bool = False) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=zebra_stripes)

    def fill(self, titles: Sequence[Text], rows: Sequence[Sequence[Text]]) -> None:
        """Show these rows in place of all before; a row has a cell for each title.

        The columns are measured here. Textual itself does it when it is idle, and keeps what it has painted before
        that, too narrow, until a key is pressed.
        """
        self.clear(columns=True)
        for place, title in enumerate(titles):
            self.add_column(title, width=max(cell.cell_len for cell in (title, *(row[place] for row in rows))))
        for row in rows:
            self.add_row(*row)


class Scrolled(VerticalScroll):
    """A page that is scrolled."""

    BINDINGS: ClassVar[list[BindingType]] = _SCROLLING


class Lines(Log):
    """Lines of a log, which are followed until something above the end is looked at, and from the end on again.

    Whether they are is kept: what arrives, and a row that comes or goes below, puts the end elsewhere.
    """

    BINDINGS: ClassVar[list[BindingType]] = _SCROLLING

    following = True

    def write_lines(self, lines: Iterable[str], scroll_end: bool | None = None) -> Self:
        """Add lines, each without its end. Where the first ones go for them, what is being read stays where it is.

        All is painted: Textual paints what is behind the lines that there were, which is nothing once there are as many
        as may be.
        """
        new, before = list(lines), self.line_count
        super().write_lines(new, scroll_end=False)
        gone = before + len(new) - self.line_count
        if self.following:
            self._to_the_end()
        elif gone:
            self.scroll_to(y=max(0, self.scroll_y - gone), animate=False, immediate=True)
        self.refresh()
        return self

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value >= self.max_scroll_y:
            self.following = True
        elif new_value < old_value:
            self.following = False

    def on_resize(self) -> None:
        if self.following:
            self._to_the_end()

    def _to_the_end(self) -> None:
        if not self.is_vertical_scrollbar_grabbed:
            self.scroll_end(animate=False, immediate=True, x_axis=False)

    # At once, since what is written meanwhile moves the place that it goes to.

    def action_scroll_end(self) -> None:
        self.following = True
        self._to_the_end()

    def action_scroll_home(self) -> None:
        self.following = False
        self.scroll_home(animate=False, immediate=True, x_axis=False)

    def action_page_up(self) -> None:
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        self.scroll_page_down(animate=False)
