"""Waiting for what a dashboard loads on its other thread."""

import time
from collections.abc import Callable

from textual.pilot import Pilot
from workbench.tui.app import Dashboard
from workbench.tui.screens.run import RunScreen
from workbench.tui.widgets.run_table import RunTable

Hands = Pilot[None]


async def until(pilot: Hands, condition: Callable[[], object], what: str) -> None:
    """Let the app work until the condition holds; fail after a generous time."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await pilot.pause(0.02)
    await pilot.pause()


def table(app: Dashboard) -> RunTable:
    return app.screen_stack[1].query_one(RunTable)


def names(app: Dashboard) -> list[str]:
    """The runs that the table shows, from the top."""
    listed = app.screen_stack[1].query_one(RunTable)._list
    return [row.name for row in listed.rows] if listed else []


async def loaded(pilot: Hands) -> Dashboard:
    app = pilot.app
    assert isinstance(app, Dashboard)
    await until(pilot, lambda: names(app), "the table")
    return app


async def opened(pilot: Hands, name: str) -> RunScreen:
    """Open a run's page and wait for it."""
    app = await loaded(pilot)
    app.open_run(name)
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen._loaded is not None, "the page")
    screen = app.screen
    assert isinstance(screen, RunScreen)
    return screen


def screen_text(app: Dashboard) -> str:
    """What is on the screen, line by line."""
    width, height = app.size
    return (
        "\n".join("".join(segment.text for segment in line) for line in app.screen._compositor.render_strips())
        or f"{width}x{height}"
    )
