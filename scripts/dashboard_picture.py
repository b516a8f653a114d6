"""Draw the README's picture: the dashboard on a workspace with made-up runs, as docs/dashboard.svg."""

import asyncio
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
NOW = 1_790_000_000.0
TARGET = ROOT / "docs" / "dashboard.svg"


def fill(place: Path):  # type: ignore[no-untyped-def]
    """A workspace with runs such as a morning's work leaves."""
    from workbench_store.workspace import open_workspace

    from tests.tui.workspace import Run

    layout = open_workspace(explicit=str(place))
    dice = random.Random(7)
    names = [
        f"{word}-{number}" for number, word in enumerate("heron otter lynx wolf hawk fox owl crane seal hare".split())
    ]
    ends = ["Completed"] * 6 + ["Failed", "Canceled"]
    for number, name in enumerate(names):
        run = Run(layout, name, NOW - 900 * (len(names) - number), experiment="digits" if number % 3 else "cifar10")
        rate, hidden = dice.choice([0.1, 0.01, 0.003, 0.001]), dice.choice([16, 32, 64, 128])
        run.event(0, "params", params={"hidden": hidden, "lr": rate})
        run.stage(0, "environment", 1.5)
        run.stage(2, "run", None if number > 7 else 60.0 + 30 * number)
        run.state(3, "Running")
        run.points(60, accuracy=dice.uniform(12, 20), loss=dice.uniform(2, 9))
        if number < len(ends):
            run.state(
                dice.uniform(100, 800), ends[number], None if number < 6 else "the command ended with exit code 1"
            )
    return layout


def without_fonts(picture: str) -> str:
    """The picture without fonts from elsewhere: whoever looks at it fetches nothing."""
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.S)


async def draw() -> None:
    """Take the picture."""
    from workbench.tui.app import Dashboard
    from workbench.tui.widgets.run_table import RunTable

    os.environ["TZ"] = "UTC"
    time.tzset()
    with tempfile.TemporaryDirectory() as folder:
        app = Dashboard(fill(Path(folder)), now=lambda: NOW)
        async with app.run_test(size=(96, 17)) as pilot:
            while app.screen.query_one(RunTable).selected is None:
                await pilot.pause(0.05)
            await pilot.press("down")
            await pilot.pause(0.3)
            TARGET.write_text(without_fonts(app.export_screenshot(title="workbench")))
    print(TARGET.relative_to(ROOT))


if __name__ == "__main__":
    asyncio.run(draw())
