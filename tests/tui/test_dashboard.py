"""What a user does in the dashboard, key by key."""

import itertools
import json
import math
import re
import time
from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Log, OptionList, TabbedContent
from workbench.lifecycle.removal import remove_runs
from workbench.tui.app import Dashboard
from workbench.tui.screens.dialogs import Ask, Choose, ChooseColumns, Confirm, Keys
from workbench.tui.screens.run import RunScreen
from workbench.tui.widgets.chart import MetricChart
from workbench.tui.widgets.lists import Lines
from workbench.tui.widgets.run_table import RunTable
from workbench_store.journal.encoding import encode_event
from workbench_store.workspace import open_workspace

from tests.tui.pilot import loaded, names, opened, screen_text, table, until
from tests.tui.workspace import NOW, Run, fixed_workspace


async def test_runs_are_listed_newest_first(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(120, 24)) as pilot:
        app = await loaded(pilot)
        assert names(app) == ["fair-hawk", "calm-otter", "dim-lynx", "brave-heron", "eager-wolf"]
        text = screen_text(app)
        assert "5 runs" in text and "Running" in text and "NotResponding" in text
        # Markup that a user wrote is text.
        assert "[bold]markup[/bold]" in text


async def test_typing_filters_and_escape_shows_all_again(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("slash", *"state", "colon", *"failed", "enter")
        await until(pilot, lambda: names(app) == ["dim-lynx"], "the filtered list")
        assert isinstance(app.focused, RunTable)
        await pilot.press("escape")
        await until(pilot, lambda: len(names(app)) == 5, "the whole list")


async def test_a_filter_that_means_nothing_is_explained(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        app.screen.query_one("#filter", Input).value = "state:sleeping"
        await until(pilot, lambda: "sleeping" in screen_text(app) and "none" in screen_text(app), "the message")
        assert len(names(app)) == 5


async def test_a_filter_by_what_no_run_has_says_so(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(80, 24)) as pilot:
        app = await loaded(pilot)
        app.screen.query_one("#filter", Input).value = "hiden>4"
        await until(pilot, lambda: "did you mean hidden?" in screen_text(app), "the name that is meant")
        assert names(app) == []
        app.screen.query_one("#filter", Input).value = '"hidden">40'
        await until(pilot, lambda: names(app) == ["brave-heron"], "the run that fits")
        assert "did you mean" not in screen_text(app)


async def test_a_filter_that_means_nothing_is_mended_where_it_is(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("slash", *"lr", "less_than_sign", "enter")
        await until(pilot, lambda: "compares with nothing" in screen_text(app), "the message")
        assert isinstance(app.focused, Input)
        await pilot.press(*"0.0", "backspace", "1", "enter")
        assert isinstance(app.focused, RunTable) and app.screen.query_one("#filter", Input).value == "lr<0.1"


async def test_sorting_by_a_metric_and_back(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Choose), "the choice")
        await pilot.press(*"loss", "enter")
        await until(pilot, lambda: names(app)[:2] == ["calm-otter", "brave-heron"], "the order by loss")
        await pilot.press("r")
        await until(pilot, lambda: names(app)[:2] == ["brave-heron", "calm-otter"], "the reverse order")


async def test_the_list_of_a_choice_follows_its_keys_while_text_has_the_focus(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Choose), "the choice")
        options = app.screen.query_one(OptionList)
        assert isinstance(app.focused, Input) and options.highlighted == 0
        await pilot.press("down", "down", "down", "up")
        assert options.highlighted == 2
        await pilot.press("pagedown")
        assert options.highlighted == options.option_count - 1
        await pilot.press("pageup")
        assert options.highlighted == 0
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: names(app)[0] == "brave-heron", "the order by name")


