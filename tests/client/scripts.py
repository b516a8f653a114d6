"""Training scripts as processes of their own, and what they recorded."""

import os
import subprocess
import sys
from pathlib import Path

from workbench_store.layout import WorkspaceLayout
from workbench_store.store import Store


def run_script(
    here: Path, text: str, *, python: str = sys.executable, **environ: str
) -> "subprocess.CompletedProcess[str]":
    """Run a script in `here`."""
    script = here / "script.py"
    script.write_text(text)
    return subprocess.run(
        [python, str(script)], cwd=here, env={**os.environ, **environ}, capture_output=True, text=True, timeout=120
    )


def start_script(here: Path, text: str) -> "subprocess.Popen[str]":
    script = here / "script.py"
    script.write_text(text)
    return subprocess.Popen(
        [sys.executable, str(script)], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def store_of(here: Path) -> Store:
    store = Store(WorkspaceLayout(here / ".workbench"))
    store.refresh()
    return store


def the_run(store: Store) -> str:
    (name,) = store.runs().names
    return name
