"""A training script that says, in a file of its own, what it is about to log and what `log` has returned for.

`python training_script.py FOLDER STEPS [PUBLISHED REGISTERED]`: the file is made in FOLDER; the others are folders.
"""

import json
import os
import sys
import time
from typing import Any

import workbench

#: Names the variable that says how long each step takes, in seconds.
PAUSE = "TRAINING_PAUSE"


def main(folder: str, steps: int, outputs: "list[str]") -> None:
    run = workbench.start_run(system_metrics=False, console=False)
    place = os.path.join(folder, f"{run.name}-{run.rank}-{os.getpid()}")
    said = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(**words: Any) -> None:
        os.write(said, json.dumps(words).encode() + b"\n")

    say(run=run.name, rank=run.rank)
    for step in range(steps):
        metrics = {"loss": step + run.rank / 8, "accuracy": -step / 3}
        say(tried=step, metrics=metrics)
        run.log(metrics, step=step)
        say(did=step)
        time.sleep(float(os.environ.get(PAUSE, "0")))
    if outputs and run.rank == 0:
        keep(*outputs)
    say(ended=True)
    run.end()


def keep(published: str, registered: str) -> None:
    """Leave outputs of every kind: in a folder in the place of ./outputs, behind links, logged, named."""
    os.unlink("outputs")
    for folder in ("outputs/deep", "model"):
        os.makedirs(folder)
    files = ("outputs/a", "outputs/deep/b", "model/weights", "best.bin", f"{published}/p", f"{registered}/r", "logged")
    for path in files:
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"content of {os.path.basename(path)}\n" * 50)
    os.symlink(os.path.abspath("model"), "outputs/model")
    os.symlink(os.path.abspath("best.bin"), "outputs/best")
    workbench.log_artifact("logged")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
