"""The dashboard's first paint, and its first sight of 10,000 runs, against a bare app, as a terminal sees them."""

import sys
import tempfile
import time

from common import Result, interleaved, tell
from terminal import Terminal
from workbench_store.journal.encoding import PointsEncoder, encode_event
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

RUNS, METRICS = 10_000, tuple(f"m{number}" for number in range(10))
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("it is here")
Bare().run()
"""
OURS = """
import sys
from workbench.tui.app import run_dashboard
from workbench_store.workspace import open_workspace
run_dashboard(open_workspace(explicit=sys.argv[1]))
"""
#: The last of what does not depend on the store, and what does.
FRAME, TABLE = "Quit", "run-00001"


def until_seen(code: str, text: str, *words: str) -> None:
    """Start the program, and return as soon as its terminal has the text."""
    with Terminal(code, *words) as terminal:
        terminal.wait_for(text)


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
        painted, bare = interleaved(lambda: until_seen(OURS, FRAME, place), lambda: until_seen(BARE, "it is here"), 7)
        listed, bare_again = interleaved(
            lambda: until_seen(OURS, TABLE, place), lambda: until_seen(BARE, "it is here"), 7
        )
    floor_is = "a bare Textual app"
    tell(
        [
            Result("dashboard: first paint, 10,000 runs", painted, bare, "s", "<= floor + 0.3 s", floor_is),
            Result("dashboard: the table on the screen", listed, bare_again, "s", "none", floor_is),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
