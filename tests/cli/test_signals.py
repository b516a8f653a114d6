"""Signals that come while a command that submits is being loaded."""

import subprocess
import sys
from pathlib import Path

HALF_MADE = """
import os, signal

class Part:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGINT)
        self.name = name

class Whole:
    part = Part()
"""
LOADING = """
import time
from workbench.cli.signals import Interrupted, listen

listen()
try:
    import half_made
    print(half_made.Whole.part, flush=True)
    time.sleep(30)
except Interrupted:
    print("interrupted")
"""


def test_what_is_being_loaded_is_loaded_whole_before_a_signal_counts(here: Path) -> None:
    (here / "half_made.py").write_text(HALF_MADE)
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, timeout=25)
    assert done.stdout.splitlines()[1:] == ["interrupted"] and "half_made.Part" in done.stdout, done.stderr


GIVEN_BACK = """
import time
from workbench.cli.signals import Interrupted, signals

try:
    with signals() as taken:
        import half_made
        taken.hold()
except Interrupted:
    print("interrupted", flush=True)
time.sleep(0.2)
print("lives on")
"""


def test_who_is_to_look_again_is_not_ended_by_it_once_nobody_listens(here: Path) -> None:
    (here / "half_made.py").write_text(HALF_MADE)
    done = subprocess.run([sys.executable, "-c", GIVEN_BACK], capture_output=True, text=True, timeout=25)
    assert (done.returncode, done.stdout) == (0, "interrupted\nlives on\n")


def test_a_signal_before_anything_is_loaded_starts_nothing(here: Path) -> None:
    """It comes with the first module that the command looks for."""
    (here / "job.yml").write_text("command: sleep 100\nname: early\n")
    early = """
import os, signal, sys

class First:
    def find_spec(self, name, path=None, target=None):
        if name == "argparse":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGTERM)

sys.argv = ["workbench", "run", "job.yml"]
sys.meta_path.insert(0, First())
from workbench.cli.entry import entry
entry()
"""
    done = subprocess.run([sys.executable, "-c", early], capture_output=True, text=True, timeout=60)
    # It counts once nothing is being loaded: a busy machine may have come to the workspace by then.
    *before, told = done.stderr.splitlines()
    assert (done.returncode, told) == (130, "interrupted before the run was made: nothing was started")
    assert all("made the workspace" in line for line in before), done.stderr
    assert not list(here.glob(".workbench/runs/*")) and not list(here.glob(".workbench/tmp/run-*"))


def test_a_ctrl_c_while_a_class_is_made_is_no_error_of_ours(here: Path) -> None:
    (here / "half_made.py").write_text(HALF_MADE)
    loading = """
import sys

class Loading:
    def find_spec(self, name, path=None, target=None):
        if name == "workbench.cli.commands.ls":
            sys.meta_path.remove(self)
            import half_made

sys.argv = ["workbench", "ls"]
sys.meta_path.insert(0, Loading())
from workbench.cli.entry import entry
entry()
"""
    done = subprocess.run([sys.executable, "-c", loading], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
