"""`import workbench`, opening a run on a cold workspace, and submitting a job, against bare Python starts."""

import os
from collections.abc import Callable
from pathlib import Path

from common import Result, as_told, interleaved, own_folder, python, tell

OPEN = """
import time, workbench
workbench.log
began = time.perf_counter()
run = workbench.start_run(experiment="e", system_metrics=False)
print(time.perf_counter() - began)
"""
#: As many as a run on a cold workspace has, its notices in the cache included.
FOLDERS_AND_FILES = """
import os, time
began = time.perf_counter()
for number in range(19):
    os.mkdir(f"{number}")
for number in range(11):
    with open(f"{number}/file", "w") as file:
        file.write("x" * 200)
print(time.perf_counter() - began)
"""


def importing() -> Result:
    ours, floor = interleaved(lambda: python("-c", "import workbench; workbench.log"), lambda: python("-c", "pass"), 25)
    return Result("`import workbench` in a script", ours * 1e3, floor * 1e3, "ms", "<= floor + 30 ms", "bare Python")


def opening(folder: Path) -> Result:
    """As the script feels it, which has imported workbench."""
    count = iter(range(1000))

    def told(code: str) -> Callable[[], float]:
        def seconds() -> float:
            place = folder / f"cold-{next(count)}"
            (place / ".git").mkdir(parents=True)
            return float(python("-c", code, cwd=place).splitlines()[-1])

        return seconds

    took, floor = interleaved(told(OPEN), told(FOLDERS_AND_FILES), 25, as_told)
    what = "opening a run on a cold workspace"
    return Result(what, took * 1e3, floor * 1e3, "ms", "<= 20 ms", "as many folders and files")


def submitting(folder: Path) -> Result:
    place = folder / "submit"
    (place / ".git").mkdir(parents=True)
    code = place / "src"
    code.mkdir()
    for number in range(100):
        (code / f"file{number}.py").write_text("#" * 10_000)
    (place / "job.yml").write_text("command: 'true'\ncode: ./src\n")
    command = ("-m", "workbench", "run", "job.yml")
    python(*command, cwd=place)
    took, floor = interleaved(
        lambda: python(*command, cwd=place), lambda: (python("-c", "pass"), python("-c", "pass")), 15
    )
    what = "a local job of 100 files, 1 MB, warm, all stages but the command"
    return Result(what, took * 1e3, floor * 1e3, "ms", "<= floor + 300 ms", "two bare Python starts")


def main() -> None:
    folder = own_folder()
    os.environ["WORKBENCH_CACHE"] = str(folder / "cache")
    tell([importing(), opening(folder), submitting(folder)])


if __name__ == "__main__":
    main()
