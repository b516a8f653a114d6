"""The dashboard's first paint, and its first sight of 10,000 runs, against a bare Textual app; then one refresh."""

import sys
import tempfile
import time

from common import Result, interleaved, python, tell
from workbench_store.journal.codec import PointsEncoder, encode_event
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

RUNS, METRICS = 10_000, tuple(f"m{number}" for number in range(10))
BARE = """
from textual.app import App
class Bare(App):
    def on_mount(self):
        self.call_after_refresh(self.exit)
Bare().run(headless=True)
"""
PAINTED = """
import sys
from workbench.tui.app import Dashboard
from workbench.tui.screens.runs import RunsScreen
from workbench_store.workspace import open_workspace
class Timed(Dashboard):
    def on_mount(self):
        self.call_after_refresh(self.exit)
Timed(open_workspace(explicit=sys.argv[1])).run(headless=True)
"""
LISTED = PAINTED.replace("self.call_after_refresh(self.exit)", "pass").replace(
    "Timed(open",
    """from workbench.tui.widgets.run_table import RunTable
shown = RunTable.show
def show(self, listed):
    shown(self, listed)
    self.app.call_after_refresh(self.app.exit)
RunTable.show = show
Timed(open""",
)


def fill(place: str) -> None:
    layout, encoder, now = open_workspace(explicit=place), PointsEncoder(0), time.time()
    for number in range(RUNS):
        folder = layout.run(f"run-{number:05}").journals
        folder.mkdir(parents=True)
        fields = {"name": folder.parent.name, "kind": "script", "experiment": "e", "created": now - 1e6 - number}
        state = {"state": "Completed", "generation": 1, "judged": False, "seq": 1}
        data = encode_event("run", now - 1e6, fields) + encode_event("state", now - 1e6, state)
        values = [float((number * (index + 7)) % 1000) for index in range(len(METRICS))]
        (folder / "script-r0.wbj").write_bytes(data + encoder.encode(now, 0, METRICS, values))
    Store(layout).refresh()
    Store(layout).refresh()  # notes which runs have settled


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        fill(place)
        painted, bare = interleaved(lambda: python("-c", PAINTED, place), lambda: python("-c", BARE), 5)
        listed, bare_again = interleaved(lambda: python("-c", LISTED, place), lambda: python("-c", BARE), 5)
    floor_is = "a bare Textual app"
    tell(
        [
            Result("dashboard: first paint, 10,000 runs", painted, bare, "s", "<= floor + 0.3 s", floor_is),
            Result("dashboard: the table on the screen", listed, bare_again, "s", "none", floor_is),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
