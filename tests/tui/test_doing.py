"""Acting on runs from the dashboard: mark, compare, tag, note, archive, rerun, reproduce; each tells its command."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import DataTable, Input, Static
from workbench.lifecycle import edit_tags, remove_runs
from workbench.tui.app import Dashboard
from workbench.tui.doing import tag_command
from workbench.tui.screens.compare import CompareScreen
from workbench.tui.screens.dialogs import Ask, Reader
from workbench.tui.screens.run import RunScreen
from workbench_store.errors import NotFound
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState
from workbench_store.trash import take_from_trash

from tests.lifecycle.launched import wait_until
from tests.tui.pilot import Hands, loaded, names, screen_text, table, until
from workbench import Workspace, command

pytestmark = pytest.mark.slow


@pytest.fixture
def layout(here: Path) -> WorkspaceLayout:
    """Three runs of real jobs that differ in a parameter and a file."""
    workspace = Workspace()
    (here / "src").mkdir()
    for number in range(3):
        (here / "src" / "t.py").write_text(f"x = {number}\n")
        job = command(command="echo ${{inputs.lr}}", code="src", inputs={"lr": number / 10}, name=f"run-{number}")
        workspace.submit(job).wait()
    return workspace.layout


async def typed(pilot: Hands, text: str) -> None:
    pilot.app.screen.query_one(Input).value = text
    await pilot.pause()


def told(pilot: Hands) -> str:
    return str(pilot.app.screen.query_one("#command", Static).visual)


def notified(app: Dashboard) -> list[str]:
    return [notification.message for notification in app._notifications]


def same_command(pilot: Hands) -> str:
    return str(pilot.app.screen.query_one("#same-command", Static).visual)


def reader_text(screen: Reader) -> str:
    return "\n".join(str(part.visual) for part in screen.query(Static))


async def test_marked_runs_are_compared(layout: WorkspaceLayout) -> None:
    async with Dashboard(layout).run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        await pilot.press("d")
        assert any("Space" in text for text in notified(app))
        await pilot.press("space", "space")
        assert table(app).marked == ("run-2", "run-1")
        await pilot.press("d")
        await until(pilot, lambda: app.screen.query(DataTable) and app.screen.query_one(DataTable).row_count, "rows")
        shown = app.screen.query_one(DataTable)
        labels = [str(shown.get_row_at(place)[0]) for place in range(shown.row_count)]
        assert labels == ["param lr", "spec command", "code t.py"] or labels == ["param lr", "code t.py"]
        assert same_command(pilot) == "workbench compare run-2 run-1"
        await pilot.press("a")
        assert shown.row_count > len(labels)
        assert same_command(pilot) == "workbench compare run-2 run-1 --all"
        await pilot.press("a", "b")
        await until(pilot, lambda: app.screen._base == 1, "the other baseline")  # type: ignore[attr-defined]
        await until(pilot, lambda: same_command(pilot).endswith("run-1 --baseline run-1"), "the command for it")
        shown.move_cursor(row=shown.row_count - 1)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Reader), "the lines")
        await pilot.press("escape")
        await pilot.press("escape")
        assert not isinstance(app.screen, CompareScreen)


async def test_one_marked_run_is_compared_with_the_one_under_the_cursor(layout: WorkspaceLayout) -> None:
    async with Dashboard(layout).run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        await pilot.press("space", "d")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen), "the comparison")
        assert app.screen._names == ("run-2", "run-1")  # type: ignore[attr-defined]


async def test_tags_are_set_and_the_command_is_told(layout: WorkspaceLayout) -> None:
    async with Dashboard(layout).run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        await typed(pilot, "team=vision best -old")
        assert told(pilot) == "workbench tag run-2 team=vision best --remove=old"
        await typed(pilot, "half 'quoted")
        assert "cannot be read" in told(pilot)
        await typed(pilot, "team=vision best")
        await pilot.press("enter")
        await until(pilot, lambda: any("tagged" in text for text in notified(app)), "the word that it is done")
    assert Workspace(layout.root).run("run-2").tags == {"team": "vision", "best": ""}


async def test_a_tag_that_is_none_is_told_and_nothing_is_written(layout: WorkspaceLayout) -> None:
    async with Dashboard(layout).run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        await typed(pilot, "=x")
        await pilot.press("enter")
        await until(pilot, lambda: "characters" in told(pilot), "the refusal")
        assert isinstance(app.screen, Ask) and app.screen.query_one(Input).value == "=x", "it can be mended"
        assert Workspace(layout.root).run("run-2").tags == {}
        await typed(pilot, "a=x")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, Ask), "the dialog to close")
        await until(pilot, lambda: Workspace(layout.root).run("run-2").tags == {"a": "x"}, "the tag")


async def test_a_note_is_written_and_begins_with_the_one_there_is(layout: WorkspaceLayout) -> None:
    Workspace(layout.root).run("run-2").set_note("before")
    async with Dashboard(layout).run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        assert app.screen.query_one(Input).value == "before"
        await typed(pilot, "after")
        await pilot.press("enter")
        await until(pilot, lambda: any("note written" in text for text in notified(app)), "the word that it is done")
    assert Workspace(layout.root).run("run-2").note == "after"


async def test_archived_runs_leave_the_table(layout: WorkspaceLayout) -> None:
    async with Dashboard(layout).run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        await pilot.press("space", "space", "A")
        await until(pilot, lambda: names(app) == ["run-0"], "the shorter list")
        told = "workbench archive run-2 run-1"
        assert any(f"{told}\nUndo: {told} --undo" in text for text in notified(app))
        assert table(app).marked == ()


def head(app: Dashboard) -> str:
    return str(app.screen.query_one("#head", Static).visual)


async def test_what_is_marked_is_said_and_what_the_filter_hides_is_left_alone(layout: WorkspaceLayout) -> None:
    async with Dashboard(layout).run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        assert "marked" not in head(app)
        await pilot.press("space", "space")
        await until(pilot, lambda: "2 marked" in head(app), "the marks to be said")
        for text, shown in (("run-0", "run-0"), ("run-1", "run-1")):
            await pilot.press("slash", *(["ctrl+u"] if app.screen.query_one("#filter", Input).value else []), *text)
            await pilot.press("enter")
            await until(pilot, lambda shown=shown: names(app) == [shown], "the filtered list")  # type: ignore[misc]
            await pilot.press("A")
            await until(pilot, lambda: not names(app), "the archived run to go")
            assert any(f"workbench archive {shown}\n" in said for said in notified(app))
        await until(pilot, lambda: "1 marked" in head(app), "the mark that is left")
        await pilot.press("escape")
        await until(pilot, lambda: names(app) == ["run-2"], "the rest")
        assert table(app).marked == ("run-2",)


async def test_a_run_is_run_again_with_a_change(layout: WorkspaceLayout) -> None:
    async with Dashboard(layout).run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        await typed(pilot, "inputs.lr=0.7 name=again")
        assert told(pilot) == "workbench rerun run-2 --set=inputs.lr=0.7 --set=name=again"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the page of the new run")
    run = Workspace(layout.root).run("again")
    run.wait(30)
    assert run.params == {"lr": 0.7}


async def test_the_folder_is_told_where_there_is_no_desktop(
    layout: WorkspaceLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    async with Dashboard(layout).run_test(size=(100, 30)) as pilot:
        app = await loaded(pilot)
        await pilot.press("o")
        seen: Callable[[], bool] = lambda: any(str(layout.run("run-2").root) in text for text in notified(app))  # noqa: E731
        await until(pilot, seen, "the folder")
        assert any("workbench open run-2" in text for text in notified(app))


async def test_a_run_is_reproduced_and_what_came_of_it_is_told(here: Path) -> None:
    workspace, go = Workspace(), here / "go"
    wait = f"until [ -e {go} ]; do sleep 0.05; done"
    go.touch()
    job = command(command=f"{wait}; echo 1 > outputs/same; date +%s%N > outputs/clock", name="first")
    workspace.submit(job).wait()
    go.unlink()
    async with Dashboard(workspace.layout).run_test(size=(80, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        assert told(pilot) == "workbench reproduce first"
        await typed(pilot, "2")
        assert "from 0 up to 1" in told(pilot)
        await typed(pilot, "1e-6")
        assert told(pilot) == "workbench reproduce first --tolerance 1e-6"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the page of the new run")
        assert isinstance(app.screen, RunScreen)
        again = app.screen.run_name
        # Its end is told wherever one is by then, but not over what is being typed.
        await pilot.press("escape", "t")
        await until(pilot, lambda: isinstance(app.screen, Ask), "another question")
        go.touch()
        workspace.run(again).wait(30)
        await typed(pilot, "seen")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Reader), "the report")
        assert isinstance(app.screen, Reader)
        text = reader_text(app.screen)
        assert f"{again} did not come out the same as first" in text
        (clock,) = [line for line in text.splitlines() if "outputs/clock" in line]
        (same,) = [line for line in text.splitlines() if "outputs/same" in line]
        assert clock.startswith("differs") and "→" in clock and same.startswith("same")
        assert f"workbench compare first {again}" in text


async def test_a_run_that_is_not_over_is_not_reproduced(dashboard: Dashboard) -> None:
    async with dashboard.run_test(size=(80, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("down", "R")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        await pilot.press("enter")
        await until(pilot, lambda: any("not known yet" in text for text in notified(app)), "the refusal")


async def test_the_log_of_each_rank_is_shown(here: Path) -> None:
    from textual.widgets import Log

    from tests.tui.pilot import opened
    from workbench import PyTorchDistribution

    job = command(
        command="echo I am $RANK", distribution=PyTorchDistribution(process_count_per_instance=2), name="ranks"
    )
    workspace = Workspace()
    workspace.submit(job).wait()
    async with Dashboard(workspace.layout).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, "ranks")
        await pilot.press("3")
        log = screen.query_one("#log-text", Log)
        await until(pilot, lambda: list(log.lines)[:1] == ["I am 0"], "the log of rank 0")
        await pilot.press("r")
        await until(pilot, lambda: list(log.lines)[:1] == ["I am 1"], "the log of rank 1")
        assert "rank 1 of 2" in str(screen.query_one("#log-rank", Static).visual)
        await pilot.press("r")
        await until(pilot, lambda: list(log.lines)[:1] == ["I am 0"], "the log of rank 0 again")


async def test_the_page_acts_on_its_run(layout: WorkspaceLayout) -> None:
    from tests.tui.pilot import opened

    async with Dashboard(layout).run_test(size=(100, 30)) as pilot:
        await opened(pilot, "run-1")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask), "the question")
        await typed(pilot, "seen")
        await pilot.press("enter")
        app = pilot.app
        assert isinstance(app, Dashboard)
        await until(pilot, lambda: any("tagged" in text for text in notified(app)), "the word that it is done")
    assert Workspace(layout.root).run("run-1").tags == {"seen": ""}


@pytest.mark.parametrize(("keys", "ends_as"), [("a", RunState.COMPLETED), ("C down enter", RunState.CANCELED)])
async def test_a_run_whose_supervisor_is_gone_is_taken_over_or_closed(here: Path, keys: str, ends_as: RunState) -> None:
    workspace = Workspace()
    job = command(command="touch outputs/on; while ! test -e outputs/go; do sleep 0.05; done", name="orphan")
    run = workspace.submit(job)
    wait_until((run.files.outputs / "on").exists, "the job")
    holder = json.loads(run.files.supervisor_process.read_text())
    os.kill(holder["pid"], signal.SIGKILL)
    async with Dashboard(workspace.layout).run_test(size=(80, 24)) as pilot:
        app = await loaded(pilot)
        app.open_run("orphan")
        await until(pilot, lambda: "C: end it" in screen_text(app), "what can be done")
        if "C" in keys:
            (run.files.outputs / "go").touch()  # one whose job lives is not closed
        await pilot.press(*keys.split())
        await until(pilot, lambda: "Its supervisor is gone" not in screen_text(app), "the run in a new hand")
        (run.files.outputs / "go").touch()
        await until(pilot, lambda: run.state is ends_as, "its end")


async def test_what_was_removed_elsewhere_is_told_and_not_acted_on(layout: WorkspaceLayout) -> None:
    from tests.tui.pilot import opened

    def shown(app: Dashboard) -> str:
        return str(app.screen.query_one("#message", Static).visual)

    async with Dashboard(layout).run_test(size=(80, 24)) as pilot:
        app = await loaded(pilot)
        await pilot.press("space")
        await opened(pilot, "run-2")
        remove_runs(layout, ["run-2"])
        await until(pilot, lambda: "run-2 is in the trash" in shown(app), "the word on the page")
        assert "workbench restore run-2" in shown(app)
        for key in "tnRAeox":
            app.clear_notifications()
            await pilot.press(key)
            await until(pilot, lambda: any("is in the trash" in text for text in notified(app)), f"refusal of {key}")
            assert isinstance(app.screen, RunScreen)
        take_from_trash(layout, "run-2")
        await until(pilot, lambda: not app.screen.query_one("#message").display, "the word to go")
        shutil.rmtree(layout.run("run-2").root)
        await until(pilot, lambda: "there is no run 'run-2'" in shown(app), "the word that it is gone")
        await pilot.press("escape")
        app.clear_notifications()
        await pilot.press("t")
        await until(pilot, lambda: any("no run 'run-2'" in text for text in notified(app)), "the refusal")
        assert table(app).marked == ()
    with pytest.raises(NotFound):
        edit_tags(layout, ["run-1", "run-2"], {"team": "vision"})
    assert Workspace(layout.root).run("run-1").tags == {}


def test_commands_told_are_taken_as_they_are() -> None:
    assert tag_command(["a"], "x=1 --odd") == "workbench tag a x=1 --remove=-odd"
    assert tag_command(["a", "b", "c"], "x=1 -old") == "workbench tag a b c x=1 --remove=old"
    many = tag_command([f"r{number}" for number in range(11)], "best")
    assert many == "workbench tag r0 r1 r2 r3 r4 r5 r6 r7 best   and 3 more runs"
