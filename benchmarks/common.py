"""What benchmarks share: best-of timing, a fresh process, and one way to say a result."""

import atexit
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: A user's Python keeps what it has compiled; one that is told not to would compile everything at every start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def own_folder() -> Path:
    """A folder that goes when the benchmark has ended."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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


def measured(action: Callable[[], object]) -> float:
    """The seconds that the action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def as_told(action: Callable[[], float]) -> float:
    """The seconds that the action tells, which has measured a part of what it does."""
    return action()


def interleaved(
    ours: Callable[[], Any], floor: Callable[[], Any], rounds: int, seconds: Callable[[Any], float] = measured
) -> tuple[float, float]:
    """Median seconds of both, measured in turns so that a noisy moment meets both; a first turn is not counted."""
    ours(), floor()
    pairs = [(seconds(ours), seconds(floor)) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def python(*words: str, **options: Any) -> str:
    """Run this Python in a fresh process; what it prints. Raises CalledProcessError if it fails."""
    return subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True, **options).stdout
