"""Ingesting two million points on one core, summaries included, against DuckDB inserting the same rows from arrays: of
loops that log all metrics of a step together, and of those that log one after the other.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
from common import Result, tell
from workbench_store.journal.writer import JournalWriter
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

ROUNDS = 3
CALLS, KEYS = 400_000, ("loss", "accuracy", "val_loss", "val_accuracy", "lr")


def write_run(folder: Path, together: bool) -> None:
    folder.mkdir(parents=True)
    writer = JournalWriter(folder, "script")
    writer.event("run", name="r", id="r", kind="script", experiment="e", created=1.0)
    for step in range(CALLS):
        value = 1.0 / (step + 1)
        values = (value, 1 - value, value, 1 - value, 0.1)
        if together:
            writer.points(float(step), step, KEYS, values)
            continue
        for key, one in zip(KEYS, values, strict=True):
            writer.points(float(step), step, (key,), (one,))
    writer.close()


def floor_seconds(folder: Path) -> float:
    connection = duckdb.connect(str(folder / "floor.duckdb"), config={"memory_limit": "400MB", "threads": 1})
    connection.execute("CREATE TABLE points (series INTEGER, step BIGINT, time DOUBLE, value DOUBLE)")
    steps = np.tile(np.arange(CALLS, dtype=np.int64), len(KEYS))
    connection.register(
        "rows",
        {
            "series": np.repeat(np.arange(len(KEYS), dtype=np.int32), CALLS),
            "step": steps,
            "time": steps.astype(np.float64),
            "value": 1.0 / (steps + 1.0),
        },
    )
    began = time.perf_counter()
    connection.execute("INSERT INTO points SELECT * FROM rows")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def our_seconds(folder: Path, together: bool) -> float:
    """Ingest one run into a new store; duckdb is loaded and the store made before the clock starts."""
    layout = open_workspace(explicit=str(folder))
    write_run(layout.run("r").journals, together)
    store = Store(layout)
    store.runs()
    began = time.perf_counter()
    done = store.refresh()
    assert done.points == CALLS * len(KEYS)
    return time.perf_counter() - began


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # the budget is that of one core
    tell(
        [
            measured("ingest on one core, summaries included", ">= 2 million points/s", together=True),
            measured("the same of one `log` for each of five metrics", "", together=False),
        ]
    )


def measured(what: str, budget: str, *, together: bool) -> Result:
    taken = []
    for round in range(ROUNDS):
        with tempfile.TemporaryDirectory() as place:
            taken.append((our_seconds(Path(place) / f"ours{round}", together), floor_seconds(Path(place))))
    ours, floor = (statistics.median(pair[side] for pair in taken) for side in (0, 1))
    millions = CALLS * len(KEYS) / 1e6
    return Result(
        what, millions / ours, millions / floor, "million points/s", budget, "DuckDB's own insert of the same rows"
    )


if __name__ == "__main__":
    main()
