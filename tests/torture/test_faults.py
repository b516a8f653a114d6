"""The fault points themselves: nothing happens unless one is armed, and what happens then."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import workbench_store
from workbench_store.faults import POINTS, TRACE, VARIABLE

import workbench

REACH_FIVE_TIMES = """
from workbench_store.faults import fault
for number in range(5):
    try:
        fault("blob.kept")
    except OSError as error:
        print(error.errno, end=" ")
    print(number, flush=True, end=" ")
"""


def reach(**environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", REACH_FIVE_TIMES], env=environ, capture_output=True, text=True)


def test_a_point_that_is_not_armed_is_passed() -> None:
    assert reach().stdout == "0 1 2 3 4 "
    assert reach(**{VARIABLE: "blob.synced"}).stdout == "0 1 2 3 4 "


def test_an_armed_point_kills_the_first_or_the_named_time() -> None:
    first, third = reach(**{VARIABLE: "blob.kept"}), reach(**{VARIABLE: "blob.kept:3"})
    assert (first.returncode, first.stdout) == (-signal.SIGKILL, "")
    assert (third.returncode, third.stdout) == (-signal.SIGKILL, "0 1 ")


def test_an_armed_error_is_raised_once() -> None:
    assert reach(**{VARIABLE: "blob.kept:2!ENOSPC"}).stdout == "0 28 1 2 3 4 "


def test_what_is_reached_is_traced(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    reach(**{VARIABLE: "blob.kept:2", TRACE: str(trace)})
    assert trace.read_text() == "blob.kept passed\nblob.kept SIGKILL\n"


def test_the_table_holds_the_points_that_are_in_the_code() -> None:
    packages = (Path(str(package.__file__)).parent for package in (workbench, workbench_store))
    texts = [path.read_text() for package in packages for path in package.rglob("*.py")]
    named = {name for text in texts for name in re.findall(r'\bfault\("([\w.-]+)"\)', text)}
    assert named == {name for name in POINTS if not name.startswith("stage.")}
