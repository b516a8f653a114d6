"""`import workbench`, opening a run on a cold workspace, and submitting a job, against bare Python starts."""

import os
import tempfile
from pathlib import Path

from common import Result, interleaved, python, tell

OPEN = "import workbench; workbench.start_run(experiment='e', system_metrics=False).end()"


def importing() -> Result:
    ours, floor = interleaved(lambda: python("-c", "import workbench; workbench.log"), lambda: python("-c", "pass"), 25)
    return Result("`import workbench` in a script", ours * 1e3, floor * 1e3, "ms", "<= floor + 30 ms", "bare Python")


def opening(folder: Path) -> Result:
    count = iter(range(1000))

    def ours() -> None:
        place = folder / f"cold-{next(count)}"
        (place / ".git").mkdir(parents=True)
        python("-c", OPEN, cwd=place)

    took, floor = interleaved(ours, lambda: python("-c", "import workbench; workbench.log"), 25)
    what = "opening a run on a cold workspace"
    return Result(what, took * 1e3, floor * 1e3, "ms", "<= floor + 20 ms", "a script that imports workbench")


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
        lambda: python(*command, cwd=place), lambda: (python("-c", "pass"), python("-c", "pass")), 9
    )
    what = "a local job of 100 files, 1 MB, warm, all stages but the command"
    return Result(what, took * 1e3, floor * 1e3, "ms", "<= floor + 300 ms", "two bare Python starts")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="workbench-bench-"))
    os.environ["WORKBENCH_CACHE"] = str(folder / "cache")
    tell([importing(), opening(folder), submitting(folder)])


if __name__ == "__main__":
    main()