async def test_the_head_is_one_line_while_the_filter_is_open(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(80, 24)) as pilot:
        app = await loaded(pilot)
        assert "q Quit" in screen_text(app)
        await pilot.press("slash", *"digits")
        await until(pilot, lambda: "eager-wolf" not in screen_text(app), "the filtered list")
        head, box, titles = screen_text(app).splitlines()[:3]
        assert head.rstrip() == " Workbench  5 runs  ◌ 1  ● 1  ✓ 1  ✗ 1  ! 1" and "digits" not in head
        assert box.strip() == "digits" and titles.split()[0] == "Run"


async def test_one_run_is_one_run(tmp_path: Path) -> None:
    layout = open_workspace(explicit=str(tmp_path / "one"))
    Run(layout, "only-one", NOW - 10)
    app = Dashboard(layout, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        await until(pilot, lambda: "1 run " in screen_text(app), "the count")


async def test_a_click_on_a_title_sorts(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.click(RunTable, offset=(2, 0))
        await until(pilot, lambda: names(app)[0] == "brave-heron", "the order by name")


async def test_columns_are_chosen(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(120, 24)) as pilot:
        app = await loaded(pilot)
        assert "accuracy" in screen_text(app)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ChooseColumns), "the choice")
        await pilot.press("space", "enter")
        await until(pilot, lambda: "accuracy" not in screen_text(app), "the column to go")


