"""`make torture`: rounds of deaths at random moments and at fault points, and a table at the end.

`python -m tests.torture.many --rounds 1000 --seed 7`; `--first N --rounds 1` plays one round again.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path

from workbench_store.faults import POINTS

from tests.torture.moments import Outcome, play


def main() -> int:
    """Play the rounds; 1 if a promise was broken."""
    given = _arguments()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"seed {seed}: rounds {given.first} to {given.first + given.rounds - 1}", flush=True)
    kills: Counter[str] = Counter()
    late: Counter[str] = Counter()
    points: set[str] = set()
    broken = played = 0
    with suppress(KeyboardInterrupt):  # what was played until then is told
        for number in range(given.first, given.first + given.rounds):
            outcome = _round(seed, number)
            kills += outcome.kills
            late += outcome.late
            points |= outcome.points
            broken += bool(outcome.violations)
            played += 1
    _print_table(played, kills, late, points, broken)
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    return parser.parse_args()


def _round(seed: int, number: int) -> Outcome:
    """One round in a folder that is kept if a promise was broken there."""
    folder = Path(tempfile.mkdtemp(prefix=f"torture-{seed}-{number}-"))
    os.environ["WORKBENCH_CACHE"] = str(folder / "cache")
    (folder / "cache").mkdir()
    try:
        outcome = play(seed, number, folder / "here")
    except Exception:
        outcome = Outcome(violations=[traceback.format_exc()])
    if outcome.violations:
        again = f"make torture SEED={seed} FIRST={number} ROUNDS=1"
        print(f"\nround {number} ({again}) in {folder}:", *outcome.story, *outcome.violations, sep="\n  ", flush=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _print_table(rounds: int, kills: Counter[str], late: Counter[str], points: set[str], broken: int) -> None:
    rows: list[tuple[str, object]] = [("rounds", rounds)]
    every = sorted(kills.keys() | late.keys())
    rows += [(f"killed: {victim}", f"{kills[victim]} ({late[victim]} too late)") for victim in every]
    rows.append(("fault points reached", f"{len(points & set(POINTS))} of {len(POINTS)}"))
    rows.append(("rounds with violations", broken))
    for what, count in rows:
        print(f"{what:<24} {count}")
    missed = sorted(set(POINTS) - points)
    if missed:
        print("not reached:", ", ".join(missed))


if __name__ == "__main__":
    sys.exit(main())
