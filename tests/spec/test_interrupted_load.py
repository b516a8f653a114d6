"""Ctrl-C while the first submit of a notebook loads what it needs: the next submit works."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, signal, sys

class Finder:
    done = False
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1] and not Finder.done:
            Finder.done = True
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from workbench import Workspace, command
told = []
for _ in range(2):
    try:
        job = sys.argv[2] or command(command="true")
        told.append(Workspace().submit(job).wait())
    except KeyboardInterrupt:
        told.append("interrupted")
print(Finder.done, *told)
"""


@pytest.mark.parametrize("given", ["", "job.yml"])
@pytest.mark.parametrize("module", ["yaml.cyaml", "yaml.constructor"])
def test_the_next_submit_works(here: Path, module: str, given: str) -> None:
    (here / "job.yml").write_text("command: 'true'\n")
    words = [sys.executable, "-c", SCRIPT, module, given]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stdout == "True interrupted Completed\n", done.stderr
