"""A list of 10,000 runs with 10 metric columns, sorted and filtered, against fetching as many rows of a plain table."""

import tempfile
import time

import duckdb
from common import Result, interleaved, tell
from workbench_store.journal.encoding import PointsEncoder, encode_event
from workbench_store.records import Condition, RunQuery, SortKey
from workbench_store.store import Store
from workbench_store.workspace import open_workspace

RUNS, METRICS = 10_000, tuple(f"m{number}" for number in range(10))


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        layout, encoder, now = open_workspace(explicit=place), PointsEncoder(0), time.time()
        for number in range(RUNS):
            folder = layout.run(f"run-{number:05}").journals
            folder.mkdir(parents=True)
            fields = {"name": folder.parent.name, "kind": "script", "experiment": "e", "created": now - number}
            state = {"state": "Completed", "generation": 1, "judged": False, "seq": 1}
            values = [float((number * (index + 7)) % 1000) for index in range(len(METRICS))]
            data = encode_event("run", now, fields) + encode_event("state", now, state)
            (folder / "script-r0.wbj").write_bytes(data + encoder.encode(now, 0, METRICS, values))
        store = Store(layout)
        store.refresh()
        query = RunQuery(((Condition("metric", "m3", ">", 1.0),),), SortKey("metric", "m2"), METRICS)
        plain = duckdb.connect(config={"threads": 2})
        columns = ", ".join(f"random() AS c{number}" for number in range(20))
        plain.execute(f"CREATE TABLE t AS SELECT {columns} FROM range({RUNS})")
        ours, floor = interleaved(
            lambda: store.runs(query), lambda: plain.execute("SELECT * FROM t ORDER BY c1").fetchall(), 15
        )
        began = time.perf_counter()
        store.refresh()
        again = time.perf_counter() - began
    floor_is = "fetching a sorted table of 10,000 x 20 numbers"
    tell(
        [
            Result(
                "list of 10,000 runs, 10 metrics, sorted and filtered",
                ours * 1e3,
                floor * 1e3,
                "ms",
                "<= 100 ms",
                floor_is,
            ),
            Result("looking for news in 10,000 runs", again * 1e3, floor * 1e3, "ms", "none", floor_is),
        ]
    )


if __name__ == "__main__":
    main()
