"""What benchmarks share: best-of timing, a fresh process, and one way to say a result."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

#: A user's Python keeps what it has compiled; one that is told not to would compile everything at every start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@dataclass(frozen=True)
class Result:
    """One measured line: ours and its floor in the same unit, measured in the same run."""

    what: str
    ours: float
    floor: float
    unit: str
    budget: str
    floor_is: str

    @property
    def ratio(self) -> float:
        return self.ours / self.floor if self.floor else float("nan")


def tell(results: list[Result]) -> None:
    """Print results as JSON lines, which `run_all.py` reads, or as text for a person."""
    for result in results:
        if "--json" in sys.argv:
            print(json.dumps({**asdict(result), "ratio": result.ratio}))
        else:
            print(
                f"{result.what}: {result.ours:.3g} {result.unit}; floor {result.floor:.3g} ({result.floor_is}); "
                f"ratio {result.ratio:.2f}; budget {result.budget}"
            )


def interleaved(ours: Callable[[], object], floor: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds of both, measured in turns so that a noisy moment meets both; a first turn is not counted."""
    ours(), floor()
    pairs = [(_seconds(ours), _seconds(floor)) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def python(*words: str, **options: object) -> None:
    """Run this Python in a fresh process; raises CalledProcessError if it fails."""
    subprocess.run([sys.executable, *words], check=True, capture_output=True, **options)  # type: ignore[call-overload]
