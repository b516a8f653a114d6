"""Compare the hot paths of two commits on this machine: by their ratio to a floor and, where `perf` is there, by the
instructions that they take, which no noise changes.

`make bench-check BASE=HEAD~1` (the other commit is the work tree as it is). Ends with 1 where something got slower.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BENCHMARKS = ("log", "ingest", "run_list", "series", "snapshot", "start_up")
ROUNDS = 3
#: More than so much slower, by ratio to the floor, is told as a regression; by instructions, far less is noise.
_RATIO = 1.15
_INSTRUCTIONS = 1.03


def main() -> None:
    """Measure both in turns and tell the difference."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # nor is the worktree left behind then
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "base", nargs="?", default="HEAD~1", help="the commit to compare with (default: the last but one)"
    )
    base = parser.parse_args().base
    with tempfile.TemporaryDirectory(prefix="workbench-bench-check-") as place:
        other = Path(place) / "base"
        subprocess.run(["git", "-C", str(ROOT), "worktree", "add", "-q", "--detach", str(other), base], check=True)
        try:
            slower = [told for name in BENCHMARKS for told in _compare(name, other)]
        finally:
            subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(other)], check=True)
    print(f"slower: {', '.join(slower)}" if slower else "nothing is slower")
    sys.exit(1 if slower else 0)


def _compare(name: str, other: Path) -> list[str]:
    """Tell of each line of a benchmark; those that are slower now."""
    before: dict[str, list[float]] = {}
    after: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for tree, found in ((other, before), (ROOT, after)):
            for what, ratio in _measure(name, tree).items():
                found.setdefault(what, []).append(ratio)
    slower = []
    for what in before.keys() & after.keys():
        was, now = statistics.median(before[what]), statistics.median(after[what])
        limit = _INSTRUCTIONS if what.endswith("instructions") else _RATIO
        mark = "SLOWER" if now > was * limit else "faster" if was > now * limit else ""
        print(f"{what:70s} {was:12.4g} -> {now:12.4g}  {now / was:6.3f}  {mark}", flush=True)
        slower += [what] if mark == "SLOWER" else []
    return slower


def _measure(name: str, tree: Path) -> dict[str, float]:
    """The ratio of each line (of what is the better the greater: turned round), and the instructions of all."""
    environment = {**os.environ, "PYTHONPATH": f"{tree / 'workbench'}:{tree / 'store'}"}
    # The benchmark itself is that of the work tree for both: only what it measures differs.
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), "--json"]
    counted = _perf_works()
    if counted:
        command = ["perf", "stat", "-x,", "-e", "instructions:u", *command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            row = json.loads(line)
            ratio = float(row["ratio"])
            found[f"{row['what']}: ratio"] = 1 / ratio if row["unit"].endswith("/s") else ratio
    if counted:
        number = next((line.split(",")[0] for line in done.stderr.splitlines() if "instructions" in line), "")
        if number.isdigit():
            found[f"{name}: instructions"] = float(number)
    return found


def _perf_works() -> bool:
    if shutil.which("perf") is None:
        return False
    done = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", "true"], capture_output=True, text=True)
    return done.returncode == 0 and "not supported" not in done.stderr


if __name__ == "__main__":
    main()
