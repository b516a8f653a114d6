"""The demo: three runs of one training job with different parameters, compared in a table, then the dashboard.

`make demo` runs this. With no terminal, or with NO_TUI=1, it prints and ends.
"""

import os
import subprocess
import sys
from pathlib import Path

from workbench.cli.following import follow_to_the_end
from workbench.cli.output import Cell, emit, emit_table, narrate
from workbench.cli.signals import signals
from workbench.run import Run
from workbench.view.format import format_duration, format_number
from workbench_store.states import RunState

from workbench import Workspace, load_job

JOB = Path(__file__).parent / "digits" / "job.yml"
VARIANTS = (
    {"inputs.hidden": 8, "inputs.learning_rate": 0.001},
    {"inputs.hidden": 32, "inputs.learning_rate": 0.001},
    {"inputs.hidden": 64, "inputs.learning_rate": 0.01},
)


def main() -> int:
    workspace = Workspace(Path(__file__).parents[1])
    runs = []
    for number, variant in enumerate(VARIANTS, 1):
        narrate(f"\nrun {number} of {len(VARIANTS)}: " + ", ".join(f"{key}={value}" for key, value in variant.items()))
        with signals() as taken:
            job = load_job(JOB, params_override=[variant])
            run = workspace.submit(job, narrate=narrate, before_shown=taken.hold)
            state = follow_to_the_end(workspace.layout, run.name, taken)
        if state is not RunState.COMPLETED:
            narrate(f"the run did not complete; see: workbench logs {run.name}")
            return 1
        runs.append(run)
    show(runs)
    snapshots = {run.record().snapshot for run in runs}
    emit(f"\n{len(runs)} runs of identical code share {len(snapshots)} snapshot.")
    return dashboard(workspace)


def show(runs: list[Run]) -> None:
    rows = []
    for run in runs:
        params, metrics, record = run.params, run.metrics(), run.record()
        numbers = [params["hidden"], params["learning_rate"], metrics["loss"], metrics["accuracy"]]
        seconds = record.seconds or 0.0
        rows.append(
            [
                Cell(run.name, "bold"),
                Cell(str(record.state), "green"),
                *(Cell(format_number(float(str(value))), right=True) for value in numbers),
                Cell(format_duration(seconds), right=True),
            ]
        )
    emit("")
    emit_table(["RUN", "STATE", "HIDDEN", "LEARNING RATE", "LOSS", "ACCURACY", "DURATION"], rows)


def dashboard(workspace: Workspace) -> int:
    command = [str(Path(sys.executable).with_name("workbench")), "--workspace", str(workspace.path)]
    code = 0
    if not os.environ.get("NO_TUI") and sys.stdin.isatty() and sys.stdout.isatty():
        code = subprocess.run(command, check=False).returncode
    emit("Open the dashboard with: .venv/bin/workbench")
    return code


if __name__ == "__main__":
    sys.exit(main())
