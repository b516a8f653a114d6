"""A workspace of 10,000 runs and up to 100 million points: time and memory of what people do there.

`python benchmarks/scale.py [MILLIONS ...]` (default: 1 10 100) makes each workspace in a temporary folder, measures
every command in a process of its own, and tells seconds and peak memory, so that growth is seen. The largest needs 8 GB
of disk.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workbench_store.journal.encoding import PointsEncoder
from workbench_store.journal.writer import JournalWriter
from workbench_store.workspace import open_workspace

RUNS = 10_000
KEYS = tuple(f"metric{number}" for number in range(10))
_BUDGET_MB = 500
#: What is measured: its name, and the code that a fresh process runs in the workspace's folder.
COMMAND = "import sys; from workbench.cli.main import main; sys.exit(main({words!r}))"
SERIES = """
from workbench.workspace import Workspace
import time
store = Workspace(create=False).store
store.keys()
took = []
for number in range(0, 10000, 500):
    began = time.perf_counter(); store.series(f"run{number}", "metric3"); took.append(time.perf_counter() - began)
print("INSIDE", sorted(took)[len(took) // 2])
"""
MANY = """
from workbench.workspace import Workspace
import time
store = Workspace(create=False).store
store.keys()
took = []
for start in range(5):
    began = time.perf_counter()
    store.series_of_runs([f"run{number}" for number in range(start, 10000, 200)], "metric3")
    took.append(time.perf_counter() - began)
print("INSIDE", sorted(took)[len(took) // 2])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("millions", nargs="*", type=int, default=[1, 10, 100], help="how many million points")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each figure")
    for millions in parser.parse_args().millions:
        place = Path(tempfile.mkdtemp(prefix="workbench-scale-"))
        try:
            _measure(place, millions)
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _measure(place: Path, millions: int) -> None:
    os.environ["WORKBENCH_CACHE"] = str(place / "cache")
    (place / ".git").mkdir()
    began = time.monotonic()
    make(place, millions * 1_000_000 // (RUNS * len(KEYS)))
    _tell(millions, "writing the journals", time.monotonic() - began, 0.0)
    for what, code in _work(place):
        seconds, megabytes, said = _run(place, code)
        inside = next((line.split()[1] for line in said.splitlines() if line.startswith("INSIDE ")), None)
        _tell(millions, what, float(inside) if inside else seconds, megabytes)
    store = place / ".workbench" / "store.duckdb"
    _tell(millions, "the store's file", 0.0, store.stat().st_size / 1024**2)


def _work(place: Path) -> list[tuple[str, str]]:
    name = "run77"
    commands = {
        "first ls: ingest of all": ["ls", "-n", "20"],
        "ls": ["ls", "-n", "20"],
        "ls --where, sorted": ["ls", "--where", "metrics.metric1 > 0.5", "--sort", "metric2", "-n", "20"],
        "show": ["show", name],
        "sql over all points": ["sql", "--timeout", "120", "SELECT key, avg(value) FROM points GROUP BY key"],
        "rm of 100 runs": ["rm", "--yes", "--where", "name LIKE 'run99__'"],
        "gc --preview": ["gc", "--preview"],
        "gc": ["gc", "--yes"],
        "doctor --tidy": ["doctor", "--tidy"],
        "backup": ["backup", str(place / "copy")],
        "verify": ["verify"],
    }
    work = [(what, COMMAND.format(words=words)) for what, words in commands.items()]
    return [*work[:4], ("one series", SERIES), ("50 runs x 1 metric", MANY), *work[4:]]


def _run(place: Path, code: str) -> tuple[float, float, str]:
    """Seconds, peak memory in MB, and what was printed."""
    telling = "import atexit, resource\natexit.register(lambda: print('PEAK', resource.getrusage(0).ru_maxrss))\n"
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", telling + code], cwd=place, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        print(f"  ended with {done.returncode}: {done.stderr.strip()[-300:]}", file=sys.stderr)
    peak = next((line.split()[1] for line in reversed(done.stdout.splitlines()) if line.startswith("PEAK ")), "0")
    return seconds, int(peak) / 1024, done.stdout


def _tell(millions: int, what: str, seconds: float, megabytes: float) -> None:
    if "--json" in sys.argv:
        print(json.dumps({"millions": millions, "what": what, "seconds": seconds, "megabytes": megabytes}), flush=True)
    else:
        over = "  OVER 500 MB" if megabytes > _BUDGET_MB and seconds else ""
        print(f"{millions:4d} M points  {what:24s} {seconds:9.3f} s  {megabytes:6.0f} MB{over}", flush=True)


def make(place: Path, steps: int) -> None:
    """10,000 runs that ended an hour ago, each with so many steps of ten metrics: journals alone, as runs write."""
    layout = open_workspace(explicit=str(place))
    ended = time.time() - 3600
    values = [[((number * 7919 + step) % 1000) / 1000 for number in range(len(KEYS))] for step in range(1000)]
    for number in range(RUNS):
        files = layout.run(f"run{number}")
        files.journals.mkdir(parents=True)
        writer = JournalWriter(files.journals, "script")
        writer.event("run", name=files.name, id=str(number), kind="script", experiment=f"e{number % 20}", created=ended)
        writer.event("params", params={"lr": 10.0 ** -(number % 5), "seed": number})
        writer.event("state", state="Running", generation=1, judged=False, seq=1)
        encoder, when = PointsEncoder(0), ended
        records = b"".join(
            encoder.encode(when + step, step, KEYS, values[(step + number) % 1000]) for step in range(steps)
        )
        with writer.path.open("ab") as journal:
            journal.write(records)
        writer.event("state", state="Completed", generation=1, judged=False, seq=2, ended=ended + 60, seconds=60.0)
        writer.close()
        old = ended + 60
        os.utime(writer.path, (old, old))


if __name__ == "__main__":
    main()
