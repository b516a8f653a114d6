"""Write docs/reliability.md: what is promised of failures, how each is tested, and how the last run of the tests ended.

The tests leave how they ended in `.test-outcomes.json`; with `--check` only that every test that is named exists.
"""

import ast
import json
import sys
import time
from collections import Counter
from pathlib import Path

from promises import PROMISES
from workbench_store.faults import POINTS

ROOT = Path(__file__).parents[1]
OUTCOMES = ROOT / ".test-outcomes.json"
TARGET = ROOT / "docs" / "reliability.md"
HEAD = """# What happens when things break

Made by `make reliability` from the last run of the tests; do not edit it. Each failure is caused for real: processes
are killed, disks filled, files cut off. After each the same is looked at: what `log` returned for is what a fresh
reader sees, states are right, nothing is doubled, temporary storage is gone, `workbench doctor` finds nothing.

Kills come at {points} named points in the code (where something is half done) and at random moments; `make test` does
a few dozen rounds, `make torture ROUNDS=1000 SEED=1` as many as are asked for, and a seed repeats a failure.
"""


def missing() -> list[str]:
    """Tests that the table names and that are not there."""
    found = []
    for promise in PROMISES:
        for test in promise.tests:
            file, _, function = test.partition("::")
            path = ROOT / "tests" / file
            if not path.exists() or (function and function not in _functions(path)):
                found.append(test)
    return found


def _functions(path: Path) -> set[str]:
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def ended(outcomes: dict[str, str], test: str) -> str:
    """How the cases of a test ended, in words."""
    counts = Counter(how for id, how in outcomes.items() if _is_of(id, test))
    words = [f"{counts[how]} {how}" for how in ("passed", "failed", "skipped") if counts[how]]
    return ", ".join(words) or "not run"


def _is_of(id: str, test: str) -> bool:
    return id == f"tests/{test}" or id.startswith((f"tests/{test}::", f"tests/{test}["))


def document(outcomes: dict[str, str]) -> str:
    """The whole document."""
    day = time.strftime("%Y-%m-%d", time.gmtime(OUTCOMES.stat().st_mtime if OUTCOMES.exists() else None))
    lines = [
        HEAD.format(points=len(POINTS)),
        f"Run on {day}.",
        "",
        "| failure | what happens | tests | cases |",
        "|---|---|---|---|",
    ]
    for promise in PROMISES:
        tests = "<br>".join(f"`{test}`" for test in promise.tests)
        cases = "<br>".join(ended(outcomes, test) for test in promise.tests)
        lines.append(f"| {promise.failure} | {promise.promise} | {tests} | {cases} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Write it, or with `--check` end with 1 where a test that is named is not there."""
    lost = missing()
    if lost:
        sys.exit(f"scripts/promises.py names tests that are not there: {', '.join(lost)}")
    if "--check" in sys.argv[1:]:
        return
    outcomes = json.loads(OUTCOMES.read_text()) if OUTCOMES.exists() else {}
    TARGET.write_text(document(outcomes), encoding="utf-8")


if __name__ == "__main__":
    main()
