"""Going on with a run that has ended, and beginning one with another's past."""

import math
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench.housekeeping.giving_back import give_back, offer
from workbench.lifecycle import remove_runs
from workbench.lifecycle.edits import edit_tags
from workbench_store.errors import UsageError
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.records import RunRecord
from workbench_store.state_changes import StateChange, fold_states
from workbench_store.states import RunState
from workbench_store.store import Store
from workbench_store.tidy import tidy
from workbench_store.workspace import open_workspace

import workbench
from tests.client.scripts import run_script, start_script, store_of
from tests.lifecycle.launched import wait_until
from workbench import Workspace

pytestmark = pytest.mark.slow


def record(name: str) -> RunRecord:
    return Workspace().run(name).record()


def make(name: str, steps: int = 10, state: str = "Completed") -> None:
    run = workbench.start_run(
        experiment="e", name=name, params={"lr": 0.1}, tags={"team": "vision"}, system_metrics=False
    )
    for step in range(steps):
        run.log({"loss": 1.0 / (step + 1)}, step=step)
        run.log({"auto": float(step)})
    run.end(state)


def test_a_failed_run_is_resumed_and_completed(here: Path) -> None:
    make("r", state="Failed")
    before = record("r")
    assert before.state is RunState.FAILED
    with workbench.start_run(resume="r", system_metrics=False, tags={"again": "yes"}) as run:
        assert run.name == "r" and record("r").state is RunState.RUNNING
        run.log({"loss": 0.01}, step=10)
        run.log({"auto": 10.0})
    after = record("r")
    assert after.state is RunState.COMPLETED and after.reason is None
    assert after.experiment == "e" and after.tags == {"team": "vision", "again": "yes"}
    assert after.started == before.started and before.seconds is not None
    assert after.seconds is not None and after.seconds >= before.seconds
    seen = Workspace().run("r")
    assert seen.series("loss").steps == list(range(11))
    assert seen.series("auto").steps == list(range(11)), "steps that are not given go on"


def test_a_script_may_open_a_run_and_resume_it_in_the_same_words(here: Path) -> None:
    make("r", state="Failed")
    with workbench.start_run("e", name="r", resume="r", system_metrics=False) as run:
        run.log({"loss": 0.01}, step=10)
    assert record("r").state is RunState.COMPLETED and record("r").experiment == "e"


def test_a_run_is_resumed_again_and_again_and_rebuilt_the_same(here: Path) -> None:
    make("r", state="Canceled")
    for number in range(3):
        run = workbench.start_run(resume="r", system_metrics=False)
        run.log({"loss": 0.0}, step=100 + number)
        run.end("Failed" if number < 2 else "Completed")
    assert record("r").state is RunState.COMPLETED
    layout = open_workspace()
    before = (record("r"), Store(layout).series("r", "loss"))
    layout.store.unlink()
    assert (record("r"), Store(layout).series("r", "loss")) == before


def test_a_run_whose_script_was_killed_is_resumed(here: Path) -> None:
    text = "import workbench\nrun = workbench.start_run(name='r', system_metrics=False)\n"
    text += "for step in range(100000):\n    run.log({'k': 1.0}, step=step)\n"
    text += "print('on', flush=True)\nimport time; time.sleep(1000)"
    process = start_script(here, text)
    assert process.stdout is not None and process.stdout.readline() == "on\n"
    with pytest.raises(UsageError, match="still running"):
        workbench.start_run(resume="r")
    process.kill()
    process.wait()
    killed = record("r")
    assert killed.state is RunState.FAILED and killed.started is not None and killed.ended is not None
    with workbench.start_run(resume="r", system_metrics=False) as run:
        going = record("r")
        assert going.state is RunState.RUNNING, "though the journal is long"
        lived = killed.ended - killed.started
        now = time.time()
        assert going.going_since is not None and now - going.going_since >= lived, "the killed life counts"
        time.sleep(0.3)
        assert time.time() - going.going_since < time.time() - killed.started, "and what was between does not"
        run.log({"k": 2.0}, step=100000)
    assert record("r").state is RunState.COMPLETED
    assert (record("r").seconds or 0) > killed.ended - killed.started, "the time of the killed life counts too"


