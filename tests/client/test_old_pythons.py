"""What a job imports, under every Python from 3.8 that this machine has, with nothing of ours installed."""

import os
import subprocess
from pathlib import Path

import pytest
from workbench.client.bundle import ensure_bundle
from workbench.environment.interpreters import Interpreter, find_interpreters
from workbench_store.workspace import open_workspace

from tests.client.scripts import store_of, the_run

pytestmark = pytest.mark.slow

FOUND = find_interpreters()
SCRIPT = """
import sys
import workbench
assert "workbench" in workbench.__file__
with workbench.start_run(experiment="e", system_metrics=0.1) as run:
    for step in range(100):
        run.log({"loss": 1.0 / (step + 1), "acc": step}, step=step)
    workbench.log_params({"version": "%d.%d" % sys.version_info[:2]})
    run.log_image("i", [[0.0, 0.5], [1.0, 0.25]], caption="c")
    run.log_table("t", [{"a": 1, "b": "x"}, {"a": float("nan")}])
    run.log_histogram("h", [1, 2.5, 3])
    run.log_text("s", "short")
    run.log_text("s", "long " * 1000)
    print("said")
    open("a.txt", "w").write("text")
    run.log_model("a.txt", "m", flavor="text", metadata={"classes": 2})
    workbench.log_artifact("a.txt")
"""


def test_there_is_a_python_to_try() -> None:
    assert FOUND


@pytest.mark.parametrize("interpreter", FOUND, ids=[found.text for found in FOUND])
def test_the_bundle_logs(here: Path, interpreter: Interpreter) -> None:
    bundle = ensure_bundle(open_workspace())
    (here / "train.py").write_text(SCRIPT)
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    # -S: without site-packages, as if nothing of ours were installed.
    done = subprocess.run(
        [interpreter.path, "-S", "-W", "error", "train.py"],
        cwd=here,
        env={**clean, "PYTHONPATH": str(bundle)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    store = store_of(here)
    name = the_run(store)
    assert store.params(name)["version"] == f"{interpreter.minor[0]}.{interpreter.minor[1]}"
    assert len(store.series(name, "loss")) == 100 and str(store.run(name).state) == "Completed"
    assert [(one.kind, one.size) for one in store.artifacts(name)][:2] == [("logged", 4), ("model", 4)]
    assert [(one.kind, one.key, one.step) for one in store.media(name)] == [
        *(("histogram", "h", 0), ("image", "i", 0), ("model", "m", 0)),
        *(("text", "s", 0), ("text", "s", 1), ("table", "t", 0)),
    ]


@pytest.mark.parametrize("interpreter", FOUND, ids=[found.text for found in FOUND])
@pytest.mark.parametrize(
    ("ending", "state", "warned"),
    [
        ("sys.exit(3)", "Failed", False),
        ("sys.exit()", "Completed", False),
        ("raise SystemExit(3)", "Completed", True),
        ("print('the end')", "Completed", False),
        ("for _ in [1]: pass", "Completed", False),
        ("def f(): return 1\nf()", "Completed", False),
    ],
)
def test_how_a_script_ends_under_each_python(
    here: Path, interpreter: Interpreter, ending: str, state: str, warned: bool
) -> None:
    bundle = ensure_bundle(open_workspace())
    (here / "train.py").write_text(
        f"import sys\nimport workbench\nworkbench.start_run(system_metrics=False)\n{ending}\n"
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    words = [interpreter.path, "-W", "error", "train.py"]
    subprocess.run(words, cwd=here, env={**clean, "PYTHONPATH": str(bundle)}, capture_output=True, timeout=60)
    store = store_of(here)
    name = the_run(store)
    assert str(store.run(name).state) == state
    assert any("sys.exit(code)" in text for text in store.detail(name).warnings) is warned


@pytest.mark.parametrize("interpreter", FOUND, ids=[found.text for found in FOUND])
def test_a_short_script_has_the_state_of_its_code_and_says_nothing(here: Path, interpreter: Interpreter) -> None:
    bundle = ensure_bundle(open_workspace())
    subprocess.run(["git", "init", "-q"], check=True)
    (here / "train.py").write_text("import workbench\nworkbench.log({'a': 1})\n")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    words = [interpreter.path, "train.py"]
    done = subprocess.run(
        words, cwd=here, env={**clean, "PYTHONPATH": str(bundle)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    store = store_of(here)
    git = store.detail(the_run(store)).git
    assert git is not None and git.untracked == 1
