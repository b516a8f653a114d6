"""One series, and one metric of 50 runs, out of 5 million points, against fetching the same rows of a plain table.

The budgets are those at 100 million points, where `scale.py` measures the same.
"""

import tempfile
import time
from pathlib import Path

import duckdb
from common import Result, interleaved, tell
from workbench_store.journal.encoding import PointsEncoder, encode_event
from workbench_store.layout import WorkspaceLayout
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

RUNS, STEPS, KEYS = 100, 5_000, tuple(f"m{number}" for number in range(10))
ALL = tuple(f"run-{number:03}" for number in range(RUNS))
MANY = range(0, RUNS, 2)
FETCH = "SELECT step, time, value FROM points WHERE series = {} ORDER BY step"


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        layout = open_workspace(explicit=place)
        _write_journals(layout)
        store = Store(layout)
        store.refresh()
        plain = _plain_table(Path(place) / "plain.duckdb")
        one = interleaved(
            lambda: store.series(ALL[42], "m3"), lambda: plain.execute(FETCH.format(42 * len(KEYS) + 3)).fetchall(), 25
        )
        wanted = ", ".join(str(number * len(KEYS) + 3) for number in MANY)
        whole = f"SELECT series, step, time, value FROM points WHERE series IN ({wanted}) ORDER BY series, step"
        names = [ALL[number] for number in MANY]
        many = interleaved(lambda: store.series_of_runs(names, "m3"), lambda: plain.execute(whole).fetchnumpy(), 25)
    floor_is = "fetching its rows of a sorted table"
    tell(
        [
            Result("one series of 5,000 points, whole", *(part * 1e3 for part in one), "ms", "<= 30 ms", floor_is),
            Result("50 runs x 1 metric, for a chart", *(part * 1e3 for part in many), "ms", "<= 150 ms", floor_is),
        ]
    )


def _write_journals(layout: WorkspaceLayout) -> None:
    now = time.time()
    for number, name in enumerate(ALL):
        folder = layout.run(name).journals
        folder.mkdir(parents=True)
        fields = {"name": name, "kind": "script", "experiment": "e", "created": now}
        state = {"state": "Completed", "generation": 1, "judged": False, "seq": 1}
        encoder = PointsEncoder(0)
        points = b"".join(
            encoder.encode(
                now + step, step, KEYS, [(step * (key + 7) + number) % 1000 / 1000 for key in range(len(KEYS))]
            )
            for step in range(STEPS)
        )
        events = encode_event("run", now, fields) + encode_event("state", now, state)
        (folder / "script-r0.wbj").write_bytes(events + points)


def _plain_table(path: Path) -> duckdb.DuckDBPyConnection:
    """As many rows in a file, those of a series together."""
    connection = duckdb.connect(str(path), config={"threads": 2})
    connection.execute(
        "CREATE TABLE points AS SELECT (i // $steps)::INTEGER AS series, (i % $steps)::BIGINT AS step, "
        "i::DOUBLE AS time, random() AS value FROM range($steps * $series) AS all_of(i)",
        {"steps": STEPS, "series": RUNS * len(KEYS)},
    )
    connection.execute("CHECKPOINT")
    return connection


if __name__ == "__main__":
    main()
