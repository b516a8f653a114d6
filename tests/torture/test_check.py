"""The check notices: whatever is missing, doubled or wrong in a workspace that was in order."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench.lifecycle.files import write_json
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import RunLayout
from workbench_store.lease import lease_of
from workbench_store.rebuild import rebuild
from workbench_store.store import Store

from tests.torture.check import violations
from tests.torture.recovery import recover
from tests.torture.scenarios import JOB, do_again
from tests.torture.world import World, add_finished_run, make_world

COMPLETED = frozenset({"Completed"})
pytestmark = pytest.mark.slow


@pytest.fixture
def finished(here: Path) -> World:
    """Two runs that were in order from the start."""
    world = make_world(here)
    for name in ("one", "two"):
        add_finished_run(world, name, steps=5)
    return world


def said_more(world: World, **words: object) -> None:
    with (world.said / "one-1-0").open("a") as file:
        file.write("\n" + json.dumps({"tried": 9, "metrics": {"k0": 1.0}}) + "\n" + json.dumps(words))


def log_more(world: World, step: int, value: float, rank: int = 0, key: str = "k0") -> None:
    writer = JournalWriter(world.layout.run("one").journals, "client", rank)
    writer.points(1.0, step, (key,), (value,))
    writer.close()


def in_store(world: World, statement: str) -> None:
    Store(world.layout).refresh()
    with lease_of(world.layout).writing() as connection:
        connection.execute(statement)


def cut_off(world: World) -> None:
    journal = max(world.layout.run("one").journals.glob("client-*.wbj"))
    os.truncate(journal, journal.stat().st_size - 3)


def damage(world: World) -> None:
    journal = max(world.layout.run("one").journals.glob("client-*.wbj"))
    content = bytearray(journal.read_bytes())
    content[-60:-50] = b"x" * 10
    journal.write_bytes(content)


def reopen(world: World) -> None:
    writer = JournalWriter(world.layout.run("one").journals, "script")
    writer.event("state", state="Running", generation=2, judged=False, seq=1, resumed=True)
    writer.close()


def leave_stage(world: World) -> None:
    writer = JournalWriter(world.layout.run("one").journals, "supervisor")
    writer.event("stage", stage="finalize", status="started", seconds=None, detail={})
    writer.close()


BREAKS: dict[str, tuple[Callable[[World], object], str]] = {
    "a lost point": (lambda world: said_more(world, did=9), "('k0', 9) is lost"),
    "a point cut off": (cut_off, "is lost"),
    "damage in a journal": (damage, "damage in its journals"),
    "a doubled point": (lambda world: log_more(world, 2, 2.0), "is there 2 times"),
    "a wrong value": (lambda world: log_more(world, 7, 3.5), "logged was None"),
    "a wrong rank": (lambda world: log_more(world, 2, 2.0, rank=5), "points of rank 5"),
    "a key that nobody logged": (lambda world: log_more(world, 2, 2.0, key="x"), "logged was None"),
    "a doubled row": (
        lambda world: in_store(world, "INSERT INTO points SELECT * FROM points WHERE step = 3"),
        "is there 2 times",
    ),
    "a lost row": (lambda world: in_store(world, "DELETE FROM points WHERE step = 3"), "is lost"),
    "a wrong summary": (lambda world: in_store(world, "UPDATE series SET max = 99"), "the summary of k0"),
    "a wrong state": (lambda world: in_store(world, "UPDATE runs SET state = 'Failed'"), "is Failed in the store"),
    "a run that goes on": (reopen, "one is Running"),
    "a stage that goes on": (leave_stage, "its stage finalize goes on"),
    "a row that no journal has": (
        lambda world: in_store(world, "INSERT INTO params SELECT run, 'x', '1', '1', 1 FROM params LIMIT 1"),
        "not the same after a rebuild",
    ),
    "a run that the store does not know": (lambda world: (world.layout.runs / "three").mkdir(), "three is not in"),
    "temporary storage": (lambda world: (world.layout.staging / "one").mkdir(), "temporary storage"),
    "a temporary file": (lambda world: (world.layout.tmp / "x").touch(), "temporary file"),
    "a draft": (lambda world: (world.layout.blobs / "0.new").touch(), "half-written"),
    "a damaged blob": (lambda world: damaged_blob(world), "is not what its name says"),
    "others may look in": (lambda world: world.layout.root.chmod(0o755), "doctor: others may look"),
}


def damaged_blob(world: World) -> None:
    (world.layout.blobs / "ab").mkdir()
    (world.layout.blobs / "ab" / "cdef").write_text("something else")


def test_what_is_in_order_passes(finished: World) -> None:
    assert violations(finished, COMPLETED) == []
    rebuild(finished.layout)
    assert violations(finished, COMPLETED) == []


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_not_in_order_is_told(finished: World, what: str) -> None:
    break_it, told = BREAKS[what]
    break_it(finished)
    assert any(told in text for text in violations(finished, COMPLETED)), violations(finished, COMPLETED)


def test_what_is_wrong_with_a_job_is_told(here: Path) -> None:
    world = make_world(here)
    do_again(world, JOB)
    recover(world)
    assert violations(world, COMPLETED) == []
    (name,) = world.run_names()
    files = world.layout.run(name)
    for break_it, told in _breaks_of_job(files, world.published):
        undo = break_it()
        assert any(told in text for text in violations(world, COMPLETED)), told
        undo()
    assert violations(world, COMPLETED) == []
    assert violations(world, frozenset({"Failed"})) == [f"{name} is Completed, and may be Failed"]


Undo = Callable[[], object]


def _breaks_of_job(files: RunLayout, published: Path) -> list[tuple[Callable[[], Undo], str]]:
    return [
        (lambda: _replaced(files.outputs / "a", "other"), "the artifact outputs/a is not"),
        (lambda: _replaced(published / "p", "other"), "the artifact named-outputs/p/p is not"),
        (lambda: _replaced(files.outputs / "unknown", "x"), "outputs/unknown is not recorded"),
        (lambda: _removed(files.collected), "is not collected"),
    ]


def _replaced(path: Path, text: str) -> Undo:
    before = path.read_text() if path.exists() else None
    path.write_text(text)
    return path.unlink if before is None else lambda: path.write_text(before)


def _removed(path: Path) -> Undo:
    path.unlink()
    return lambda: write_json(path, {})
