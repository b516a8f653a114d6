"""Runs that are removed, brought back, and removed for good."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from workbench.client.past import find_run
from workbench_store.absence import check_run
from workbench_store.edits import append_edits
from workbench_store.errors import NotFound, RunError, UsageError
from workbench_store.forget import forget_runs
from workbench_store.journal.writer import JournalWriter
from workbench_store.layout import WorkspaceLayout
from workbench_store.purging import begin_purges, finish_purges
from workbench_store.rebuild import rebuild
from workbench_store.store import Store
from workbench_store.trash import in_trash, put_in_trash, take_from_trash

from tests.store.journals import fresh, make_run, write_points


def finished(layout: WorkspaceLayout, name: str, points: int = 20) -> None:
    journals = make_run(layout, name)
    write_points(journals, "loss", [(0, step, float(step), step / 10) for step in range(points)])
    writer = JournalWriter(journals, "client")
    writer.event("params", params={"lr": 0.1})
    writer.event("artifact", path="outputs/a.txt", kind="output", size=1, hash="0")
    writer.event("state", state="Completed", generation=1, judged=False, seq=2)
    writer.close()


def seen(store: Store, name: str) -> tuple[object, ...]:
    record, series = store.run(name), store.series(name, "loss")
    return (record.state, record.tags, record.note, store.params(name), series.steps, store.artifacts(name))


def tables(layout: WorkspaceLayout, name: str) -> set[str]:
    """The tables that still tell of the run."""
    found = set()
    for view in ("runs WHERE name", "metrics WHERE run", "points WHERE run", "params WHERE run", "artifacts WHERE run"):
        with Store(layout).query(f"SELECT count(*) FROM {view} = '{name}'") as result:
            if result.rows() != [(0,)]:
                found.add(view.split()[0])
    return found


def test_a_run_leaves_the_lists_and_comes_back_whole(layout: WorkspaceLayout) -> None:
    for name in ("a", "b"):
        finished(layout, name)
    append_edits(layout, "tags", [{"run": "a", "set": {"team": "vision"}, "remove": []}])
    append_edits(layout, "note", [{"run": "a", "note": "good"}])
    store = fresh(layout)
    before = seen(store, "a")
    put_in_trash(layout, ["a"])
    assert store.runs().names == ["b"] and tables(layout, "a") == set()
    with pytest.raises(NotFound, match="in the trash"):
        store.resolve("a")
    assert [(one.name, one.state) for one in in_trash(layout)] == [("a", "Completed")]
    rebuild(layout)
    assert fresh(layout).runs().names == ["b"], "also when the store is made again"
    take_from_trash(layout, "a")
    assert sorted(store.runs().names) == ["a", "b"] and in_trash(layout) == []
    assert seen(store, "a") == before
    assert not layout.run("a").removal.exists()


def test_a_path_is_no_run(layout: WorkspaceLayout) -> None:
    finished(layout, "long_name")
    store = fresh(layout)
    place = layout.run("long_name").root
    for text in (str(place), f"{place}/", "runs/long_name", "../runs/long_name"):
        with pytest.raises(NotFound, match="there is no run") as told:
            store.resolve(text)
        assert told.value.remedy == "Did you mean long_name?"
        with pytest.raises(NotFound, match="there is no run"):
            check_run(layout, text)
        with pytest.raises(NotFound, match="there is no run"):
            take_from_trash(layout, text)
        with pytest.raises(UsageError, match="names no run"):
            find_run(layout, text)
    assert place.is_dir()


def test_a_removal_that_was_killed_half_way_is_finished_by_the_next_reader(layout: WorkspaceLayout) -> None:
    for name in ("a", "b"):
        finished(layout, name)
    fresh(layout)
    layout.trash.mkdir()
    layout.run("a").root.rename(layout.trashed("a").root)
    assert fresh(layout).runs().names == ["b"] and tables(layout, "a") == set()
    take_from_trash(layout, "a")
    assert sorted(fresh(layout).runs().names) == ["a", "b"]


def test_a_folder_that_is_gone_without_a_removal_is_not_forgotten(layout: WorkspaceLayout) -> None:
    finished(layout, "a")
    fresh(layout)
    layout.run("a").root.rename(layout.root / "elsewhere")
    assert fresh(layout).runs().names == ["a"]


def test_what_was_ingested_late_does_not_bring_a_removed_run_back(layout: WorkspaceLayout) -> None:
    finished(layout, "a")
    known = fresh(layout)
    put_in_trash(layout, ["a"])
    known.refresh()
    assert known.runs().names == []


def test_a_name_that_is_free_again_has_no_past(layout: WorkspaceLayout) -> None:
    finished(layout, "a")
    append_edits(layout, "tags", [{"run": "a", "set": {"team": "vision"}, "remove": []}])
    append_edits(layout, "note", [{"run": "a", "note": "old"}])
    fresh(layout)
    put_in_trash(layout, ["a"])
    begin_purges(layout, ["a"])
    finish_purges(layout)
    assert not layout.trashed("a").root.exists() and list(layout.tmp.glob("purged-*")) == []
    finished(layout, "a", points=3)
    append_edits(layout, "tags", [{"run": "a", "set": {"new": "yes"}, "remove": []}])
    for store in (fresh(layout), Store(layout)):
        assert seen(store, "a")[1:3] == ({"new": "yes"}, None) and len(store.series("a", "loss")) == 3
        rebuild(layout)


def test_what_users_said_of_a_run_stays_though_an_older_one_of_its_name_is_not_wholly_removed(
    layout: WorkspaceLayout,
) -> None:
    finished(layout, "a")
    append_edits(layout, "note", [{"run": "a", "note": "new"}])
    layout.tmp.mkdir(exist_ok=True)
    layout.purged("a").mkdir()  # as versions left it that did not keep the name taken
    finish_purges(layout)
    assert seen(fresh(layout), "a")[2] == "new" and not layout.purged("a").exists()


def test_a_run_without_a_note_of_its_removal_is_as_old_in_the_trash_as_it_is_there(layout: WorkspaceLayout) -> None:
    before = time.time() - 1.0  # the clock of the disk ticks in coarser steps
    finished(layout, "a")
    os.utime(layout.run("a").root, (1.0, 1.0))
    fresh(layout)
    put_in_trash(layout, ["a"])
    layout.trashed("a").removal.unlink()
    assert [one.removed >= before for one in in_trash(layout)] == [True]


def test_what_is_not_there_or_in_the_way_is_said(layout: WorkspaceLayout) -> None:
    with pytest.raises(NotFound, match="there is no run 'x'"):
        take_from_trash(layout, "x")
    finished(layout, "a")
    fresh(layout)
    put_in_trash(layout, ["a"])
    make_run(layout, "a")
    with pytest.raises(RunError, match="another run a"):
        take_from_trash(layout, "a")
    assert layout.trashed("a").root.is_dir()


def test_a_damaged_note_of_removal_hides_nothing(layout: WorkspaceLayout) -> None:
    finished(layout, "a")
    fresh(layout)
    put_in_trash(layout, ["a"])
    layout.trashed("a").removal.write_text("{")
    assert [(one.name, one.state, one.experiment) for one in in_trash(layout)] == [("a", "Completed", "e")]
    assert json.loads(layout.trashed("a").removal.read_text())["state"] == "Completed", "read next time"
    layout.trashed("a").removal.write_text('{"name": "a", "state": 3, "experiment": "e", "removed": 1e400}')
    shutil.move(layout.trashed("a").journals, layout.tmp / "elsewhere")
    assert [(one.name, one.state) for one in in_trash(layout)] == [("a", "Unknown")]
    shutil.move(layout.tmp / "elsewhere", layout.trashed("a").journals)
    take_from_trash(layout, "a")
    assert fresh(layout).runs().names == ["a"]


def test_no_run_in_the_trash_goes_on(layout: WorkspaceLayout) -> None:
    """Its script was killed, which nobody could write where the disk was full."""
    finished(layout, "a")
    journals = make_run(layout, "dead")
    writer = JournalWriter(journals, "client")
    writer.event("state", state="Running", generation=1, judged=False, seq=1)
    writer.close()
    fresh(layout)
    put_in_trash(layout, ["a", "dead"])
    for name in ("a", "dead"):
        layout.trashed(name).removal.unlink()
    assert {one.name: one.state for one in in_trash(layout)} == {"a": "Completed", "dead": "Unknown"}


def test_forgetting_nothing_changes_nothing(layout: WorkspaceLayout, tmp_path: Path) -> None:
    finished(layout, "a")
    store = fresh(layout)
    before = json.dumps(store.environment_keys()), seen(store, "a")
    forget_runs(layout, [])
    forget_runs(layout, ["nobody"])
    assert (json.dumps(store.environment_keys()), seen(store, "a")) == before


def test_an_open_store_notices_what_another_process_could_not_take_out_of_it(layout: WorkspaceLayout) -> None:
    make_run(layout, "stays")
    make_run(layout, "goes")
    store = fresh(layout)
    assert set(store.runs().names) == {"stays", "goes"}
    seen = store.revision
    layout.trash.mkdir(exist_ok=True)
    layout.run("goes").root.rename(layout.trashed("goes").root)  # as on a full disk: the database is not told
    store.refresh()
    assert store.runs().names == ["stays"] and store.revision > seen


def test_of_a_run_that_is_a_link_only_the_link_goes(layout: WorkspaceLayout, tmp_path: Path) -> None:
    make_run(layout, "moved")
    elsewhere = tmp_path / "elsewhere"
    layout.run("moved").root.rename(elsewhere)
    layout.run("moved").root.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    layout.trash.mkdir(exist_ok=True)
    layout.run("moved").root.rename(layout.trashed("moved").root)
    begin_purges(layout, ["moved"])
    finish_purges(layout)
    assert sorted(elsewhere.rglob("*")) == before and not os.path.lexists(layout.purged("moved"))
    assert not os.path.lexists(layout.trashed("moved").root)
