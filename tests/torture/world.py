"""A workspace of a test's own with what its processes said, and runs that are in it from the start."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.workspace import open_workspace

from tests.torture import training_script

_LONG_AGO = 1_000_000.0


@dataclass(frozen=True)
class World:
    """The folder in which commands are run; the workspace is in it."""

    here: Path

    @property
    def layout(self) -> WorkspaceLayout:
        return WorkspaceLayout(self.here / ".workbench")

    @property
    def said(self) -> Path:
        """What training processes said."""
        return self.here / "said"

    @property
    def trace(self) -> Path:
        """The fault points that were reached, and what happened there."""
        return self.here / "trace"

    @property
    def code(self) -> Path:
        return self.here / "src"

    @property
    def published(self) -> Path:
        """Where the job's output goes that the user wants elsewhere."""
        return self.here / "published"

    def run_names(self) -> list[str]:
        """The runs that are there to be seen."""
        runs = self.layout.runs
        return sorted(path.name for path in runs.glob("[!.]*")) if runs.is_dir() else []


def make_world(here: Path, *, with_workspace: bool = True) -> World:
    """An empty one: code, a job file, a folder for what is said."""
    world = World(here)
    for folder in (world.code, world.said, here / ".git"):
        folder.mkdir(parents=True, exist_ok=True)
    (world.code / "train.py").write_text(Path(training_script.__file__).read_text())
    (world.code / "notes.txt").write_text("not code\n")
    write_job(world)
    if with_workspace:
        # Tidied just now: nobody tidies in the background, beyond the reach of what kills and checks.
        open_workspace(explicit=str(here)).tidy_lock.touch()
    return world


def write_job(world: World, *, steps: int = 30, variables: dict[str, str] | None = None) -> None:
    """The job file: two ranks of the training script; `variables` are those of the job alone."""
    words = [sys.executable, "train.py", str(world.said), str(steps), "${{outputs.p}}", "${{outputs.r}}"]
    job = {
        "command": " ".join(words),
        "code": "./src",
        "distribution": {"type": "pytorch", "process_count_per_instance": 2},
        "outputs": {
            "p": {"type": "uri_folder", "mode": "upload", "path": str(world.published)},
            "r": {"type": "uri_folder", "name": "weights"},
        },
        "environment_variables": variables or {},
    }
    (world.here / "job.yml").write_text(json.dumps(job))


def add_finished_run(world: World, name: str, *, keys: int = 1, steps: int = 3000, first: int = 0) -> None:
    """A script's run that ended long ago; with `first`, more of one that is there: the steps from there on."""
    folder = world.layout.run(name).journals
    if not folder.exists():
        folder.mkdir(parents=True)
        _write_life(folder, name)
    for rank in range(2):
        _write_points(world, name, rank, [f"k{number}" for number in range(keys)], range(first, first + steps))
    for path in folder.glob("*.wbj"):
        os.utime(path, (_LONG_AGO, _LONG_AGO))


def _write_life(folder: Path, name: str) -> None:
    writer = JournalWriter(folder, "script")
    writer.event("run", name=name, id=name, kind="script", experiment="torture", created=_LONG_AGO)
    writer.event("state", state="Running", generation=1, judged=False, seq=1)
    writer.event("params", params={"rate": 0.1, "text": "ünïcode"})
    writer.event("state", state="Completed", generation=1, judged=False, seq=2, ended=_LONG_AGO + 60, seconds=60.0)
    writer.close()


def _write_points(world: World, name: str, rank: int, keys: list[str], steps: range) -> None:
    writer = JournalWriter(world.layout.run(name).journals, "client", rank)
    lines = [json.dumps({"run": name, "rank": rank})]
    for step in steps:
        values = [step + number / 8 + rank / 16 for number in range(len(keys))]
        writer.points(_LONG_AGO + step, step, tuple(keys), values)
        lines += [json.dumps({"tried": step, "metrics": dict(zip(keys, values, strict=True))}), f'{{"did": {step}}}']
    writer.close()
    lines.append('{"ended": true}')
    (world.said / f"{name}-{rank}-{steps.start}").write_text("\n".join(lines))
