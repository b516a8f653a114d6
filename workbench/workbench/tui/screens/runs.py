"""The first screen: the live table of runs, with a filter and an order."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from msgspec.structs import replace
from rich.cells import cell_len
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Input, Static
from workbench_store.errors import UsageError, WorkbenchError
from workbench_store.records import SortKey
from workbench_store.words import counted

from workbench.tui import doing
from workbench.tui.asking import asks
from workbench.tui.looks import STATES
from workbench.tui.screens.dialogs import Choose, ChooseColumns
from workbench.tui.shown import is_shown
from workbench.tui.widgets.run_table import WINDOW, RunTable
from workbench.tui.widgets.said import say
from workbench.view.filter import parse_filter
from workbench.view.overview import Overview, overview
from workbench.view.run_list import ListColumns, RunList, asked_for, list_columns, run_list
from workbench.view.upkeep import INTERVAL_SECONDS, tidy_if_due

if TYPE_CHECKING:
    from workbench_store.store import Store

    from workbench.tui.app import Dashboard

REFRESH_SECONDS = 1.0
#: The first look at what is to be tidied comes after the first screen, in seconds.
FIRST_TIDYING_SECONDS = 5.0
#: Cells of the head's edges.
_HEAD_EDGE = 2
#: The list, the counts, why nothing new could be taken in, if so, and the store's revision that this is of.
_Answer = tuple[RunList, Overview, str | None, int]


class RunsScreen(Screen[None]):
    """The table of runs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", tooltip="Filter the runs"),
        Binding("s", "sort", "Sort", tooltip="Sort by a column"),
        Binding("r", "reverse", "Reverse", show=False, tooltip="Reverse the order"),
        Binding("c", "columns", "Columns", show=False, tooltip="Choose the columns"),
        Binding("d", "compare", "Compare", tooltip="Compare the marked runs"),
        Binding("x", "cancel_run", "Cancel", tooltip="Cancel the run under the cursor"),
        Binding("t", "tag", "Tag", show=False, tooltip="Tag the marked runs, or the one under the cursor"),
        Binding("n", "note", "Note", show=False, tooltip="Write a note about the run under the cursor"),
        Binding("e", "rerun", "Rerun", show=False, tooltip="Run the run under the cursor again"),
        Binding("R", "reproduce", "Reproduce", show=False, tooltip="Reproduce the run under the cursor"),
        Binding("A", "archive", "Archive", show=False, tooltip="Archive the marked runs, or the one under the cursor"),
        Binding("o", "open_folder", "Folder", show=False, tooltip="Open the folder of the run under the cursor"),
        Binding("escape", "clear_filter", "Clear filter", show=False, tooltip="Show all runs again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._filter = ""
        self._sort = SortKey()
        self._offset = 0
        self._metrics: list[str] | None = None
        self._params: list[str] | None = None
        self._columns: ListColumns | None = None
        self._counts: Overview | None = None
        self._asked_for: object = None
        self._revision = -1
        self._blocked = False
        self._wake = asyncio.Event()

    @property
    def dashboard(self) -> "Dashboard":
        """The app."""
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        """Head, filter, table, keys."""
        yield Static(id="head")
        yield Input(placeholder="state:failed  exp:digits  lr<0.1  tag:best  any text", id="filter", compact=True)
        yield RunTable(self.dashboard.now)
        yield Static(id="message")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to watch."""
        self.query_one("#filter").display = False
        self.query_one("#message").display = False
        self.query_one("#head", Static).update(self._head())
        self.query_one(RunTable).focus()
        self.watch_runs()
        self.set_timer(FIRST_TIDYING_SECONDS, self.tidy)
        self.set_interval(INTERVAL_SECONDS, self.tidy)

    async def tidy(self) -> None:
        """Let what is long over be tidied, in another process."""
        await self.dashboard.desk.do(lambda: tidy_if_due(self.dashboard.layout))

    def on_screen_resume(self) -> None:
        """Back from a run: look at once."""
        self._wake.set()

    # -- loading

    @work(exclusive=True)
    async def watch_runs(self) -> None:
        """Load the window again and again, as long as this screen is there."""
        while True:
            if self.is_current:
                await self._load()
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), REFRESH_SECONDS)
            except TimeoutError:
                continue

    async def _load(self) -> None:
        try:
            answer = await self.dashboard.desk.ask(self._question())
        except (WorkbenchError, OSError) as error:
            if not is_shown(self):
                return
            # The next answer is shown whole, also when nothing is new: it takes the error from the screen.
            self._asked_for = None
            self._say(error.message if isinstance(error, UsageError) else str(error), bad=True)
            return
        if not is_shown(self):
            return
        if answer is None:
            self.query_one(RunTable).tick()
            return
        listed, self._counts, blocked, self._revision = answer
        self._blocked = bool(blocked)
        self._columns = listed.columns
        self._show_head()
        self.query_one(RunTable).show(listed)
        self._say(blocked or listed.unknown or self._empty(listed), bad=bool(blocked or listed.unknown))

    def _question(self) -> "Callable[[Store], _Answer | None]":
        """What to ask the store; it answers None when nothing has changed."""
        layout = self.dashboard.layout
        wanted = (self._filter, self._sort, self._offset, tuple(self._metrics or ()), tuple(self._params or ()))
        seen, again = self._revision, wanted == self._asked_for and not self._blocked
        metrics, params = self._metrics, self._params

        def question(store: "Store") -> _Answer | None:
            from workbench.view.fresh import refresh

            done = refresh(layout, store, budget_seconds=0.5)
            if again and store.revision == seen and not (done.blocked or done.missing):
                return None
            revision = store.revision
            text, sort, offset = wanted[:3]
            asked = asked_for(store, text)
            with store.at_once():
                columns = list_columns(store, metrics, params, among=asked, sort=sort)
                listed = run_list(store, columns, filter=text, asked=asked, sort=sort, offset=offset, limit=WINDOW)
                return listed, overview(store), done.blocked or done.unsaved or done.missing, revision

        self._asked_for = wanted
        return question

    @on(RunTable.Marked)
    def _show_head(self) -> None:
        say(self.query_one("#head", Static), self._head())

    def _head(self) -> Text:
        """Where the states' names do not fit, their signs stand for them."""
        text, counts = Text("Workbench", "bold"), self._counts
        if counts is None:
            return text
        text.append(f"  {counted(counts.total, 'run')}", "not bold")
        marked = len(self.query_one(RunTable).marked)
        if marked:
            text.append(f"  ▌{marked} marked", "not bold yellow")
        parts = [(f"  {STATES[state][0]} {count:,}", f" {state}", STATES[state][1]) for state, count in counts.states]
        fits = text.cell_len + sum(cell_len(number + name) for number, name, _ in parts) <= self.size.width - _HEAD_EDGE
        for number, name, colour in parts:
            text.append(number + (name if fits else ""), f"not bold {colour}")
        return text

    def _empty(self, listed: RunList) -> str:
        if listed.total:
            return ""
        if listed.filter:
            return "No run fits the filter. Escape clears it."
        return "No runs yet. In this folder:  workbench run job.yml"

    def _say(self, text: str, *, bad: bool = False) -> None:
        message = self.query_one("#message", Static)
        message.display = bool(text)
        message.set_class(bad, "bad")
        say(message, Text(text))

    # -- what the user asks for

    @on(RunTable.WindowWanted)
    def _load_window(self, event: RunTable.WindowWanted) -> None:
        self._offset = event.offset
        self._wake.set()

    @on(RunTable.SortWanted)
    def _sort_by(self, event: RunTable.SortWanted) -> None:
        same = (event.sort.kind, event.sort.name) == (self._sort.kind, self._sort.name)
        turned = SortKey(event.sort.kind, event.sort.name, not self._sort.descending)
        self._order(turned if same else event.sort)

    def _order(self, sort: SortKey) -> None:
        self._sort, self._offset = sort, 0
        self.query_one(RunTable).reordered()
        self._wake.set()

    @on(RunTable.Opened)
    def _open(self, event: RunTable.Opened) -> None:
        self.dashboard.open_run(event.name)

    def action_filter(self) -> None:
        """Type a filter."""
        box = self.query_one("#filter", Input)
        box.display = True
        box.focus()

    def action_clear_filter(self) -> None:
        """Show all runs again."""
        box = self.query_one("#filter", Input)
        box.value = ""
        box.display = False
        self.query_one(RunTable).focus()

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        self._filter, self._offset = event.value.strip(), 0
        self._wake.set()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        box = self.query_one("#filter", Input)
        try:
            parse_filter(box.value)
        except UsageError:
            return  # what is wrong is said; the keys that mend it belong to the box
        box.display = bool(box.value)
        self.query_one(RunTable).focus()

    @asks
    async def action_sort(self) -> None:
        """Choose what to sort by."""
        names = ["created", "duration", "name", "state", "experiment"]
        options = [(f"column:{name}", name) for name in names]
        if self._columns is not None:
            options += [(f"metric:{key}", f"{key} (metric)") for key in self._columns.all_metrics]
            options += [(f"param:{key}", f"{key} (parameter)") for key in self._columns.all_params]
        chosen = await self.app.push_screen_wait(Choose("Sort by", options))
        if chosen:
            kind, _, name = chosen.partition(":")
            falls = kind == "metric" or name in ("created", "duration")
            self._order(SortKey(kind, name, falls))  # type: ignore[arg-type]

    def action_reverse(self) -> None:
        """The other way round."""
        self._order(SortKey(self._sort.kind, self._sort.name, not self._sort.descending))

    @asks
    async def action_columns(self) -> None:
        """Choose the columns."""
        columns = self._columns
        if columns is None:
            return
        options = [(f"metric:{key}", f"{key} (metric)") for key in columns.all_metrics]
        options += [(f"param:{key}", f"{key} (parameter)") for key in columns.all_params]
        shown = {f"metric:{key}" for key in columns.metrics} | {f"param:{key}" for key in columns.params}
        chosen = await self.app.push_screen_wait(ChooseColumns(options, shown))
        if chosen is not None:
            self._metrics = [one.removeprefix("metric:") for one in chosen if one.startswith("metric:")]
            self._params = [one.removeprefix("param:") for one in chosen if one.startswith("param:")]
            self._asked_for = None
            self._wake.set()

    def action_cancel_run(self) -> None:
        """Cancel the run under the cursor."""
        row = self.query_one(RunTable).selected
        if row is not None:
            self.dashboard.cancel_run(row.name, row.state)

    def _under_cursor(self) -> str | None:
        row = self.query_one(RunTable).selected
        return None if row is None else row.name

    async def _chosen(self) -> tuple[str, ...]:
        """The marked runs that the filter shows; without any, the one under the cursor. None if one of them is gone, or
        it cannot be found out, which is told."""
        name, table = self._under_cursor(), self.query_one(RunTable)
        shown = await doing.attempted(self.dashboard, lambda: self._shown(table.marked))
        if shown is None:
            return ()
        names = shown or (() if name is None else (name,))
        if doing.are_there(self.dashboard, names):
            return names
        # It is in no list any more, so that nobody could take the mark away.
        table.unmark([one for one in table.marked if not self.dashboard.layout.run(one).root.is_dir()])
        return ()

    async def _shown(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those that pass the filter, as nothing is done to what nobody sees, and those that are gone."""
        text, layout = self._filter, self.dashboard.layout

        def passing(store: "Store") -> list[str]:
            return store.runs(replace(asked_for(store, text), names=names)).names

        if not (names and text):
            return names
        passed = await self.dashboard.desk.ask(passing)
        return tuple(name for name in names if name in passed or not layout.run(name).root.is_dir())

    def action_compare(self) -> None:
        """Compare the marked runs; one that is marked is compared with the one under the cursor."""
        name = self._under_cursor()
        names = tuple(dict.fromkeys([*self.query_one(RunTable).marked, *([name] if name else [])]))
        if len(self.query_one(RunTable).marked) >= 2:
            names = self.query_one(RunTable).marked
        if len(names) < 2:
            self.notify("Mark runs with Space, then compare them.")
            return
        self.dashboard.compare_runs(names)

    @asks
    async def action_tag(self) -> None:
        """Tag the chosen runs."""
        names = await self._chosen()
        if names:
            await doing.tag(self.dashboard, names)

    @asks
    async def action_note(self) -> None:
        """Write a note."""
        name = self._under_cursor()
        if name is not None:
            record = await doing.attempted(
                self.dashboard, lambda: self.dashboard.desk.ask(lambda store: store.run(name))
            )
            if record is not None:
                await doing.note(self.dashboard, name, record.note or "")

    @asks
    async def action_rerun(self) -> None:
        """Run it again."""
        name = self._under_cursor()
        if name is not None:
            await doing.rerun(self.dashboard, name)

    def action_reproduce(self) -> None:
        """Run it again as it was, and report what came out the same."""
        name = self._under_cursor()
        if name is not None:
            self.dashboard.reproduce_run(name)

    @asks
    async def action_archive(self) -> None:
        """Archive the chosen runs."""
        names = await self._chosen()
        if names:
            await doing.archive(self.dashboard, names)
            self.query_one(RunTable).unmark(names)
            self._wake.set()

    @asks
    async def action_open_folder(self) -> None:
        """Open its folder."""
        name = self._under_cursor()
        if name is not None:
            await doing.open_folder(self.dashboard, name)