KILLED = """
import os, time, workbench
with workbench.start_run({how}="r", system_metrics=False) as run:
    for _ in range(10):
        run.log({{"a": 1.0}})
        time.sleep(0.05)
    {end}
"""


def test_the_duration_of_a_run_is_that_of_all_its_lives_whoever_looked_in_between(here: Path) -> None:
    """And not of the time in which it was dead."""
    lives = [("name", "os.kill(os.getpid(), 9)"), ("resume", "os.kill(os.getpid(), 9)"), ("resume", "pass")]
    for how, end in lives:
        run_script(here, KILLED.format(how=how, end=end))
        time.sleep(1.0)
        if how == "resume" and "kill" in end:
            assert 0.9 < (record("r").seconds or 0) < 1.7, "of lives all of which were killed, too"
    found = record("r")
    assert found.state is RunState.COMPLETED and found.seconds is not None and 1.3 < found.seconds < 2.4
    states = [str(one.state) for one in store_of(here).detail("r").states]
    assert states == ["Running", "Failed", "Running", "Failed", "Running", "Completed"]


def test_a_fork_has_the_tags_that_users_gave_its_source(here: Path) -> None:
    layout = open_workspace()
    make("r")
    edit_tags(layout, ["r"], {"of": "the first"})
    remove_runs(layout, ["r"])
    give_back(layout, offer(layout, time.time(), 0.0))
    make("r")
    edit_tags(layout, ["r"], {"team": "speech", "best": ""}, [])
    edit_tags(layout, ["r"], {}, ["team"])
    edit_tags(layout, ["r"], {"team": "audio"})
    with workbench.start_run(fork="r", at_step=3, name="f", system_metrics=False, tags={"own": "1"}):
        pass
    assert record("f").tags == {"team": "audio", "best": "", "own": "1"}


def test_a_resumed_run_whose_script_is_killed_is_failed(here: Path) -> None:
    make("r")
    text = "import os, signal, workbench\nrun = workbench.start_run(resume='r', system_metrics=False)\n"
    run_script(here, text + "run.log({'loss': 9.0}, step=50)\nos.kill(os.getpid(), signal.SIGKILL)\n")
    found = record("r")
    assert found.state is RunState.FAILED and "ended without closing" in str(found.reason)
    assert Workspace().run("r").series("loss").steps[-1] == 50


def test_equal_steps_are_all_kept_and_the_latest_is_last(here: Path) -> None:
    make("r", steps=5)
    with workbench.start_run(resume="r", system_metrics=False) as run:
        run.log({"loss": 42.0}, step=4)
    seen = Workspace().run("r")
    assert seen.series("loss").steps == [0, 1, 2, 3, 4, 4]
    assert seen.metrics()["loss"] == 42.0


def test_a_fork_has_the_past_up_to_its_step(here: Path) -> None:
    make("r", steps=10)
    with workbench.start_run(fork="r", at_step=6, name="f", system_metrics=False) as run:
        run.log({"loss": 7.0}, step=7)
        run.log({"auto": 7.0})
    seen = Workspace().run("f")
    assert seen.series("loss").steps == list(range(8)) and seen.metrics()["loss"] == 7.0
    assert seen.series("auto").steps == list(range(8))
    assert seen.params == {"lr": 0.1} and seen.tags == {"team": "vision"}
    assert seen.record().experiment == "e"
    properties = Workspace().store.detail("f").properties
    assert properties["workbench.forked_from"] == "r" and properties["workbench.forked_at_step"] == "6"
    assert Workspace().run("r").series("loss").steps == list(range(10)), "the source stays as it was"


def test_compressed_journals_have_a_past_too(here: Path) -> None:
    make("r", steps=5000)
    layout = open_workspace()
    store_of(here)
    assert tidy(layout, quiet_seconds=0).runs == 1
    assert list(layout.run("r").journals.glob("*.wbj.gz"))
    with workbench.start_run(fork="r", at_step=3000, name="f", system_metrics=False):
        pass
    assert Workspace().run("f").series("loss").steps == list(range(3001))
    with workbench.start_run(resume="r", system_metrics=False) as run:
        run.log({"auto": 1.0})
    assert Workspace().run("r").series("auto").steps == list(range(5001))


