"""Ingesting two million points on one core, summaries included, against DuckDB inserting the same rows from arrays."""

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


def write_run(folder: Path) -> None:
    folder.mkdir(parents=True)
    writer = JournalWriter(folder, "script")
    writer.event("run", name="r", id="r", kind="script", experiment="e", created=1.0)
    for step in range(CALLS):
        value = 1.0 / (step + 1)
        writer.points(float(step), step, KEYS, (value, 1 - value, value, 1 - value, 0.1))
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


def our_seconds(folder: Path) -> float:
    """Ingest one run into a new store; duckdb is loaded and the store made before the clock starts."""
    layout = open_workspace(explicit=str(folder))
    write_run(layout.run("r").journals)
    store = Store(layout)
    store.runs()
    began = time.perf_counter()
    done = store.refresh()
    assert done.points == CALLS * len(KEYS)
    return time.perf_counter() - began


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # the budget is that of one core
    taken = []
    for round in range(ROUNDS):
        with tempfile.TemporaryDirectory() as place:
            taken.append((our_seconds(Path(place) / f"ours{round}"), floor_seconds(Path(place))))
    ours, floor = (statistics.median(pair[side] for pair in taken) for side in (0, 1))
    millions = CALLS * len(KEYS) / 1e6
    tell(
        [
            Result(
                what="ingest on one core, summaries included",
                ours=millions / ours,
                floor=millions / floor,
                unit="million points/s",
                budget=">= 2 million points/s",
                floor_is="DuckDB's own insert of the same rows",
            )
        ]
    )


if __name__ == "__main__":
    main()
