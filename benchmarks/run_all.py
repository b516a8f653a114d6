"""Run benchmarks and write docs/benchmarks.md from what they print.

`run_all.py` runs those of the budgets, `run_all.py peers scale` those that are named. What each printed last is kept in
`results.json`, so that the document always has all of them.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "docs" / "benchmarks.md"
RESULTS = HERE / "results.json"
#: What is shared is no benchmark; what takes many minutes is run by its name alone.
NONE = {"common", "terminal", "run_all", "compare_commits"}
SLOW = {"peers", "scale"}
HEAD = """# Benchmarks

Written by `make bench`, `make bench-peers` and `make bench-scale`; do not edit. Ours and what it is compared with are
measured in turns in one run, as medians.
"""


def measured(name: str) -> dict[str, Any]:
    """What a benchmark prints, with the day and the machine."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    os.sync()  # or it waits for what the benchmark before it wrote
    done = subprocess.run([sys.executable, str(HERE / f"{name}.py"), "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed")
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {"day": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine(), "rows": rows}


def machine() -> str:
    """Cores, processor, system and Python."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    model = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    return f"{os.cpu_count()} cores ({model}), {platform.system()}, Python {platform.python_version()}"


def document(results: dict[str, Any]) -> str:
    """The whole document."""
    parts = [HEAD]
    budgets = {name: found for name, found in results.items() if name not in SLOW}
    rows = [row for name in sorted(budgets) for row in budgets[name]["rows"]]
    parts += ["## Budgets", _when(list(budgets.values())), _compared(rows, "floor", "the floor is")]
    if "peers" in results:
        rows = sorted(results["peers"]["rows"], key=lambda row: str(row["what"]))
        parts += ["## Other trackers, the same work", _when([results["peers"]]), _compared(rows, "theirs", "they are")]
    if "scale" in results:
        parts += ["## 10,000 runs, growing points", _when([results["scale"]]), _grown(results["scale"]["rows"])]
    return "\n\n".join(parts) + "\n"


def _when(found: list[dict[str, Any]]) -> str:
    days = {
        one["machine"]: sorted({other["day"] for other in found if other["machine"] == one["machine"]}) for one in found
    }
    return " ".join(f"Machine: {machine}. Measured on: {', '.join(days[machine])}." for machine in sorted(days))


def _compared(rows: list[dict[str, Any]], other: str, named: str) -> str:
    lines = [f"| what | ours | {other} | ratio | budget | met | {named} |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        ours, floor = f"{row['ours']:.3g} {row['unit']}", f"{row['floor']:.3g} {row['unit']}"
        cells = [row["what"], ours, floor, f"{row['ratio']:.3g}", row["budget"], _met(row), row["floor_is"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _met(row: dict[str, Any]) -> str:
    """Whether ours is within the budget, as that is written: `<= floor + 30 ms`, `<= 2.5 x ...`, `>= 2 ...`."""
    if row["budget"] == "< the others":
        return "yes" if row["ours"] < row["floor"] else "**no**"
    read = re.match(r"(<=|>=) (floor \+ )?([\d.]+)( x)?", row["budget"])
    if read is None:
        return ""
    limit = float(read[3]) * (row["floor"] if read[4] else 1) + (row["floor"] if read[2] else 0)
    return "yes" if (row["ours"] <= limit if read[1] == "<=" else row["ours"] >= limit) else "**no**"


def _grown(rows: list[dict[str, Any]]) -> str:
    sizes = sorted({row["millions"] for row in rows})
    found = {(row["what"], row["millions"]): row for row in rows}
    lines = ["| what | " + " | ".join(f"{size} M points" for size in sizes) + " |", "|---" * (len(sizes) + 1) + "|"]
    for what in dict.fromkeys(row["what"] for row in rows):
        cells = [found.get((what, size)) for size in sizes]
        shown = [_cell(row) for row in cells]
        lines.append(f"| {what} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    seconds = f"{row['seconds']:.3g} s" if row["seconds"] else ""
    return ", ".join(part for part in (seconds, f"{row['megabytes']:.0f} MB" if row["megabytes"] else "") if part)


def main() -> None:
    """Measure what is asked for, and write the document."""
    known = {path.stem for path in HERE.glob("*.py")} - NONE
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(sorted(known))}")
    names = parser.parse_args().names or sorted(known - SLOW)
    if not known.issuperset(names):
        parser.error(f"no such benchmark: {', '.join(sorted(set(names) - known))}")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in names:
        results[name] = measured(name)
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    DOCUMENT.write_text(document(results), encoding="utf-8")
    print(f"wrote {DOCUMENT}", file=sys.stderr)


if __name__ == "__main__":
    main()