async def test_the_cursor_stays_on_its_run(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("down", "down")
        selected = table(app).selected
        assert selected is not None and selected.name == "dim-lynx"
        newer = Run(app.layout, "a-newer-run", NOW - 1)
        newer.state(0, "Queued")
        await until(pilot, lambda: "a-newer-run" in names(app), "the new run")
        selected = table(app).selected
        assert selected is not None and selected.name == "dim-lynx"


async def test_new_runs_are_in_sight_until_the_cursor_is_moved(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        for number in range(40):
            Run(app.layout, f"new-{number}", NOW - 50 + number).state(0, "Completed")
        await until(pilot, lambda: names(app)[0] == "new-39", "the new runs")
        assert table(app).cursor == 0 and table(app).scroll_offset.y == 0 and "new-39" in screen_text(app)
        await pilot.press("down", "up")
        Run(app.layout, "a-newer-run", NOW - 5).state(0, "Completed")
        await until(pilot, lambda: "a-newer-run" in names(app), "the newer run")
        selected = table(app).selected
        assert selected is not None and selected.name == "new-39"
        await pilot.press("g")
        Run(app.layout, "the-newest", NOW - 1).state(0, "Completed")
        await until(pilot, lambda: "the-newest" in names(app), "the newest run")
        selected = table(app).selected
        assert selected is not None and selected.name == "the-newest"


async def test_a_cursor_in_the_first_row_stays_there_when_the_order_changes(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("r")
        await until(pilot, lambda: names(app)[0] == "eager-wolf", "the reverse order")
        selected = table(app).selected
        assert table(app).cursor == 0 and selected is not None and selected.name == "eager-wolf"
        await pilot.press("down", "r")
        await until(pilot, lambda: names(app)[-1] == "eager-wolf", "the order as before")
        selected = table(app).selected
        assert selected is not None and selected.name == "brave-heron"


async def test_a_page_opens_once_however_often_enter_is_pressed(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(80, 24)) as pilot:
        app = await loaded(pilot)
        for _ in range(3):
            app.post_message(Key("enter", None))
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the page")
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the table")


async def test_enter_opens_the_page_and_escape_goes_back(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(80, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("end", "up", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the page")
        await until(pilot, lambda: "brave-heron" in screen_text(app) and "loss" in screen_text(app), "its metrics")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, RunScreen), "the table")


@pytest.mark.parametrize("keys", ["24", "234", "52341"])
async def test_tabs_asked_for_at_once_end_at_the_last(dashboard: Dashboard, keys: str) -> None:
    async with dashboard.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "brave-heron")
        tabs = screen.query_one(TabbedContent)
        shown: list[str] = []
        screen.watch(tabs, "active", lambda tab: shown.append(tab), init=False)
        for key in keys:
            dashboard.post_message(Key(key, key))
        await until(pilot, lambda: len(shown) >= len(keys), "the tabs")
        await pilot.pause(0.3)
        assert len(shown) == len(keys) and tabs.active_pane is not None
        assert dashboard.focused is not None and tabs.active_pane in dashboard.focused.ancestors_with_self


async def test_a_run_that_is_removed_elsewhere_leaves_the_table(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        remove_runs(app.layout, ["dim-lynx"])
        await until(pilot, lambda: len(names(app)) == 4, "the list without it")
        assert "dim-lynx" not in names(app)


async def test_the_page_shows_everything(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(120, 50)) as pilot:
        screen = await opened(pilot, "brave-heron")
        text = screen_text(dashboard)
        for expected in ("hidden", "64", "environment", "The baseline.", "team=vision", "Completed"):
            assert expected in text
        await pilot.press("2")
        assert [chart.chart.key for chart in screen.query(MetricChart)] == ["accuracy", "loss"]
        await pilot.press("4")
        await until(pilot, lambda: "outputs/model.pkl" in screen_text(dashboard), "the files")
        await pilot.press("5")
        await until(pilot, lambda: "is not used by local compute" in screen_text(dashboard), "the environment")
        await pilot.press("6")
        await until(pilot, lambda: "commandJob.schema.json" in screen_text(dashboard), "the spec")
        assert screen.query_one(TabbedContent).active == "spec"


async def test_long_names_hide_neither_state_nor_numbers(tmp_path: Path) -> None:
    layout = open_workspace(explicit=str(tmp_path / "long"))
    run = Run(layout, "n" * 255, NOW - 100, notes=[f"a note of the spec {number}" for number in range(7)])
    run.event(1, "warning", text="outputs could not be saved")
    run.event(1, "params", params={"parameter_" * 20: "its value"})
    run.series("metric/" * 30 + "end", [0.12345, 123456.0])
    run.state(2, "Completed", exit_code=0)
    app = Dashboard(layout, now=lambda: NOW)
    async with app.run_test(size=(80, 40)) as pilot:
        await opened(pilot, "n" * 255)
        lines = screen_text(app).splitlines()
        assert "✓ Completed" in lines[0]
        (metric,) = [line for line in lines if "metric/" in line]
        assert metric.split()[1:4] == ["123,456", "0.1235", "123,456"] and "…" in metric and "end  " in metric
        assert any("parameter_" in line and "its value" in line for line in lines)
        starts = ("warning:", "Metrics", "note:")
        first = [min(n for n, line in enumerate(lines) if line.startswith(f" {start}")) for start in starts]
        assert first == sorted(first)


async def test_metrics_that_draw_no_line_are_charts_that_say_something(tmp_path: Path) -> None:
    layout = open_workspace(explicit=str(tmp_path / "odd"))
    run = Run(layout, "odd", NOW - 100)
    run.series("nothing", [math.nan, math.inf])
    run.series("single", [0.5])
    run.series("steady", [42.0] * 5)
    app = Dashboard(layout, now=lambda: NOW)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, "odd")
        await pilot.press("2")
        await until(pilot, lambda: "no finite value" in screen_text(app), "the words")
        text = screen_text(app)
        assert text.count("no finite value") == 1 and "●" in text and "0.5┤" in text and "42┤" in text


async def test_every_finite_number_is_drawn_beside_short_labels(tmp_path: Path) -> None:
    layout = open_workspace(explicit=str(tmp_path / "far"))
    run = Run(layout, "far", NOW - 100)
    run.series("a-tiny", [(step - 5) * 1e-298 for step in range(9)])
    run.series("b-large", [step * 1e25 for step in range(9)])
    run.series("c-huge", [step * 1e300 for step in range(9)])
    run.series("d-all", [-1.7e308, 1.7e308, 0.0])
    app = Dashboard(layout, now=lambda: NOW)
    async with app.run_test(size=(80, 40)) as pilot:
        screen = await opened(pilot, "far")
        assert "▁█▅" in screen_text(app), "the shape of all there is"
        await pilot.press("2")
        await until(pilot, lambda: "1.7e308┤" in screen_text(app), "the charts")
        lines = screen_text(app).splitlines()
        for chart, (low, high) in zip(
            screen.query(MetricChart),
            (("-4e-298", "2e-298"), ("0", "8e25"), ("0", "8e300"), ("-1.7e308", "1.7e308")),
            strict=True,
        ):
            place = chart.content_region
            rows = [line[place.x : place.right] for line in lines[place.y : place.bottom]]
            labels = [row.partition("┤")[0].strip() for row in rows if "┤" in row]
            assert (labels[-1], labels[0]) == (low, high) and max(map(len, labels)) <= 9
            assert any("⠀" < sign <= "⣿" for row in rows for sign in row), "a line is drawn"


async def test_media_of_every_kind_are_shown(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "brave-heron")
        await pilot.press("7")
        said = ("epoch[/b] 2", "2 not finite", "All is well[/red]", "a.png", "not there", "cannot be read", "no file")
        for expected in said:
            await until(pilot, lambda it=expected: it in screen_text(dashboard), expected)  # type: ignore[misc]
            assert "\x1b" not in screen_text(dashboard)
            await pilot.press("down")


async def test_steps_are_gone_through_and_new_ones_come(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "brave-heron")
        await pilot.press("7")

        async def sees(said: str) -> None:
            await until(pilot, lambda: said in screen_text(dashboard), said)

        await sees("step 2  3 of 3")
        await pilot.press("left_square_bracket")
        await sees("step 1  2 of 3")
        await pilot.press("left_curly_bracket", "left_square_bracket")
        await sees("step 0  1 of 3")
        await pilot.press("right_curly_bracket", "right_square_bracket")
        await sees("step 2  3 of 3")
        # Whoever looks at the last step goes on to the next one as it is logged.
        journal = dashboard.layout.run("brave-heron").journals / "client-r0-9-00000000.wbj"
        fields = {"kind": "image", "key": "val/sample", "step": 9, "rank": 0, "path": "nowhere.png"}
        journal.write_bytes(encode_event("media", NOW, fields))
        await sees("step 9  4 of 4")


async def test_every_list_takes_the_keys_of_the_table_of_runs(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(60, 12)) as pilot:
        screen = await opened(pilot, "brave-heron")
        await pilot.press("7")
        keys = screen.query_one("#media-keys", OptionList)
        await until(pilot, lambda: keys.option_count, "the keys")
        await pilot.press("j", "j", "k")
        assert keys.highlighted == 1
        await pilot.press("G")
        assert keys.highlighted == keys.option_count - 1
        await pilot.press("g")
        assert keys.highlighted == 0
        await pilot.press("4", "G", "g", "j", "k")
        assert screen.query_one("#file-table", DataTable).cursor_row == 0
        for key, name in (("1", "#overview"), ("6", "#spec"), ("3", "#log")):
            await pilot.press(key)
            await pilot.pause()
            page = screen.query_one(name).query("VerticalScroll, Log").first()
            assert page is dashboard.focused
            page.scroll_home(animate=False)
            await pilot.press("G")
            await until(pilot, lambda it=page: it.scroll_offset.y == it.max_scroll_y, "the end")  # type: ignore[misc]
            await pilot.press("g")
            await until(pilot, lambda it=page: it.scroll_offset.y == 0, "the beginning")  # type: ignore[misc]
        await pilot.press("escape")
        dashboard.compare_runs(("brave-heron", "calm-otter"))
        await until(pilot, lambda: dashboard.screen.query("#comparison"), "the comparison")
        rows = dashboard.screen.query_one("#comparison", DataTable)
        await until(pilot, lambda: rows.row_count, "rows")
        await pilot.press("G")
        assert rows.cursor_row == rows.row_count - 1
        await pilot.press("k", "k", "j")
        assert rows.cursor_row == rows.row_count - 2
        await pilot.press("g")
        assert rows.cursor_row == 0
        await pilot.press("escape", "c")
        await until(pilot, lambda: isinstance(dashboard.screen, ChooseColumns), "the choice")
        await pilot.press("G")
        ticks = dashboard.screen.query_one(OptionList)
        assert ticks.highlighted == ticks.option_count - 1


async def test_the_log_is_live_and_harmless(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "brave-heron")
        await pilot.press("3")
        log = screen.query_one("#log-text", Log)
        await until(pilot, lambda: len(log.lines) >= 21, "the log")
        assert any("[red]" in line for line in log.lines) and not any("\x1b" in line for line in log.lines)
        with dashboard.layout.run("brave-heron").user_log.open("a") as file:
            file.write("above\n\n\none more line\n")
        await until(pilot, lambda: any("one more line" in line for line in log.lines), "the new line")
        shown = [line.strip() for line in log.lines]
        assert shown[shown.index("above") :][:4] == ["above", "", "", "one more line"]


async def test_a_long_log_is_shown_whole(dashboard: Dashboard) -> None:
    files = dashboard.layout.run("brave-heron")
    before = files.user_log.read_text().count("\n")
    with files.user_log.open("a") as file:
        file.writelines(f"{number}\n" for number in range(30_000))
    async with dashboard.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "brave-heron")
        await pilot.press("3")
        log = screen.query_one("#log-text", Log)
        await until(pilot, lambda: bool(log.lines) and "29999" in [line.strip() for line in log.lines[-3:]], "the end")
        assert log.line_count >= before + 30_000


async def test_a_log_of_more_lines_than_are_kept_is_followed(
    dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.tui.screens.run._MOST_LINES", 100)
    files = dashboard.layout.run("calm-otter")

    def print_lines(first: int, last: int) -> None:
        with files.user_log.open("a") as file:
            file.writelines(f"line {number}\n" for number in range(first, last))

    print_lines(0, 150)
    async with dashboard.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "calm-otter")
        await pilot.press("3")
        await until(pilot, lambda: "line 149" in screen_text(dashboard), "the end")
        print_lines(150, 160)
        await until(pilot, lambda: "line 159" in screen_text(dashboard), "the new lines")
        screen.query_one("#log-text", Log).focus()
        await pilot.press("pageup")
        await until(pilot, lambda: "line 159" not in screen_text(dashboard), "the page above")
        read = re.findall(r"line \d+", screen_text(dashboard))
        print_lines(160, 170)
        await until(pilot, lambda: "line 169" in [line.strip() for line in screen.query_one(Log).lines], "more")
        await pilot.pause()
        assert re.findall(r"line \d+", screen_text(dashboard)) == read
        await pilot.press("end")
        await until(pilot, lambda: "line 169" in screen_text(dashboard), "the end again")


async def shown(dashboard: Dashboard, pilot: Pilot[None], text: str, what: str) -> None:
    await until(pilot, lambda: text in screen_text(dashboard), what)


async def test_a_log_is_followed_though_its_last_line_comes_in_parts(dashboard: Dashboard) -> None:
    files = dashboard.layout.run("calm-otter")
    async with dashboard.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, "calm-otter")
        await pilot.press("3")
        log, pending = screen.query_one(Lines), screen.query_one("#log-pending")
        for epoch in range(3):
            with files.user_log.open("a") as file:
                file.writelines(f"epoch {epoch} batch {batch}\n" for batch in range(30))
                file.write(f"evaluating {epoch} ...")
            await shown(dashboard, pilot, f"epoch {epoch} batch 29", "the last whole line")
            await shown(dashboard, pilot, f"evaluating {epoch} ...", "the line that begins")
            assert pending.display and log.following
            with files.user_log.open("a") as file:
                file.write(" done\n")
            await shown(dashboard, pilot, f"evaluating {epoch} ... done", "the whole line")


@pytest.mark.parametrize("most", [100, 100_000])
async def test_the_end_of_a_log_that_goes_on_is_kept_to(
    most: int, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.tui.screens.run._MOST_LINES", most)
    async with dashboard.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "brave-heron")
        await pilot.press("3")
        log = screen.query_one(Lines)
        await until(pilot, lambda: log.line_count > 0, "the log")
        numbers = itertools.count()

        def arrive(count: int = 40) -> str:
            log.write_lines(last := [f"line {next(numbers)}" for _ in range(count)])
            return last[-1]

        arrive(200)
        log.focus()
        for up, down in (("g", "G"), ("home", "end"), ("pageup", "pagedown")):
            await pilot.press(up)
            arrive()
            await pilot.pause()
            assert not log.following and (log.scroll_y == 0 or up == "pageup")
            await pilot.press(down)
            for _ in range(3 if down == "pagedown" else 0):
                await pilot.press(down)
            last = arrive()
            await shown(dashboard, pilot, last, f"the end after {down}")
            assert log.following


async def test_tabs_that_hold_nothing_say_so(tmp_path: Path) -> None:
    layout = open_workspace(explicit=str(tmp_path / "ws"))
    run = Run(layout, "bare", NOW - 60)
    run.state(0, "Running")
    app = Dashboard(layout, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "bare")
        await pilot.press("3")
        await until(pilot, lambda: "No output." in screen_text(app), "the empty log")
        await pilot.press("4")
        await until(pilot, lambda: "No files." in screen_text(app), "no files")
        layout.run("bare").user_log.parent.mkdir(parents=True, exist_ok=True)
        layout.run("bare").user_log.write_text("hello\n")
        await pilot.press("3")
        await until(pilot, lambda: "hello" in screen_text(app) and "No output." not in screen_text(app), "the log")


async def test_charts_grow_with_the_run(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "calm-otter")
        journal = dashboard.layout.run("calm-otter").journals / "client-r1-2-00000000.wbj"
        await pilot.press("2")
        before = [len(chart.chart.series[0]) for chart in screen.query(MetricChart)]
        source = next(dashboard.layout.run("brave-heron").journals.glob("*.wbj"))
        journal.write_bytes(source.read_bytes())
        await until(
            pilot,
            lambda: [len(chart.chart.series[0]) for chart in screen.query(MetricChart)] == [n + 50 for n in before],
            "points",
        )


async def test_a_final_run_is_not_cancelled(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24), notifications=True) as pilot:
        app = await loaded(pilot)
        await pilot.press("end", "up", "x")
        await until(pilot, lambda: "Completed already" in screen_text(app), "the word about it")


