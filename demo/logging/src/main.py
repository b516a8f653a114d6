"""All that `import workbench` offers a script. Runs by itself too: then it opens a run of its own."""

import math
from pathlib import Path

import workbench

with workbench.start_run(experiment="logging") as run:
    run.log_params({"optimizer": {"name": "sgd", "lr": 0.1}, "layers": 3})
    run.set_tags({"python": "3.8 and later"})
    for step in range(100):
        run.log({"loss": math.exp(-step / 20), "lr": 0.1 * 0.99**step}, step=step)
    workbench.log({"accuracy": 0.93})
    note = Path("note.txt")
    note.write_text("an artifact\n")
    run.log_artifact(str(note))
