"""The dashboard beside 20 processes that log: main-thread time of a refresh, and key to paint.

The loop of the main thread is asked every millisecond whether it is free; what it was held up for between two refreshes
is what a refresh took of it. A key's time is from pressing it until the screen has been painted anew.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import Result, tell
from terminal import Terminal
from textual.app import App, ComposeResult
from textual.widgets import DataTable
from workbench.tui.app import Dashboard
from workbench.tui.screens.runs import REFRESH_SECONDS
from workbench_store.workspace import open_workspace

RUNS = 20
LOGGING = """
import sys, time, workbench
with workbench.start_run(name=f"live{sys.argv[2]}", workspace=sys.argv[1], system_metrics=False) as run:
    step = 0
    while True:
        run.log({f"m{k}": step * 0.1 + k for k in range(10)}, step=step)
        step += 1
        time.sleep(0.05)
"""
SECONDS = 12
UP, DOWN = "\x1b[A", "\x1b[B"
KEYS = (*[DOWN] * 15, *[UP] * 15) * 4
#: Between keys, in seconds: no multiple of the time between refreshes, so that keys meet every moment of one.
PAUSE = 0.137
OURS = """
import sys
from workbench.tui.app import run_dashboard
from workbench_store.workspace import open_workspace
run_dashboard(open_workspace(explicit=sys.argv[1]))
"""
BARE = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from live import Bare; Bare().run()"


async def _watch(held: list[float], over: asyncio.Event) -> None:
    """Note for how long the loop was held up, each time that it was."""
    while not over.is_set():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        held.append(time.perf_counter() - before - 0.001)


async def _busy(app: App[Any], settle_seconds: float, seconds: float) -> float:
    """Seconds of main-thread time per refresh."""
    held: list[float] = []
    over = asyncio.Event()
    async with app.run_test(size=(120, 40)):
        await asyncio.sleep(settle_seconds)
        watcher = asyncio.create_task(_watch(held, over))
        await asyncio.sleep(seconds)
        over.set()
        await watcher
    return sum(delay for delay in held if delay > 0.002) / (seconds / REFRESH_SECONDS)


def _key_to_paint(code: str, *words: str) -> float:
    """The 95th percentile of the seconds from a key until the terminal has the row that it leads to."""
    took = []
    with Terminal(code, *words) as terminal:
        terminal.wait_for("live1")
        time.sleep(3)
        for key in KEYS:
            time.sleep(PAUSE)
            terminal.drain(0)
            began = time.perf_counter()
            terminal.press(key)
            terminal.wait_for("live")
            took.append(time.perf_counter() - began)
    return statistics.quantiles(took, n=20)[-1]


class Bare(App[None]):
    """A small table, which nothing refreshes: what Textual takes by itself."""

    def compose(self) -> ComposeResult:
        table: DataTable[str] = DataTable()
        table.add_columns("a", "b", "c")
        table.add_rows([(f"live{number}", "y", str(number)) for number in range(RUNS)])
        yield table


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "train.py"
        script.write_text(LOGGING)
        (Path(place) / ".git").mkdir()
        open_workspace(explicit=place)
        started = [subprocess.Popen([sys.executable, str(script), place, str(n)], cwd=place) for n in range(RUNS)]
        try:
            busy = asyncio.run(_busy(Dashboard(open_workspace(explicit=place)), 3, SECONDS))
            idle = asyncio.run(_busy(Bare(), 0, SECONDS / 2))
            key, bare = _key_to_paint(OURS, place), _key_to_paint(BARE)
        finally:
            for process in started:
                process.kill()
                process.wait()
    tell(
        [
            Result(
                "dashboard: main thread per refresh, 20 live runs", busy * 1e3, idle * 1e3, "ms", "<= 50 ms", "bare app"
            ),
            Result(
                "dashboard: key to paint, p95, 20 live runs", key * 1e3, bare * 1e3, "ms", "<= 50 ms", "a bare table"
            ),
        ]
    )


if __name__ == "__main__":
    main()