async def test_cancelling_asks_first(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("down", "x")
        await until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
        assert "workbench cancel calm-otter" in screen_text(app)
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(app.screen, Confirm), "the table")
        assert not app.layout.run("calm-otter").cancel_request.exists()


async def test_who_presses_ctrl_c_is_told_how_to_leave(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(80, 24), notifications=True) as pilot:
        app = await loaded(pilot)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "q quits" in screen_text(app), "the hint")


@pytest.mark.parametrize("page", [False, True])
async def test_what_is_typed_at_once_is_for_the_dialog(dashboard: Dashboard, page: bool) -> None:
    async with dashboard.run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        if page:
            await opened(pilot, names(app)[0])
        depth = len(app.screen_stack)
        for key in "nxq quick":
            app.post_message(Key("space" if key == " " else key, key))
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        await until(pilot, lambda: app.screen.query_one(Input).value == "xq quick", "what was typed")
        assert len(app.screen_stack) == depth + 1
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == depth, "the dialog to be closed")
        await pilot.press("question_mark")  # keys are the page's again
        await until(pilot, lambda: isinstance(app.screen, Keys), "the keys")


async def test_keys_of_the_focused_part(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(80, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Keys), "the keys")
        text = screen_text(app)
        assert "Run table" in text and "First run" in text
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Keys), "the table")


