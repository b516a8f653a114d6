"""Several processes ingest the same journals at once, and are killed at it: every point is there exactly once."""

import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.store import Store

from tests.store.journals import fresh, make_run, python, the_summary, write_points

RANKS = 3

INGESTER = """
import sys
from workbench_store.store import Store
from workbench_store.workspace import open_workspace
layout = open_workspace(explicit=sys.argv[1])
store = Store(layout)
print("ready", flush=True)
while True:
    store.refresh()
    store = Store(layout) if sys.argv[2] == "forgetful" else store
"""


def start(layout: WorkspaceLayout, kind: str) -> "subprocess.Popen[str]":
    process = python(INGESTER, str(layout.root), kind)
    assert process.stdout is not None and process.stdout.readline() == "ready\n", process.communicate()
    return process


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def assert_all_is_there(layout: WorkspaceLayout, written: int) -> None:
    store = fresh(layout)
    for name in ("one", "two"):
        for rank in range(RANKS):
            series = store.series(name, "k", rank)
            assert series.steps == list(range(written)), f"{name}, rank {rank}"
            assert series.values == [float(step * RANKS + rank) for step in range(written)]
            assert the_summary(layout, name, "k", rank).count == written
        assert len(store.params(name)) == (written + 99) // 100


@pytest.mark.slow
def test_kills_among_ingesting_processes_cost_nothing(layout: WorkspaceLayout) -> None:
    writers = [
        [JournalWriter(make_run(layout, name) if rank == 0 else layout.run(name).journals, "client", rank)]
        for name in ("one", "two")
        for rank in range(RANKS)
    ]
    dice, written = random.Random(11), 0
    steady = start(layout, "steady")
    for _ in range(24):
        victim = start(layout, dice.choice(["forgetful", "steady"]))
        until = time.monotonic() + dice.uniform(0.0, 0.06)
        while time.monotonic() < until:
            for (writer,) in writers:
                writer.points(1.0, written, ("k",), (float(written * RANKS + writer.rank),))
                if writer.rank == 0 and written % 100 == 0:
                    writer.event("params", params={f"p{written}": written})
            written += 1
        kill(victim)
    kill(steady)
    assert_all_is_there(layout, written)


def test_a_store_that_was_away_finds_what_others_ingested(layout: WorkspaceLayout) -> None:
    journals = make_run(layout, "r")
    sleeper = fresh(layout)
    write_points(journals, "k", [(0, step, 1.0, 1.0) for step in range(100)])
    fresh(layout)
    assert sleeper.refresh().elsewhere
    assert sleeper.series("r", "k").total == 100
    write_points(journals, "k", [(0, 100, 1.0, 1.0)])
    assert sleeper.refresh().points == 1
    assert fresh(layout).series("r", "k").total == 101


def test_a_budget_leaves_the_rest_for_the_next_look(layout: WorkspaceLayout) -> None:
    writer = JournalWriter(make_run(layout, "r"), "client")
    for step in range(200_000):
        writer.points(1.0, step, ("a", "b"), (1.0, 2.0))
    writer.close()
    store, looks = Store(layout), 1
    while store.refresh(budget_seconds=0.0).pending:
        looks += 1
    assert looks > 1
    assert the_summary(layout, "r", "b").count == 200_000


def test_a_gap_between_records_is_shown_to_the_byte(layout: WorkspaceLayout) -> None:
    journals = make_run(layout, "r")
    for number in range(2):
        write_points(journals, f"k{number}", [(0, step, 1.0, 1.0) for step in range(10)])
        path = next(path for path in journals.glob("client*") if b"k%d" % number in path.read_bytes())
        whole = path.read_bytes()
        place = whole.rindex(b"\xf5WBJ")
        path.write_bytes(whole[:place] + b"?" * (100 + number) + whole[place:])
    store = fresh(layout)
    assert [one.count for one in store.metrics("r")] == [10, 10]
    assert store.run("r").gap_bytes == 201
    assert not store.refresh().changed
    assert fresh(layout).run("r").gap_bytes == 201


def test_a_journal_that_grows_record_by_record_is_taken_in_as_it_grows(layout: WorkspaceLayout, tmp_path: Path) -> None:
    journals = make_run(layout, "r")
    writer = JournalWriter(tmp_path, "client")
    for step in range(3):
        writer.points(1.0, step, ("k",), (1.0,))
    writer.close()
    whole = writer.path.read_bytes()
    store, growing, counts = Store(layout), journals / "client-r0-1-1.wbj", []
    for end in range(0, len(whole) + 1, 7):
        growing.write_bytes(whole[:end])
        store.refresh()
        counts.append(store.series("r", "k").total)
    growing.write_bytes(whole)
    store.refresh()
    assert counts == sorted(counts) and store.series("r", "k").total == 3
    assert store.run("r").gap_bytes == 0


LOGGER = """
import sys
from pathlib import Path
from workbench_store.journal.writer import JournalWriter
writer = JournalWriter(Path(sys.argv[1]), "client", 0)
print("ready", flush=True)
step = 0
while True:
    writer.points(1.0, step, ("k",), (float(step),))
    step += 1
"""


def test_a_refresh_ends_though_a_run_logs_without_a_pause(layout: WorkspaceLayout) -> None:
    logger = python(LOGGER, str(make_run(layout, "busy")))
    assert logger.stdout is not None and logger.stdout.readline() == "ready\n", logger.communicate()
    try:
        store, counts = Store(layout), []
        for _ in range(3):
            assert store.refresh().pending is False
            counts.append(len(store.series("busy", "k")))
    finally:
        kill(logger)
    assert counts == sorted(counts) and counts[-1] > counts[0] > 0
    assert store.refresh().points == len(fresh(layout).series("busy", "k")) - counts[-1]


def test_threads_that_share_a_store_see_what_is_new(layout: WorkspaceLayout) -> None:
    store = Store(layout)
    wrong: list[BaseException] = []

    def log_and_look(number: int) -> None:
        try:
            for step in range(8):
                write_points(make_run(layout, f"r{number}-{step}"), "a", [(0, step, 1.0, float(step))])
                store.refresh()
                assert store.series(f"r{number}-{step}", "a").values == [float(step)]
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=log_and_look, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(store.runs().rows) == 48
