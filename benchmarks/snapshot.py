"""A snapshot of an unchanged tree of 50,000 files with 3 ignore rules, against `git status` on it."""

import subprocess
import tempfile
from pathlib import Path

from common import Result, interleaved, tell
from workbench_store.snapshot import take_snapshot
from workbench_store.workspace import open_workspace


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        code = Path(place) / "code"
        for folder in range(500):
            inner = code / f"package{folder % 25}" / f"part{folder}"
            inner.mkdir(parents=True)
            for number in range(100):
                (inner / f"file{number}.py").write_text(f"value = {folder * 100 + number}\n")
        (code / ".amlignore").write_text("*.log\n/data/\n**/cache/*.tmp\n")
        git = ["git", "-C", str(code)]
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "add", "-A"], check=True)
        layout = open_workspace(explicit=str(Path(place) / "ws"))
        take_snapshot(layout, code)
        subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True)
        ours, floor = interleaved(
            lambda: take_snapshot(layout, code),
            lambda: subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True),
            5,
        )
    tell(
        [
            Result(
                "snapshot of 50,000 unchanged files", ours, floor, "s", "<= 2.5 x git status", "git status on the tree"
            )
        ]
    )


if __name__ == "__main__":
    main()
