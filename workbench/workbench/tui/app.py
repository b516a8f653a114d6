"""The dashboard: a table of runs, a page for each, and the commands that both share."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen
from workbench_store.errors import WorkbenchError
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState

from workbench.tui import doing
from workbench.tui.asking import AskingApp, asks
from workbench.tui.continued import draw_again_when_continued
from workbench.tui.desk import Desk
from workbench.tui.screens.dialogs import Confirm, Keys, defined_here
from workbench.tui.screens.runs import RunsScreen


class Dashboard(AskingApp):
    """`now` tells the time, in UTC epoch seconds."""

    TITLE = "Workbench"
    CSS_PATH = Path(__file__).with_name("dashboard.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "keys", "Keys"),
        Binding("ctrl+p", "command_palette", "Palette"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+z", "suspend_process", show=False),
    ]

    def __init__(self, layout: WorkspaceLayout, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.layout = layout
        self.now = now
        self.desk = Desk(layout)

    def on_mount(self) -> None:
        """Open the table."""
        draw_again_when_continued(self)
        self.push_screen(RunsScreen())

    def on_unmount(self) -> None:
        """Let the store's thread end."""
        self.desk.close()

    def open_run(self, name: str) -> None:
        """Open the page of a run; a second key press while it opens finds it open."""
        # Charts are loaded with the first page, not with the table.
        from workbench.tui.screens.run import RunScreen

        if not (isinstance(self.screen, RunScreen) and self.screen.run_name == name):
            self.push_screen(RunScreen(name))

    def compare_runs(self, names: tuple[str, ...]) -> None:
        """Open a comparison; the first run is the baseline."""
        from workbench.tui.screens.compare import CompareScreen

        self.push_screen(CompareScreen(names))

    @asks
    async def reproduce_run(self, name: str) -> None:
        """Run a run again and report what came out the same, whatever screen is looked at meanwhile."""
        from workbench.tui.reproducing import reproduce

        await reproduce(self, name)

    @asks
    async def cancel_run(self, name: str, state: RunState) -> None:
        """Ask, then cancel the run."""
        if not doing.are_there(self, [name]):
            return
        if state.final:
            self.notify(f"{name} is {state} already", severity="warning")
            return
        asked = Confirm(
            f"Cancel {name}? Its processes are ended; what it recorded stays.", "Cancel it", f"workbench cancel {name}"
        )
        if not await self.push_screen_wait(asked):
            return
        from workbench.lifecycle import cancel

        try:
            await self.desk.do(lambda: cancel(self.layout, name))
        except WorkbenchError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.notify(f"{name}: cancel requested")

    def action_help_quit(self) -> None:
        """Ctrl-C: who wants to leave is told how."""
        above = "Escape closes this window, then " if isinstance(self.screen, ModalScreen) else ""
        self.notify(f"{above}q quits")

    def action_keys(self) -> None:
        """Show the keys of the part that has the focus."""
        self.push_screen(Keys(self.screen))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Everything that keys do but move the cursor, by name, in the command palette."""
        offered: set[str] = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            moves = not binding.show and active.node not in (screen, self)
            own = defined_here(active) and binding.action not in (*offered, "command_palette")
            if binding.description and active.enabled and own and not moves:
                action, node = binding.action, active.node
                offered.add(action)

                async def run(action: str = action, node: object = node) -> None:
                    await self.run_action(action, node)  # type: ignore[arg-type]

                yield SystemCommand(_title(binding), f"key: {self.get_key_display(binding)}", run)
        yield SystemCommand("Theme", "change the colours", self.action_change_theme)
        yield SystemCommand(
            "Screenshot", "save a picture of this screen", lambda: self.set_timer(0.1, self.deliver_screenshot)
        )


def _title(binding: Binding) -> str:
    """What it does, found by the name that the key and the command have as well."""
    name, does = binding.description, binding.tooltip
    return f"{name}: {does[0].lower()}{does[1:]}" if does and name.lower() not in does.lower() else does or name


def run_dashboard(layout: WorkspaceLayout) -> bool:
    """Open the dashboard until the user leaves it; whether that was how it ended."""
    app = Dashboard(layout)
    app.run()
    return not app.return_code