async def test_the_palette_has_what_keys_do(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert {
            "Filter the runs",
            "Sort by a column",
            "Choose the columns",
            "Cancel the run under the cursor",
            "Open",
            "Keys",
            "Quit",
            "Theme",
        } <= set(titles)
        assert len(titles) == len(set(titles)), "each is offered once"
        assert not {"Up", "Down", "Focus Next"} & set(titles), "moving is for keys"


async def test_ten_thousand_runs_scroll(tmp_path: Path) -> None:
    layout = open_workspace(explicit=str(tmp_path / "many"))
    for number in range(1000):
        run = Run(layout, f"run-{number:05}", NOW - 100_000 + number)
        run.state(1, "Completed")
    app = Dashboard(layout, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: names(app), "the table")
        await pilot.press("end")
        await until(pilot, lambda: "run-00000" in names(app), "the last window")
        await until(pilot, lambda: "run-00000" in screen_text(app), "the last run on the screen")
        selected = table(app).selected
        assert selected is not None and selected.name == "run-00000"


@pytest.mark.parametrize("another", [("r",), ("slash", *"run-0", "enter")], ids=["order", "filter"])
async def test_far_down_another_list_has_rows_too(tmp_path: Path, another: tuple[str, ...]) -> None:
    layout = open_workspace(explicit=str(tmp_path / "many"))
    for number in range(1500):
        Run(layout, f"run-{number:05}", NOW - number)
    app = Dashboard(layout, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        await pilot.press(*["pagedown"] * 30)
        await until(pilot, lambda: table(app).selected is not None and "…" not in screen_text(app), "the rows")
        assert table(app).cursor > 400
        before = names(app)
        await pilot.press(*another)
        await until(pilot, lambda: names(app) != before, "the other list")
        await until(pilot, lambda: table(app).selected is not None and " …" not in screen_text(app), "its rows")


async def test_an_empty_workspace_says_how_to_begin(tmp_path: Path) -> None:
    app = Dashboard(open_workspace(explicit=str(tmp_path / "empty")), now=time.time)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "workbench run job.yml" in screen_text(app), "the hint")


async def test_a_damaged_store_is_explained(tmp_path: Path) -> None:
    layout = fixed_workspace(tmp_path / "ws")
    layout.store.write_bytes(b"scribbled over" * 1000)
    app = Dashboard(layout, now=lambda: NOW)
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "doctor --rebuild" in screen_text(app), "the remedy")


@pytest.mark.parametrize("page", [False, True], ids=["table", "page"])
async def test_what_went_wrong_is_shown_as_long_as_it_is_wrong(dashboard: Dashboard, page: bool) -> None:
    root = dashboard.layout.root
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await (opened(pilot, "brave-heron") if page else loaded(pilot))
        root.rename(root.with_name("elsewhere"))
        await until(pilot, lambda: "is gone" in screen_text(dashboard), "the error")
        root.with_name("elsewhere").rename(root)
        await until(pilot, lambda: "is gone" not in screen_text(dashboard), "the error to go")
        if page:
            Run(dashboard.layout, "newer", NOW).state(0, "Queued")
            await pilot.press("escape")
            await until(pilot, lambda: "newer" in names(dashboard), "a new run")


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (200, 60)])
async def test_every_tab_on_every_size(dashboard: Dashboard, size: tuple[int, int]) -> None:
    async with dashboard.run_test(size=size) as pilot:
        await opened(pilot, "brave-heron")
        for key in "1234567":
            await pilot.press(key)
            await pilot.pause()
        assert json.dumps(screen_text(dashboard))
