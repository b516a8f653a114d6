"""Outputs that cannot be saved: temporary storage stays, the run says so, and collecting again finishes
it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from workbench.lifecycle import collect, sweep_leftovers
from workbench.lifecycle.kept_links import bring_in
from workbench.spec import Input, Output
from workbench_store.errors import NotFound, RunError
from workbench_store.layout import RunLayout, WorkspaceLayout
from workbench_store.locks import FileLock
from workbench_store.states import RunState

from tests.lifecycle.launched import Launch


def test_what_cannot_be_saved_is_kept_until_it_can(launch: Launch, here: Path) -> None:
    target = here / "published"
    run = launch(
        f"echo x > ${{{{outputs.o}}}}/x; touch scratch; echo in the way > {target}",
        outputs={"o": Output(path=str(target), mode="upload")},
    )
    assert run.finish() is RunState.FAILED
    assert "outputs not saved" in run.last_state()["reason"]
    assert "workbench outputs --collect" in run.last_state()["reason"]
    assert any("could not be saved" in fields["text"] for fields in run.events("warning"))
    staged = run.layout.staged(run.name)
    assert (staged / "code" / "scratch").exists()
    assert sweep_leftovers(run.layout) == []
    assert (staged / "code" / "scratch").exists()
    with pytest.raises(RunError, match="cannot be saved"):
        collect(run.layout, run.name)
    target.unlink()
    collect(run.layout, run.name)
    assert (target / "x").read_text() == "x\n"
    assert "named-outputs/o/x" in run.artifacts()
    assert not staged.exists()
    assert run.state is RunState.FAILED
    saved = "were saved after the run's end"
    assert [saved in fields["text"] for fields in run.events("warning")].count(True) == 1
    collect(run.layout, run.name)
    assert [saved in fields["text"] for fields in run.events("warning")].count(True) == 1


def test_read_only_folders_do_not_keep_temporary_storage(launch: Launch) -> None:
    run = launch("mkdir -p deep/er && touch deep/er/f && chmod 500 deep/er deep")
    assert run.finish() is RunState.COMPLETED
    assert not run.layout.staged(run.name).exists()


def test_a_sweep_removes_only_what_is_final_and_collected(launch: Launch, layout: WorkspaceLayout) -> None:
    done, running = launch("true"), launch("echo on > outputs/on; sleep 1000")
    done.finish()
    running.wait_for_file("on")
    for name in (done.name, "of_another_workspace"):
        layout.staged(name).mkdir()
    assert sweep_leftovers(layout) == [done.name]
    assert layout.staged("of_another_workspace").exists()
    assert layout.staged(running.name).exists()


def test_a_run_that_goes_on_is_not_collected(launch: Launch, layout: WorkspaceLayout) -> None:
    run = launch("sleep 1000")
    with pytest.raises(RunError, match="when it ends"):
        collect(layout, run.name)
    with pytest.raises(NotFound):
        collect(layout, "nothing")


def test_what_links_lead_to_in_temporary_storage_is_kept(launch: Launch) -> None:
    run = launch(
        "mkdir model && echo weights > model/w && echo best > best.bin"
        " && ln -s $PWD/best.bin outputs/best && ln -s $PWD/model outputs/model"
        " && mkdir outputs/step-3 && echo 3 > outputs/step-3/n && ln -s $PWD/outputs/step-3 outputs/latest"
        " && ln -s step-3 outputs/beside && ln -s /nowhere/at/all outputs/dangling"
        " && ln -s ../best.bin outputs/above && ln -s ../../model outputs/step-3/model"
    )
    assert run.finish() is RunState.COMPLETED
    assert not run.layout.staged(run.name).exists()
    outputs = run.files.outputs
    assert (outputs / "best").read_text() == "best\n"
    assert (outputs / "model" / "w").read_text() == "weights\n"
    assert (outputs / "latest" / "n").read_text() == "3\n"
    assert (outputs / "beside").readlink() == Path("step-3")
    assert (outputs / "above").read_text() == "best\n"
    assert (outputs / "step-3" / "model" / "w").read_text() == "weights\n"
    assert {"outputs/best", "outputs/model/w", "outputs/step-3/n"} <= run.artifacts()


BRING_IN = """
import pathlib, sys
from workbench.lifecycle.kept_links import bring_in
bring_in(*map(pathlib.Path, sys.argv[1:]))
"""


def test_a_copy_that_was_cut_short_is_put_in_its_place(tmp_path: Path) -> None:
    kept, staging = tmp_path / "outputs", tmp_path / "staging"
    (staging / "model").mkdir(parents=True)
    (staging / "model" / "w").write_text("weights")
    kept.mkdir()
    (kept / "model").symlink_to(staging / "model")
    environ = {**os.environ, "WORKBENCH_FAULT": "bring.unlinked"}
    died = subprocess.run([sys.executable, "-c", BRING_IN, str(kept), str(staging), str(tmp_path)], env=environ)
    assert died.returncode == -signal.SIGKILL and not (kept / "model").exists()
    bring_in(kept, staging, tmp_path)
    assert (kept / "model" / "w").read_text() == "weights" and os.listdir(kept) == ["model"]


def test_a_file_of_the_users_is_no_copy_that_was_cut_short(tmp_path: Path) -> None:
    kept = tmp_path / "outputs"
    kept.mkdir()
    (kept / "model").write_text("good")
    (kept / ".model.brought").write_text("another")
    bring_in(kept, tmp_path / "staging", tmp_path)
    assert (kept / "model").read_text() == "good" and (kept / ".model.brought").read_text() == "another"


def test_links_out_of_a_downloaded_folder_still_lead_there(launch: Launch, here: Path) -> None:
    (here / "shared.csv").write_text("rows\n")
    data = here / "data"
    data.mkdir()
    (data / "own.csv").write_text("own\n")
    (data / "table.csv").symlink_to("../shared.csv")
    (data / "same.csv").symlink_to("own.csv")
    run = launch(
        "cat ${{inputs.d}}/table.csv ${{inputs.d}}/same.csv > outputs/seen; test ! ${{inputs.d}} -ef " + str(data),
        inputs={"d": Input(path=str(data), type="uri_folder", mode="download")},
    )
    assert run.finish() is RunState.COMPLETED
    assert (run.files.outputs / "seen").read_text() == "rows\nown\n"


def test_an_output_in_a_place_of_the_users_is_recorded(launch: Launch, here: Path) -> None:
    place = here / "results"
    place.mkdir()
    (place / "of-another").write_text("was there before")
    outputs = {"o": Output(path=str(place)), "f": Output(type="uri_file", path=str(here / "one.bin"))}
    run = launch("mkdir ${{outputs.o}}/d && echo x > ${{outputs.o}}/d/x && echo f > ${{outputs.f}}", outputs=outputs)
    assert run.finish() is RunState.COMPLETED
    kept = {str(one["path"]): one for one in run.events("artifact") if one["kind"] == "named-output"}
    assert set(kept) == {"named-outputs/o/d/x", "named-outputs/f"}
    assert all(one["size"] == 2 and one["hash"] for one in kept.values())
    assert {one["name"]: one["path"] for one in run.events("output")} == {"o": str(place), "f": str(here / "one.bin")}


def test_drafts_of_killed_scripts_are_swept_once_they_are_old(layout: WorkspaceLayout) -> None:
    drafts = [RunLayout(layout.runs / f".{name}-0123abcd.new") for name in ("old", "held", "new")]
    for draft in drafts:
        draft.control.mkdir(parents=True)
        (draft.root / "part").write_text("x")
    held = FileLock(drafts[1].script_lock)
    assert held.acquire()
    for draft in drafts[:2]:
        os.utime(draft.root, (0, 0))
    sweep_leftovers(layout)
    assert [draft.root.exists() for draft in drafts] == [False, True, True]
    held.release()


def test_what_nobody_came_back_for_is_swept_once_it_is_old(layout: WorkspaceLayout) -> None:
    beside = [layout.root.with_name(f"{layout.root.name}-{rest}.new") for rest in ("0123456789ab", "of-mine")]
    drafts = [layout.client / "0123.4567.new", *beside, layout.client / "new.4567.new"]
    for draft in drafts:
        (draft / "part").mkdir(parents=True)
    for draft in drafts[:3]:
        os.utime(draft, (0, 0))
    sweep_leftovers(layout)
    assert [draft.exists() for draft in drafts] == [False, False, True, True]


def test_a_rebuild_that_goes_on_is_not_swept_and_a_killed_one_is(layout: WorkspaceLayout) -> None:
    folder, turn = layout.rebuilding().store.parent, FileLock(layout.rebuild_lock)
    folder.mkdir()
    assert turn.acquire()
    sweep_leftovers(layout)
    assert folder.exists()
    turn.release()
    sweep_leftovers(layout)
    assert not folder.exists()


def test_half_a_file_that_a_killed_script_was_logging_is_no_output(launch: Launch) -> None:
    half, own = ".0123456789abcdef.part", ".my.part"
    run = launch(f"echo half > outputs/{half}; echo mine > outputs/{own}; touch $WORKBENCH_RUN_DIR/control/.x.1")
    assert run.finish() is RunState.COMPLETED
    assert run.artifacts() & {f"outputs/{half}", f"outputs/{own}"} == {f"outputs/{own}"}
    assert not (run.files.outputs / half).exists() and not (run.files.control / ".x.1").exists()
