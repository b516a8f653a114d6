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
KEYS = ("down", "down", "down", "up", "down", "up")


async def _watch(held: list[float], over: asyncio.Event) -> None:
    """Note for how long the loop was held up, each time that it was."""
    while not over.is_set():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        held.append(time.perf_counter() - before - 0.001)


async def _measure(app: App[Any], settle_seconds: float, seconds: float) -> tuple[float, float]:
    """Seconds of main-thread time per refresh, and the 95th percentile of the seconds from key to paint."""
    held: list[float] = []
    keys: list[float] = []
    over = asyncio.Event()
    async with app.run_test(size=(120, 40)) as pilot:
        await asyncio.sleep(settle_seconds)
        watcher = asyncio.create_task(_watch(held, over))
        await asyncio.sleep(seconds)
        busy = sum(delay for delay in held if delay > 0.002) / (seconds / REFRESH_SECONDS)
        for _ in range(10):
            for key in KEYS:
                began = time.perf_counter()
                await pilot.press(key)
                keys.append(time.perf_counter() - began)
                await asyncio.sleep(0.05)
        over.set()
        await watcher
    return busy, statistics.quantiles(keys, n=20)[-1]


class Bare(App[None]):
    """A small table, which nothing refreshes: what Textual and its pilot take by themselves."""

    def compose(self) -> ComposeResult:
        table: DataTable[str] = DataTable()
        table.add_columns("a", "b", "c")
        table.add_rows([("x", "y", str(number)) for number in range(RUNS)])
        yield table


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "train.py"
        script.write_text(LOGGING)
        (Path(place) / ".git").mkdir()
        open_workspace(explicit=place)
        started = [subprocess.Popen([sys.executable, str(script), place, str(n)], cwd=place) for n in range(RUNS)]
        try:
            app = Dashboard(open_workspace(explicit=place))
            busy, key = asyncio.run(_measure(app, 3, SECONDS))
            idle, bare = asyncio.run(_measure(Bare(), 0, SECONDS / 2))
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
