"""The page of a run: what it is and how it goes, its charts, log, files, environment and spec."""

import asyncio
import itertools
from typing import TYPE_CHECKING, ClassVar, cast

from msgspec import Struct
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ItemGrid
from textual.screen import Screen
from textual.widgets import Footer, Log, Static, TabbedContent, TabPane
from workbench_store.absence import check_run
from workbench_store.errors import WorkbenchError
from workbench_store.states import RunState

from workbench.tui import doing
from workbench.tui.asking import asks
from workbench.tui.drawings import environment_text, overview_text, spec_text, title_text
from workbench.tui.looks import GREY
from workbench.tui.shown import is_shown, while_shown
from workbench.tui.widgets.chart import MetricChart, same_charts
from workbench.tui.widgets.lists import Lines, Rows, Scrolled
from workbench.tui.widgets.media import MediaView
from workbench.tui.widgets.said import say
from workbench.view.charts import Chart, metric_charts
from workbench.view.format import format_bytes, safe_text
from workbench.view.run_page import RunPage, run_page

if TYPE_CHECKING:
    from workbench_store.store import Store

    from workbench.lifecycle.logs import LogReader
    from workbench.tui.app import Dashboard

REFRESH_SECONDS = 1.0
LOG_SECONDS = 0.3
_LINES_AT_ONCE = 5000
_MOST_LINES = 100_000
_MOST_FILES = 2000
_CHART_POINTS = 400


class _Loaded(Struct, frozen=True):
    page: RunPage
    charts: tuple[Chart, ...]
    system: tuple[Chart, ...]
    revision: int


class _Tabs(TabbedContent):
    """Tabs that only keys and the mouse choose: a focus that arrives late, of a tab that was asked for before, would
    bring that tab back."""

    def on_tab_pane_focused(self, event: TabPane.Focused) -> None:
        """Keep the tab that is shown."""
        event.prevent_default()


def _advice(loaded: _Loaded | None) -> str:
    """What can be done with a run that nobody holds any more."""
    if loaded is None or loaded.page.record.state is not RunState.NOT_RESPONDING:
        return ""
    return "Its supervisor is gone.  a: take it over (adopt)   C: end it (close)"