def test_ranks_are_forked_apart(here: Path) -> None:
    make("r", steps=3)
    layout = open_workspace()
    writer = JournalWriter(layout.run("r").journals, "client", 2)
    writer.points(1.0, 1, ("loss",), (5.0,))
    writer.points(1.0, 9, ("loss",), (6.0,))
    writer.close()
    with workbench.start_run(fork="r", at_step=2, name="f", system_metrics=False):
        pass
    assert Workspace().run("f").series("loss", rank=2).values == [5.0]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"resume": "nothing"}, "names no run"),
        ({"fork": "nothing", "at_step": 1}, "names no run"),
        ({"fork": "r"}, "at_step"),
        ({"at_step": 3}, "fork names none"),
        ({"resume": "r", "fork": "r", "at_step": 1}, "not both"),
        ({"resume": "r", "name": "x"}, "keeps its name"),
        ({"resume": "r", "experiment": "x"}, "keeps its experiment, and that of r is "),
        ({"resume": "r", "display_name": "x"}, "keeps its display_name"),
        ({"resume": "r", "description": "x"}, "keeps its description"),
        ({"resume": 3}, "takes a run's name"),
        ({"resume": ""}, "takes a run's name"),
        ({"fork": "r", "at_step": 10}, "its last step is 9"),
        ({"fork": "r", "at_step": -1}, "out of range"),
        ({"fork": "r", "at_step": 1.5}, "whole number"),
        ({"fork": "empty", "at_step": 0}, "has logged no metric"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(here: Path, arguments: dict[str, object], word: str) -> None:
    make("r")
    make("empty", steps=0)
    before = sorted(path.name for path in open_workspace().runs.iterdir())
    with pytest.raises(UsageError, match=word):
        workbench.start_run(system_metrics=False, **arguments)  # type: ignore[arg-type]
    assert sorted(path.name for path in open_workspace().runs.iterdir()) == before
    assert record("r").state is RunState.COMPLETED


def test_a_beginning_of_the_name_will_do_if_it_is_one(here: Path) -> None:
    make("red-fox")
    make("red-hen")
    with pytest.raises(UsageError, match="2 runs"):
        workbench.start_run(resume="red")
    with workbench.start_run(resume="red-f", system_metrics=False) as run:
        assert run.name == "red-fox"


def test_a_jobs_run_is_forked_and_not_resumed(here: Path) -> None:
    from workbench import command

    job = command(command="python -c \"import workbench; workbench.log({'k': 1.0}, step=3)\"", name="j")
    Workspace().submit(job).wait()
    with pytest.raises(UsageError, match="made by a job, which has ended"):
        workbench.start_run(resume="j")
    going = Workspace().submit(command(command="sleep 600"))
    with pytest.raises(UsageError, match="made by a job, which is not over"):
        workbench.start_run(resume=going.name)
    going.cancel()
    with workbench.start_run(fork="j", at_step=3, name="f", system_metrics=False):
        pass
    assert Workspace().run("f").series("k").steps == [3]


def test_inside_a_job_none_is_resumed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("r")
    monkeypatch.setenv("WORKBENCH_RUN_DIR", str(open_workspace().run("r").root))
    with pytest.raises(UsageError, match="inside a job"):
        workbench.start_run(resume="r")


CHANGES = st.builds(
    StateChange,
    generation=st.integers(1, 4),
    judged=st.booleans(),
    seq=st.integers(1, 4),
    time=st.floats(0, 10),
    state=st.sampled_from([RunState.RUNNING, RunState.FAILED, RunState.COMPLETED]),
    reason=st.none(),
    resumed=st.booleans(),
)


@given(st.lists(CHANGES, max_size=8), st.randoms())
@settings(max_examples=200)
def test_any_order_of_reading_gives_the_same_state(changes: list[StateChange], dice: "object") -> None:
    found = fold_states(changes)
    shuffled = list(changes)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    again = fold_states(shuffled)
    assert (found is None) == (again is None)
    if found is not None and again is not None:
        assert (found.generation, found.judged, found.seq) == (again.generation, again.judged, again.seq)
        assert math.isfinite(found.time)


def test_the_layout_of_a_resumed_run_is_the_same(here: Path) -> None:
    make("r")
    layout: WorkspaceLayout = open_workspace()
    files = {path.name for path in layout.run("r").root.iterdir()}
    with workbench.start_run(resume="r", system_metrics=False):
        print("heard again")
    wait_until(lambda: "heard again" in Workspace().run("r").logs(), "the log")
    assert files <= {path.name for path in layout.run("r").root.iterdir()}


def test_a_fork_that_is_killed_on_the_way_takes_no_name(here: Path) -> None:
    make("a")
    text = "import os, workbench\nfrom workbench.client import past\n"
    text += "whole = past.copy_past\ndef killed(*given):\n    whole(*given)\n    os._exit(9)\npast.copy_past = killed\n"
    done = run_script(here, text + "workbench.start_run(fork='a', at_step=4, name='b')\n")
    assert done.returncode == 9, done.stderr
    assert not open_workspace().run("b").root.exists()
    with workbench.start_run(fork="a", at_step=4, name="b", system_metrics=False):
        pass
    assert Workspace().run("b").series("loss").steps == list(range(5))


def test_a_run_that_does_not_say_what_it_is_cannot_be_resumed(here: Path) -> None:
    make("r")
    open_workspace().run("r").identity.write_text("")
    with pytest.raises(UsageError, match=r"does not say what it is: run\.json"):
        workbench.start_run(resume="r")


def test_a_run_whose_journals_are_gone_is_neither_resumed_nor_forked(here: Path) -> None:
    make("r")
    shutil.rmtree(open_workspace().run("r").journals)
    origins: list[dict[str, Any]] = [{"resume": "r"}, {"fork": "r", "at_step": 1}]
    for arguments in origins:
        with pytest.raises(UsageError, match="the journals of run r are gone"):
            workbench.start_run(**arguments)


@pytest.mark.parametrize("kind", ["fifo", "folder", "endless"])
def test_what_is_no_journal_or_no_file_is_passed_over(here: Path, kind: str) -> None:
    make("r")
    folder = WorkspaceLayout(here / ".workbench").run("r")
    (folder.control / "script.json").unlink(missing_ok=True)
    for odd in (folder.journals / "user-r0-1-aaaaaaaa.wbj", folder.control / "script.json"):
        if kind == "fifo":
            os.mkfifo(odd)
        elif kind == "folder":
            odd.mkdir()
        else:
            odd.symlink_to("/dev/zero")
    workbench.start_run(fork="r", at_step=3, name="f", system_metrics=False).end()
    if kind == "endless":  # else what tells of its process cannot be put in its place
        workbench.start_run(resume="r", system_metrics=False).end()
    assert record("r").state is RunState.COMPLETED and record("f").state is RunState.COMPLETED


INTERRUPTED_COROUTINE = """
import asyncio, os, signal, workbench

async def train():
    with workbench.start_run(name="r", system_metrics=False) as run:
        run.log({"a": 1.0})
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(30)

asyncio.run(train())
"""


def test_ctrl_c_in_a_coroutine_cancels_its_run(here: Path) -> None:
    assert run_script(here, INTERRUPTED_COROUTINE).returncode != 0
    assert (record("r").state, record("r").reason) == (RunState.CANCELED, "interrupted")


def test_of_a_run_in_a_generator_that_is_left_that_is_the_reason(here: Path) -> None:
    def losses() -> Iterator[float]:
        with workbench.start_run(name="r", system_metrics=False) as run:
            for step in range(100):
                run.log({"a": float(step)})
                yield float(step)

    for loss in losses():
        if loss == 3.0:
            break
    assert record("r").state is RunState.FAILED and "was left before its end" in str(record("r").reason)
