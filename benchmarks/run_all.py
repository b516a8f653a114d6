"""Run every benchmark and write docs/benchmarks.md from what they print."""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "docs" / "benchmarks.md"
SKIPPED = {"common.py", "run_all.py"}


def measured(script: Path) -> list[dict[str, object]]:
    print(f"{script.name} ...", file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, str(script), "--json"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{script.name} failed:\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def machine() -> str:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return f"{os.cpu_count()} cores ({model}), {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    results = [row for script in sorted(HERE.glob("*.py")) if script.name not in SKIPPED for row in measured(script)]
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; do not edit. Ours and its floor are measured in turns in one run, as medians.",
        "",
        f"Machine: {machine()}. Date: {time.strftime('%Y-%m-%d', time.gmtime())}.",
        "",
        "| what | ours | floor | ratio | budget | the floor is |",
        "|---|---|---|---|---|---|",
    ]
    for row in results:
        ours, floor = f"{row['ours']:.3g} {row['unit']}", f"{row['floor']:.3g} {row['unit']}"
        lines.append(f"| {row['what']} | {ours} | {floor} | {row['ratio']:.2f} | {row['budget']} | {row['floor_is']} |")
    DOCUMENT.write_text("\n".join(lines) + "\n")
    print(f"wrote {DOCUMENT}", file=sys.stderr)


if __name__ == "__main__":
    main()
