"""Runs side by side: one row for each thing that differs from the baseline."""

import shlex
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static
from workbench_store.errors import NotFound, WorkbenchError
from workbench_store.words import counted

from workbench.tui.looks import GREY
from workbench.tui.screens.dialogs import Reader
from workbench.tui.shown import is_shown
from workbench.tui.widgets.lists import Rows
from workbench.view.compare import Cell, CodeDifference, Comparison, Row, code_differences, compare
from workbench.view.compared_text import name_text, value_texts
from workbench.view.format import format_delta, safe_text, shorten

if TYPE_CHECKING:
    from workbench_store.store import Store

    from workbench.tui.app import Dashboard

_WIDEST = 28
#: After what went wrong, another try.
_AGAIN_SECONDS = 1.0


class CompareScreen(Screen[None]):
    """A comparison of some runs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", "Back", tooltip="Back to the runs"),
        Binding("a", "all", "All", tooltip="Show what is the same too, or only what differs"),
        Binding("b", "baseline", "Baseline", tooltip="Take the next run as the baseline"),
        Binding("enter", "lines", "Lines", tooltip="The changed lines of the file under the cursor"),
    ]

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self._names = names
        self._base = 0
        self._everything = False
        self._found: Comparison | None = None
        self._rows: tuple[Row, ...] = ()

    @property
    def dashboard(self) -> "Dashboard":
        """The app."""
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        """Head, the command that does the same, table, keys."""
        yield Static(id="title")
        yield Static(Text(self._command(), "dim"), id="same-command")
        yield Static(id="message", classes="bad")
        yield Rows("comparison")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Compare."""
        self.query_one("#message").display = False
        self.query_one(DataTable).fixed_columns = 1
        self.load()

    @work(exclusive=True)
    async def load(self) -> None:
        """Ask the store and show what it says."""
        layout, names, base = self.dashboard.layout, self._names, self._names[self._base]

        def question(store: "Store") -> Comparison:
            return compare(layout, store, names, baseline=base)

        wrong: Exception | None = None
        try:
            self._found = await self.dashboard.desk.ask(question)
        except (WorkbenchError, OSError) as error:
            wrong = error
        if not is_shown(self):
            return
        message = self.query_one("#message", Static)
        message.display = wrong is not None
        if wrong is None:
            self._show()
            return
        message.update(Text(str(wrong)))
        if not isinstance(wrong, NotFound):
            self.set_timer(_AGAIN_SECONDS, self.load)

    def _show(self) -> None:
        found = self._found
        if found is None:
            return
        self.query_one("#same-command", Static).update(Text(self._command(), "dim"))
        self._rows = found.rows if self._everything else found.differing
        titles = [
            Text(shorten(safe_text(name), _WIDEST) + (" ◂" if place == found.baseline else ""), "bold")
            for place, name in enumerate(found.runs)
        ]
        rows = [(_label(row), *_cells(row, found.baseline)) for row in self._rows]
        self.query_one(Rows).fill([Text(), *titles], rows)
        self.query_one("#title", Static).update(self._head(found))

    def _command(self) -> str:
        words = ["workbench", "compare", *self._names]
        words += ["--baseline", self._names[self._base]] if self._base else []
        return shlex.join(words + (["--all"] if self._everything else []))

    def _head(self, found: Comparison) -> Text:
        text = Text("Compare", "bold", no_wrap=True, overflow="ellipsis")
        text.append(f"  {counted(len(found.runs), 'run')}", "not bold")
        text.append(f"  baseline {safe_text(found.runs[found.baseline])}", f"not bold {GREY}")
        same = len(found.rows) - len(found.differing)
        what = "all shown" if self._everything else f"{len(found.differing)} differ, {same} are the same"
        text.append(f"  {what}", f"not bold {GREY}")
        return text

    def action_back(self) -> None:
        """Back to the runs."""
        self.dismiss()

    def action_all(self) -> None:
        """Everything, or only what differs."""
        self._everything = not self._everything
        self._show()

    def action_baseline(self) -> None:
        """The next run is the baseline."""
        self._base = (self._base + 1) % len(self._names)
        self.load()

    def on_data_table_row_selected(self) -> None:
        """Enter, or a click on the row with the cursor."""
        self.action_lines()

    def action_lines(self) -> None:
        """The changed lines of a file of the code."""
        place = self.query_one(DataTable).cursor_row
        if self._found is not None and 0 <= place < len(self._rows) and self._rows[place].kind == "code":
            self.read_lines(self._rows[place].name)

    @work
    async def read_lines(self, path: str) -> None:
        """Show how one file differs from the baseline's, run by run."""
        layout, base = self.dashboard.layout, self._names[self._base]
        others = [name for name in self._names if name != base]

        def question(store: "Store") -> list[tuple[str, CodeDifference]]:
            found = ((name, one) for name in others for one in code_differences(layout, store, base, name))
            return [(name, one) for name, one in found if one.path == path]

        try:
            told = await self.dashboard.desk.ask(question)
        except WorkbenchError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        text = Text()
        for name, one in told:
            text.append(f"{safe_text(name)}  {one.change}\n", "bold")
            for line in one.lines[2:] or ("(no text)",):
                colour = "green" if line.startswith("+") else "red" if line.startswith("-") else GREY
                text.append(f"{safe_text(line)}\n", colour)
        await self.app.push_screen(Reader(shorten(safe_text(path), 56), text))


def _label(row: Row) -> Text:
    text = Text(f"{row.kind} ", GREY)
    return text.append(name_text(row.name, width=_WIDEST), "not dim default")


def _cells(row: Row, baseline: int) -> list[Text]:
    texts = value_texts(row.kind, row.name, [cell.value for cell in row.cells], _WIDEST)
    shown = zip(row.cells, texts, strict=True)
    return [_cell(row, cell, text, place == baseline) for place, (cell, text) in enumerate(shown)]


def _cell(row: Row, cell: Cell, shown: str, is_baseline: bool) -> Text:
    text = Text(shown, GREY if is_baseline or row.differs is False else "default")
    if cell.delta is not None:
        text.append(f" {format_delta(cell.delta)}", "cyan")
    if cell.unknown:
        text.append(" not known", "yellow")
    return text
