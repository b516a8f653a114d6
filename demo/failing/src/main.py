"""Log for a while, leave something in ./outputs, then fail."""

from pathlib import Path

import workbench

for step in range(5):
    workbench.log({"loss": 1 / (step + 1)}, step=step)
Path("outputs/partial.txt").write_text("kept although the job failed\n")
raise RuntimeError("the loss is nan")
