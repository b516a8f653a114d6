"""Pictures of the dashboard, compared with those that were looked at and found good.

They hold for one version of Textual: with another the test says so instead of comparing. Make new ones with
`pytest tests/tui/test_pictures.py --snapshot-update` and look at them.
"""

from collections.abc import Callable
from importlib.metadata import version

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, DataTable, Static
from workbench.tui.app import Dashboard
from workbench.tui.widgets.bars import Bars
from workbench.tui.widgets.chart import MetricChart
from workbench.tui.widgets.picture import Picture

from tests.tui.pilot import loaded, opened, until

PICTURED_WITH = "8.2.8"
pytestmark = pytest.mark.skipif(
    version("textual") != PICTURED_WITH,
    reason=f"the pictures are of Textual {PICTURED_WITH}, here is {version('textual')}",
)
Compare = Callable[..., bool]


async def show_table(pilot: Pilot[None]) -> None:
    await loaded(pilot)


def test_the_table(dashboard: Dashboard, snap_compare: Compare) -> None:
    assert snap_compare(dashboard, terminal_size=(100, 24), run_before=show_table)


def test_the_table_on_a_small_terminal(dashboard: Dashboard, snap_compare: Compare) -> None:
    assert snap_compare(dashboard, terminal_size=(80, 24), run_before=show_table)


@pytest.mark.parametrize(("name", "key"), [("overview", "1"), ("metrics", "2"), ("log", "3"), ("files", "4")])
def test_the_page(dashboard: Dashboard, snap_compare: Compare, name: str, key: str) -> None:
    async def show(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, "brave-heron")
        await pilot.press(key)
        await pilot.pause(0.5)
        if name == "metrics":
            await until(pilot, lambda: all(chart.size.height > 2 for chart in screen.query(MetricChart)), "charts")
            await pilot.pause(0.5)

    assert snap_compare(dashboard, terminal_size=(80, 24), run_before=show)


@pytest.mark.parametrize("place", range(4), ids=["image", "histogram", "text", "table"])
def test_the_media(dashboard: Dashboard, snap_compare: Compare, place: int) -> None:
    async def show(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, "brave-heron")
        await pilot.press("7", *["down"] * place)
        kinds = (Picture, Bars, VerticalScroll, DataTable)
        await until(
            pilot,
            lambda: isinstance(
                screen.query_one("MediaView ContentSwitcher", ContentSwitcher).visible_content, kinds[place]
            ),
            "it",
        )
        await until(pilot, lambda: "step" in str(screen.query_one("#media-head", Static).render()), "its head")
        await pilot.pause(0.5)

    assert snap_compare(dashboard, terminal_size=(80, 24), run_before=show)


def test_the_keys(dashboard: Dashboard, snap_compare: Compare) -> None:
    async def show(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("question_mark")
        await pilot.pause(0.3)

    assert snap_compare(dashboard, terminal_size=(80, 24), run_before=show)


def test_the_comparison(dashboard: Dashboard, snap_compare: Compare) -> None:
    async def show(pilot: Pilot[None]) -> None:
        app = await loaded(pilot)
        app.compare_runs(("brave-heron", "calm-otter"))
        await until(pilot, lambda: app.screen.query("#comparison"), "the screen")
        await until(pilot, lambda: app.screen.query_one("#comparison", DataTable).row_count, "rows")
        await pilot.pause(0.3)

    assert snap_compare(dashboard, terminal_size=(80, 24), run_before=show)