class RunScreen(Screen[None]):
    """The page of one run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", "Back", tooltip="Back to the runs"),
        Binding("1", "tab('overview')", "Overview", show=False, tooltip="Go to Overview"),
        Binding("2", "tab('metrics')", "Metrics", show=False, tooltip="Go to Metrics"),
        Binding("3", "tab('log')", "Log", show=False, tooltip="Go to Log"),
        Binding("4", "tab('files')", "Files", show=False, tooltip="Go to Files"),
        Binding("5", "tab('environment')", "Environment", show=False, tooltip="Go to Environment"),
        Binding("6", "tab('spec')", "Spec", show=False, tooltip="Go to Spec"),
        Binding("7", "tab('media')", "Media", show=False, tooltip="Go to Media"),
        Binding("r", "next_rank", "Next rank", show=False, tooltip="Show the log of the next rank"),
        Binding("x", "cancel_run", "Cancel", tooltip="Cancel this run"),
        Binding("a", "adopt", "Adopt", show=False, tooltip="Take over this run, if its supervisor is gone"),
        Binding("C", "close_run", "Close", show=False, tooltip="End this run, if its supervisor is gone"),
        Binding("e", "rerun", "Rerun", tooltip="Run this run again"),
        Binding("t", "tag", "Tag", tooltip="Tag this run"),
        Binding("n", "note", "Note", tooltip="Write a note about this run"),
        Binding("R", "reproduce", "Reproduce", show=False, tooltip="Reproduce this run"),
        Binding("A", "archive", "Archive", show=False, tooltip="Archive this run"),
        Binding("o", "open_folder", "Folder", show=False, tooltip="Open this run's folder"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self.run_name = name
        self._loaded: _Loaded | None = None
        self._reader: LogReader | None = None
        self._rank = 0

    @property
    def dashboard(self) -> "Dashboard":
        """The app."""
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        """Title, what is wrong, tabs, keys."""
        yield Static(Text(safe_text(self.run_name), "bold"), id="title")
        yield Static(id="message", classes="bad")
        with _Tabs(initial="overview"):
            with TabPane("1 Overview", id="overview"), Scrolled():
                yield Static(Text("loading ...", GREY), id="overview-text")
            with TabPane("2 Metrics", id="metrics"), Scrolled():
                yield Static("No metrics yet.", id="no-metrics")
                yield ItemGrid(min_column_width=38, id="charts")
                yield Static("Machine", id="machine")
                yield ItemGrid(min_column_width=38, id="system-charts")
            with TabPane("3 Log", id="log"):
                yield Static("No output.", id="no-log")
                yield Static(id="log-rank")
                yield Lines(max_lines=_MOST_LINES, id="log-text")
                yield Static(id="log-pending")
            with TabPane("4 Files", id="files"):
                yield Static("No files.", id="no-files")
                yield Rows("file-table")
            with TabPane("5 Environment", id="environment"), Scrolled():
                yield Static(id="environment-text")
            with TabPane("6 Spec", id="spec"), Scrolled():
                yield Static(id="spec-text")
            with TabPane("7 Media", id="media"):
                yield MediaView(self.run_name)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to watch."""
        self.query_one("#message").display = False
        self.query_one("#machine").display = False
        for name in ("#log-rank", "#no-log", "#no-files"):
            self.query_one(name).display = False
        self.watch_run()
        self.watch_log()

    # -- loading

    @work(exclusive=True, group="run")
    async def watch_run(self) -> None:
        """Load the run again and again, as long as this page is there; what is wrong is shown for as long as it is."""
        while True:
            loaded, wrong = None, ""
            try:
                loaded = await self.dashboard.desk.ask(self._question)
            except (WorkbenchError, OSError) as error:
                wrong = str(error)
            if not is_shown(self):
                return
            with while_shown(self):
                self._say(wrong or _advice(loaded))
                if loaded is not None:
                    await self._show(loaded)
            await asyncio.sleep(REFRESH_SECONDS)

    def _say(self, text: str) -> None:
        message = self.query_one("#message", Static)
        message.display = bool(text)
        say(message, Text(text))

    def _question(self, store: "Store") -> _Loaded:
        from workbench.view.fresh import refresh

        layout, last = self.dashboard.layout, self._loaded
        refresh(layout, store, budget_seconds=0.5)
        check_run(layout, self.run_name)
        if last is not None and store.revision == last.revision:
            return last
        revision = store.revision
        page = run_page(layout, store, self.run_name)
        charts = metric_charts(store, self.run_name, max_points=_CHART_POINTS)
        system = metric_charts(store, self.run_name, max_points=_CHART_POINTS, system=True)
        return _Loaded(page, charts, system, revision)

    async def _show(self, loaded: _Loaded) -> None:
        before, self._loaded = self._loaded, loaded
        page, now = loaded.page, self.dashboard.now()
        if before is loaded and page.record.state.final:
            return  # nothing on it moves any more
        self.query_one("#title", Static).update(title_text(page, now))
        self.query_one("#overview-text", Static).update(overview_text(page, loaded.charts, now))
        if before is loaded:
            return
        await self._show_charts("#charts", loaded.charts)
        await self._show_charts("#system-charts", loaded.system)
        self.query_one(MediaView).offer(page.media)
        self.query_one("#no-metrics").display = not loaded.charts
        self.query_one("#machine").display = bool(loaded.system)
        self.query_one("#environment-text", Static).update(environment_text(page, self._environment_log()))
        if before is None:
            self.query_one("#spec-text", Static).update(spec_text(page))
        if before is None or before.page.artifacts != page.artifacts:
            self._show_files(page)

    def _environment_log(self) -> str:
        path = self.dashboard.layout.run(self.run_name).environment_log
        try:
            return path.read_text(errors="replace")[-20_000:]
        except OSError:
            return ""

    async def _show_charts(self, place: str, charts: tuple[Chart, ...]) -> None:
        grid = self.query_one(place, ItemGrid)
        if not same_charts(grid, charts):
            await grid.remove_children()
            await grid.mount(*(MetricChart(chart) for chart in charts))
            return
        for widget, chart in zip(grid.query(MetricChart), charts, strict=True):
            widget.show(chart)

    def _show_files(self, page: RunPage) -> None:
        rows = [(one.size, one.kind, one.path) for one in page.artifacts]
        rows += [(one.size, "code", one.path) for one in page.files]
        shown = [
            (Text(format_bytes(size), justify="right"), Text(kind), Text(safe_text(path)))
            for size, kind, path in rows[:_MOST_FILES]
        ]
        if len(rows) > _MOST_FILES:
            shown.append((Text(), Text(), Text(f"... and {len(rows) - _MOST_FILES:,} more: workbench outputs")))
        self.query_one("#no-files").display = not shown
        self.query_one("#file-table").display = bool(shown)
        self.query_one("#file-table", Rows).fill([Text("Size"), Text("Kind"), Text("Path")], shown)

    @work(exclusive=True, group="log")
    async def watch_log(self) -> None:
        """Show the log of one rank as it grows, for as long as this page is there."""
        from workbench.client.log_cap import logged_ranks
        from workbench.lifecycle.logs import LogReader, plain_text

        files = self.dashboard.layout.run(self.run_name)
        self._reader = reader = LogReader(files, self._rank)
        log = self.query_one("#log-text", Log)

        def read() -> tuple[list[str], list[int]]:
            lines = [plain_text(line) for line in itertools.islice(reader.lines(), _LINES_AT_ONCE)]
            return lines, logged_ranks(files)

        while True:
            lines, ranks = await asyncio.to_thread(read)
            if not is_shown(self):
                return
            with while_shown(self):
                self._tell_rank(ranks)
                if lines:
                    log.write_lines(line or " " for line in lines)  # it leaves out empty ones
                pending = plain_text(reader.pending)[:300]
                say(self.query_one("#log-pending", Static), Text(pending, no_wrap=True))
                self.query_one("#log-pending").display = bool(pending)
                self.query_one("#no-log").display = not (log.line_count or pending)
            await asyncio.sleep(0 if len(lines) == _LINES_AT_ONCE else LOG_SECONDS)

    def _tell_rank(self, ranks: list[int]) -> None:
        """Which rank's log this is, where there are several."""
        head = self.query_one("#log-rank", Static)
        head.display = len(ranks) > 1
        if head.display:
            say(head, Text(f"rank {self._rank} of {len(ranks)}   r: the next", GREY))

    # -- what the user asks for

    @on(TabbedContent.TabActivated)
    def _focus_content(self, event: TabbedContent.TabActivated) -> None:
        if event.tabbed_content.active != event.pane.id:
            return  # another has been asked for since: the focus would bring this one back
        if event.pane.id == "media":
            self.query_one(MediaView).open()
        for widget in event.pane.query("OptionList, VerticalScroll, Log, DataTable"):
            widget.focus()
            return

    def action_tab(self, name: str) -> None:
        """Show a tab."""
        self.query_one(TabbedContent).active = name

    def action_back(self) -> None:
        """Back to the table."""
        self.dismiss()

    def action_cancel_run(self) -> None:
        """Cancel this run."""
        # Before the page is loaded its state is not known; whether it can be cancelled shows when it is tried.
        state = RunState.UNKNOWN if self._loaded is None else self._loaded.page.record.state
        self.dashboard.cancel_run(self.run_name, state)

    def action_next_rank(self) -> None:
        """The log of the next rank."""
        from workbench.client.log_cap import logged_ranks

        ranks = logged_ranks(self.dashboard.layout.run(self.run_name))
        if len(ranks) > 1:
            self._rank = ranks[(ranks.index(self._rank) + 1) % len(ranks)] if self._rank in ranks else 0
            self.query_one("#log-text", Log).clear()
            self.watch_log()

    @asks
    async def action_adopt(self) -> None:
        """Take it over."""
        await doing.adopt(self.dashboard, self.run_name)

    @asks
    async def action_close_run(self) -> None:
        """End it, whatever its job does."""
        await doing.close(self.dashboard, self.run_name)

    @asks
    async def action_rerun(self) -> None:
        """Run it again."""
        await doing.rerun(self.dashboard, self.run_name)

    def action_reproduce(self) -> None:
        """Run it again as it was, and report what came out the same."""
        self.dashboard.reproduce_run(self.run_name)

    @asks
    async def action_tag(self) -> None:
        """Tag it."""
        await doing.tag(self.dashboard, (self.run_name,))

    @asks
    async def action_note(self) -> None:
        """Write a note."""
        before = "" if self._loaded is None else self._loaded.page.record.note or ""
        await doing.note(self.dashboard, self.run_name, before)

    @asks
    async def action_archive(self) -> None:
        """Archive it."""
        await doing.archive(self.dashboard, (self.run_name,))

    @asks
    async def action_open_folder(self) -> None:
        """Open its folder."""
        await doing.open_folder(self.dashboard, self.run_name)
