"""Processes whose clock is behind that of those before them: what is done later counts, all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from workbench_store.rebuild import rebuild

import workbench
from workbench import Workspace

BEHIND = "import time; real = time.time; time.time = lambda: real() + {seconds}\n"
COMMAND = BEHIND + "import sys; from workbench.cli.main import main; sys.exit(main(sys.argv[1:]))"


def at(seconds: float, *words: str) -> str:
    """A command whose clock is off by so much; what it printed."""
    text = COMMAND.format(seconds=seconds)
    return subprocess.run([sys.executable, "-c", text, *words], check=True, capture_output=True, text=True).stdout


def script(seconds: float, text: str) -> None:
    subprocess.run([sys.executable, "-c", BEHIND.format(seconds=seconds) + text], check=True, capture_output=True)


def a_run(name: str, seconds: float = 0.0) -> None:
    script(seconds, f"import workbench\nworkbench.start_run(name={name!r}, system_metrics=False).end()")


@pytest.mark.parametrize(("before", "after"), [(0.0, -3.0), (86_400.0, 0.0), (0.0, -0.002)])
def test_edits(here: Path, before: float, after: float) -> None:
    a_run("r")
    for words in (("tag", "r", "x=1"), ("note", "r", "first"), ("archive", "r")):
        at(before, *words)
    for words in (("tag", "r", "x=2"), ("note", "r", "second"), ("archive", "--undo", "r")):
        at(after, *words)
    workspace = Workspace()
    for _ in range(2):
        record = workspace.run("r").record()
        assert (record.tags, record.note, record.archived) == ({"x": "2"}, "second", False)
        rebuild(workspace.layout)


def test_an_edit_of_another_run_with_a_clock_that_was_ahead_changes_nothing(here: Path) -> None:
    a_run("other")
    at(3600.0, "note", "other", "of tomorrow")
    with workbench.start_run(name="r", system_metrics=False) as run:
        run.set_tags({"stage": "begun"})
        at(0.0, "tag", "r", "stage=user")
        assert Workspace().run("r").tags == {"stage": "user"}
        run.set_tags({"stage": "finished"})
    assert Workspace().run("r").tags == {"stage": "finished"}


def test_a_life_that_is_resumed_after_a_user_has_set_a_tag(here: Path) -> None:
    a_run("r")
    at(3600.0, "tag", "r", "x=user")
    with workbench.start_run(resume="r", system_metrics=False) as run:
        run.set_tags({"x": "resumed"})
    assert Workspace().run("r").tags == {"x": "resumed"}


def test_what_is_removed_while_the_clock_was_ahead_goes_all_the_same(here: Path) -> None:
    a_run("r")
    at(3600.0, "rm", "--yes", "r")
    at(0.0, "gc", "--yes")
    assert not list(Workspace().layout.trash.iterdir())


def test_a_tag_that_the_run_itself_has_set(here: Path) -> None:
    a_run("r")
    with workbench.start_run(resume="r", system_metrics=False) as run:
        run.set_tags({"x": "1"})
    at(-60.0, "tag", "r", "x=2")
    assert Workspace().run("r").tags == {"x": "2"}


def set_ahead(run: str, seconds: float) -> None:
    """As the files of journals are that were written while the kernel's clock was ahead."""
    for journal in Workspace().layout.run(run).journals.iterdir():
        written = journal.stat().st_mtime + seconds
        os.utime(journal, (written, written))


@pytest.mark.parametrize("edited", [True, False])
def test_a_tag_of_a_run_that_was_resumed_after_the_clock_was_set_back(here: Path, edited: bool) -> None:
    a_run("r", 3600.0)
    set_ahead("r", 3600.0)
    if edited:
        at(3605.0, "tag", "r", "x=before")
    with workbench.start_run(resume="r", system_metrics=False) as run:
        for step in range(50_000):
            run.log({"k": step}, step=step)
        run.set_tags({"x": "resumed"})
    for tag in ("after", "later"):
        at(0.0, "tag", "r", f"x={tag}")
        assert Workspace().run("r").tags == {"x": tag}


def test_the_latest_version_of_data_and_the_place_of_a_datastore(here: Path) -> None:
    for name in ("old", "new"):
        (here / name).mkdir()
        (here / name / "is.txt").write_text(name)
    for seconds, name in ((0.0, "old"), (-5.0, "new")):
        at(seconds, "data", "add", "d", f"./{name}")
        at(seconds, "datastore", "add", "s", f"./{name}")
    assert str(here / "new") in at(0.0, "datastore", "ls")
    (here / "job.yml").write_text(
        "command: cat ${{inputs.d}}/is.txt > outputs/seen\nname: j\n"
        "inputs:\n  d: {type: uri_folder, path: 'azureml:d@latest'}\n"
    )
    at(0.0, "run", "job.yml")
    assert (Workspace().layout.run("j").outputs / "seen").read_text() == "new"


def test_a_new_run_of_a_removed_ones_name_has_what_is_its_own(here: Path) -> None:
    a_run("n")
    at(0.0, "tag", "n", "of=old")
    at(0.0, "note", "n", "old")
    at(-60.0, "rm", "--yes", "n")
    at(-60.0, "gc", "--yes")
    script(-120.0, "import workbench\nwith workbench.start_run(name='n') as run: run.set_tags({'of': 'new'})")
    record = Workspace().run("n").record()
    assert (record.tags, record.note) == ({"of": "new"}, None)
    at(-120.0, "tag", "n", "also=1")
    assert Workspace().run("n").tags == {"of": "new", "also": "1"}


LIFE = """
import workbench
with workbench.start_run({how}="r", system_metrics=False) as run:
    for step in range(10):
        run.log({{"m": step + {more}}}, step=step)
    run.set_tags({{"best": "{name}"}})
    run.log_params({{"lr": {more}}})
"""


def test_a_resumed_life(here: Path) -> None:
    script(0.0, LIFE.format(how="name", more=0, name="old"))
    script(-7200.0, LIFE.format(how="resume", more=1000, name="new"))
    run = Workspace().run("r")
    assert (run.tags, run.params) == ({"best": "new"}, {"lr": 1000})
    assert run.metrics()["m"] == 1009.0
    record = run.record()
    assert record.ended is not None and record.started is not None and record.ended >= record.started


SET_BACK_BETWEEN = """
import time, workbench
real, off = time.time, [0.0]
time.time = lambda: real() + off[0]
with workbench.start_run(name="r", system_metrics=False) as run:
    for number in range(100):
        if number == 50:
            off[0] = -3600.0
        run.log({"m": number}, step=0)
        run.log({"n": number}, step=0) if number else run.log({"n": number})
"""


def test_in_the_midst_of_a_run(here: Path) -> None:
    subprocess.run([sys.executable, "-c", SET_BACK_BETWEEN], check=True)
    run = Workspace().run("r")
    record = run.record()
    assert run.metrics() == {"m": 99.0, "n": 99.0}
    assert record.ended is not None and 0 <= record.ended - record.created < 600
