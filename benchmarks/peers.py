"""The same work by other trackers, each in a virtual environment of their own, beside ours in the same run.

`python benchmarks/peers.py` makes `.venv-peers` from PyPI where it is not there, measures, and tells: importing the
package, opening a run on a cold folder (import included), and one `log` of five scalars.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from common import Result, tell

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-peers"
PACKAGES = ("trackio", "wandb", "mlflow", "aim", "tensorboardX", "dvclive")
#: Rounds in which every tracker has its turn, so that a noisy moment meets all.
ROUNDS = 3
VALUES = '{"loss": 0.123456, "accuracy": 0.98765, "lr": 0.001, "grad": 1.5, "time": 0.25}'

#: For each tracker: what it imports, how a run is opened, one `log` of five scalars, how it is ended, how many logs.
SCRIPTS: dict[str, tuple[str, str, str, str, int]] = {
    "ours": (
        "import workbench; workbench.log",
        "run = workbench.start_run(system_metrics=False)",
        f"run.log({VALUES}, step=step)",
        "run.end()",
        20_000,
    ),
    "trackio": (
        "import trackio",
        "trackio.init(project='p', embed=False)",
        f"trackio.log({VALUES}, step=step)",
        "trackio.finish()",
        2_000,
    ),
    "wandb (offline)": (
        "import wandb",
        "run = wandb.init(project='p', mode='offline', settings=wandb.Settings(silent=True))",
        f"run.log({VALUES}, step=step)",
        "run.finish()",
        2_000,
    ),
    "mlflow (sqlite)": (
        "import mlflow",
        "mlflow.set_tracking_uri('sqlite:///m.db'); mlflow.set_experiment('e'); mlflow.start_run()",
        f"mlflow.log_metrics({VALUES}, step=step)",
        "mlflow.end_run()",
        100,
    ),
    "aim": (
        "import aim",
        "run = aim.Run(repo='.', system_tracking_interval=None)",
        f"run.track({VALUES}, step=step)",
        "run.close()",
        500,
    ),
    "tensorboardX": (
        "from tensorboardX import SummaryWriter",
        "run = SummaryWriter('tb')",
        f"[run.add_scalar(key, value, step) for key, value in {VALUES}.items()]",
        "run.close()",
        2_000,
    ),
    "dvclive": (
        "from dvclive import Live",
        "run = Live('live', save_dvc_exp=False, dvcyaml=False, monitor_system=False)",
        f"[run.log_metric(key, value) for key, value in {VALUES}.items()]; run.next_step()",
        "run.end()",
        100,
    ),
}
PROGRAM = """
import json, time
began = time.perf_counter()
{imported}
loaded = time.perf_counter()
{opened}
opened = time.perf_counter()
for step in range({count}):
    {logged}
logged = time.perf_counter()
{ended}
print("MEASURED", json.dumps([loaded - began, opened - began, (logged - opened) / {count}]))
"""


@dataclass(frozen=True)
class Measured:
    """Seconds: importing; importing and opening a run; one log."""

    imported: float
    opened: float
    logged: float


def main() -> None:
    _install()
    found: dict[str, list[Measured]] = {name: [] for name in SCRIPTS}
    for _ in range(ROUNDS):
        for name in SCRIPTS:
            measured = _measure(name)
            if measured is not None:
                found[name].append(measured)
    medians = {name: _median(rounds) for name, rounds in found.items() if rounds}
    ours = medians.pop("ours")
    for name, peer in medians.items():
        pairs = (
            ("import", ours.imported * 1e3, peer.imported * 1e3, "ms"),
            ("import and open a run", ours.opened * 1e3, peer.opened * 1e3, "ms"),
            ("one `log` of 5 scalars", ours.logged * 1e6, peer.logged * 1e6, "us"),
        )
        tell([Result(what, mine, theirs, unit, "< the others", name) for what, mine, theirs, unit in pairs])


def _install() -> None:
    python = PEERS / "bin" / "python"
    if not python.exists():
        print("peers: installing " + ", ".join(PACKAGES), file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "setuptools<81", *PACKAGES], check=True)


def _measure(name: str) -> Measured | None:
    imported, opened, logged, ended, count = SCRIPTS[name]
    program = PROGRAM.format(imported=imported, opened=opened, logged=logged, ended=ended, count=count)
    python = sys.executable if name == "ours" else str(PEERS / "bin" / "python")
    with tempfile.TemporaryDirectory(prefix="workbench-peers-") as place:
        (Path(place) / ".git").mkdir()
        script = Path(place) / "train.py"
        script.write_text(program)
        # Nothing is to be sent anywhere, and nothing to be written into the home folder.
        quiet = {
            **{"HOME": place, "TRACKIO_DIR": place, "WANDB_DIR": place, "WANDB_MODE": "offline"},
            **{"WANDB_SILENT": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "AIM_DISABLE_TELEMETRY": "1"},
            **{"DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "DVC_NO_ANALYTICS": "1", "WORKBENCH_CACHE": place},
        }
        began = time.monotonic()
        done = subprocess.run(
            [python, str(script)], cwd=place, env={**os.environ, **quiet}, capture_output=True, text=True, timeout=300
        )
        line = next((line for line in done.stdout.splitlines() if line.startswith("MEASURED ")), None)
        if line is None:
            last = done.stderr.strip().splitlines()[-1:] or ["nothing was said"]
            print(f"peers: {name} did not run ({time.monotonic() - began:.0f} s): {last[0]}", file=sys.stderr)
            return None
        return Measured(*json.loads(line.removeprefix("MEASURED ")))


def _median(rounds: list[Measured]) -> Measured:
    return Measured(*(statistics.median(getattr(one, field) for one in rounds) for field in Measured.__annotations__))


if __name__ == "__main__":
    main()
