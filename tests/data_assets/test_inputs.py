"""Inputs of jobs that are not local paths: what the job sees, what is recorded, how it is refused."""

import base64
import json
import os
import re
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from workbench.data.assets import AssetVersion, add_asset
from workbench.data.cache import DataCache
from workbench.data.datastores import add_datastore
from workbench.data.fingerprint import stat_fingerprint
from workbench.lifecycle import adopt, cancel
from workbench.lifecycle.judge import judge
from workbench.lifecycle.logs import read_log
from workbench.lifecycle.repeating import rerun
from workbench.spec import Input, Output
from workbench.view.assets import asset_page
from workbench_store.errors import SpecError
from workbench_store.layout import WorkspaceLayout
from workbench_store.states import RunState
from workbench_store.store import Store

from tests.cli.terminal import Workbench
from tests.data_assets.servers import Server
from tests.lifecycle.launched import Launch, Launched, wait_until

pytestmark = pytest.mark.slow

Content = Callable[[int], bytes]
MIB = 1024 * 1024


def last_input(run: Launched, name: str = "d") -> dict[str, Any]:
    return [fields for fields in run.events("input") if fields["name"] == name][-1]


def add_local(
    layout: WorkspaceLayout, name: str, path: Path, type: str = "uri_folder", version: str = ""
) -> AssetVersion:
    draft = AssetVersion("data", name, version, type, str(path), stat_fingerprint(path))
    return add_asset(layout, draft).asset


@pytest.fixture
def folder(here: Path) -> Path:
    place = here / "data"
    (place / "sub").mkdir(parents=True)
    (place / "sub" / "f.txt").write_text("content\n")
    return place


# -- from the web


def test_a_file_of_the_web_is_mounted_under_its_name(launch: Launch, server: Server) -> None:
    url = server.serve("/some/rain.csv", b"1,2\n")
    run = launch(
        "echo ${{inputs.d}}; cat ${{inputs.d}}; readlink ${{inputs.d}}", inputs={"d": Input(type="uri_file", path=url)}
    )
    assert run.finish() is RunState.COMPLETED, read_log(run.files)
    shown, first, place = read_log(run.files).splitlines()
    assert shown.endswith("/inputs/d/rain.csv") and first == "1,2"
    assert Path(place).is_relative_to(DataCache().trees)
    fields = last_input(run)
    assert fields["path"] == url and fields["given"] == url and fields["fingerprint"].startswith("sha256:")
    stage = [fields for fields in run.events("stage") if fields["stage"] == "stage"][-1]
    assert stage["detail"] == {"fetched": 4}


def test_a_download_is_a_copy_that_may_be_changed(launch: Launch, server: Server) -> None:
    given = Input(type="uri_file", path=server.serve("/a.txt", b"one\n"), mode="download")
    for _ in range(2):
        run = launch("test -w ${{inputs.d}} && echo two >> ${{inputs.d}} && cat ${{inputs.d}}", inputs={"d": given})
        assert run.finish() is RunState.COMPLETED
        assert read_log(run.files) == "one\ntwo\n"
        assert not run.layout.staged(run.name).exists()


def test_direct_is_the_url_itself(launch: Launch, server: Server) -> None:
    url = server.serve("/a.txt", b"")
    run = launch("echo ${{inputs.d}}", inputs={"d": Input(type="uri_file", path=url, mode="direct")})
    assert run.finish() is RunState.COMPLETED
    assert read_log(run.files).strip() == url and server.asked == []


def test_a_second_run_finds_it_in_the_cache(launch: Launch, server: Server) -> None:
    given = {"d": Input(type="uri_file", path=server.serve("/a.txt", b"one\n"))}
    launch("true", inputs=given).finish()
    run = launch("cat ${{inputs.d}}", inputs=given)
    assert run.finish() is RunState.COMPLETED
    assert server.methods("/a.txt") == ["HEAD", "GET", "HEAD"]


def test_progress_is_recorded_in_bytes(launch: Launch, server: Server, content: Content) -> None:
    run = launch("true", inputs={"d": Input(type="uri_file", path=server.serve("/a.bin", content(3 * MIB)))})
    assert run.finish() is RunState.COMPLETED
    last = run.events("progress")[-1]
    assert (last["stage"], last["bytes"], last["of"]) == ("stage", 3 * MIB, 3 * MIB)
    assert last["text"] == "input d: 3.0 MiB of 3.0 MiB"


def test_a_submit_does_not_wait_for_the_bytes_and_a_cancel_ends_them_at_once(launch: Launch, server: Server) -> None:
    url = server.serve("/slow.bin", b"x" * MIB, hold_after=1000)
    run = launch("true", inputs={"d": Input(type="uri_file", path=url)})
    assert server.paths["/slow.bin"].held.wait(30)
    cancel(run.layout, run.name)
    # The server still holds the answer back: nothing but the cancel can end the run.
    assert run.finish() is RunState.CANCELED
    assert not server.paths["/slow.bin"].let_go.is_set()
    assert not run.layout.staged(run.name).exists()


def test_a_download_that_breaks_off_fails_the_run_and_is_gone_on_with_by_the_next(
    launch: Launch, server: Server, content: Content
) -> None:
    data = content(2 * MIB)
    url = server.serve("/a.bin", data, cut_after=MIB, cuts=1, hold_after=None)
    server.paths["/a.bin"].head = True
    given = {"d": Input(type="uri_file", path=url)}
    server.paths["/a.bin"].cuts = 1
    run = _cut_for_good(launch, server, given)
    assert run.finish() is RunState.FAILED
    reason = run.last_state()["reason"]
    assert (
        reason.startswith("input d: ") and "1.0 MiB of 2.0 MiB of a.bin have come" in reason and "Try again" in reason
    )
    assert "run" not in {fields["stage"] for fields in run.events("stage")}
    server.serve("/a.bin", data)
    server.asked.clear()
    run = launch("cmp ${{inputs.d}} ${{inputs.same}}", inputs={**given, "same": Input(type="uri_file", path=url)})
    assert run.finish() is RunState.COMPLETED
    assert server.ranges("/a.bin") == [f"bytes={MIB}-"]


def _cut_for_good(launch: Launch, server: Server, given: dict[str, Input]) -> Launched:
    """A run during whose download the connection is cut, and after that the server answers nobody."""
    behaviour = server.paths["/a.bin"]
    behaviour.hold_after = MIB
    behaviour.cut_after, behaviour.cuts = 0, 1
    run = launch("true", inputs=given)
    assert behaviour.held.wait(30)
    behaviour.failures = 1000
    behaviour.let_go.set()
    return run


def test_a_supervisor_killed_during_a_download_leaves_no_run_half_done(
    launch: Launch, server: Server, content: Content
) -> None:
    data = content(2 * MIB)
    url = server.serve("/a.bin", data, hold_after=MIB)
    given = {"d": Input(type="uri_file", path=url)}
    run = launch("true", inputs=given)
    assert server.paths["/a.bin"].held.wait(30)
    parts = DataCache().partials
    wait_until(lambda: sum(p.stat().st_size for p in parts.glob("*/files/*")) == MIB, "the first half on the disk")
    run.kill_supervisor()
    assert judge(run.layout) == {run.name: RunState.NOT_RESPONDING}
    adopt(run.layout, run.name)
    assert run.finish() is RunState.FAILED
    assert "before the command was started" in run.last_state()["reason"]
    server.serve("/a.bin", data)
    server.asked.clear()
    again = launch("cat ${{inputs.d}} > outputs/copy", inputs=given)
    assert again.finish() is RunState.COMPLETED
    assert (again.files.outputs / "copy").read_bytes() == data
    assert server.ranges("/a.bin") == [f"bytes={MIB}-"]


def test_a_secret_in_a_url_reaches_the_server_and_no_file(launch: Launch, server: Server) -> None:
    secret = "0123456789abcdef%2F"
    url = server.serve("/a.txt", b"one\n") + f"?sv=2024&sig={secret}"
    run = launch("cat ${{inputs.d}}; env", inputs={"d": Input(type="uri_file", path=url)})
    assert run.finish() is RunState.COMPLETED
    assert read_log(run.files).startswith("one\n")
    assert last_input(run)["path"].endswith("?sv=2024&sig=REDACTED")
    for root in (run.layout.root, DataCache().root):
        for path in root.rglob("*"):
            assert path.is_symlink() or not path.is_file() or secret.encode() not in path.read_bytes(), path
    with pytest.raises(SpecError, match="holds a secret"):
        launch("true", inputs={"d": Input(type="uri_file", path=url, mode="direct")})


def test_a_run_says_what_it_waits_for(launch: Launch, server: Server) -> None:
    url = server.serve("/a.txt", b"one\n", failures=1, headers={"Retry-After": "1"})
    run = launch("cat ${{inputs.d}}", inputs={"d": Input(type="uri_file", path=url)})
    assert run.finish() is RunState.COMPLETED
    told = [fields["text"] for fields in run.events("progress")]
    assert "input d: waiting 1 s: the server answered 503 Service Unavailable" in told


def test_what_breaks_again_and_again_is_not_told_each_time(launch: Launch, server: Server) -> None:
    url = server.serve("/a.txt", bytes(8), cut_after=1, cuts=8)
    run = launch("cat ${{inputs.d}}", inputs={"d": Input(type="uri_file", path=url)})
    assert run.finish() is RunState.COMPLETED
    assert len(server.ranges("/a.txt")) > 6
    assert len([one for one in run.events("progress") if "waiting" in one["text"]]) < 4


@pytest.mark.parametrize(
    ("tail", "shown"),
    [
        ("?x=1&my_Token={}", "?x=1&my_Token=REDACTED"),
        ("?access%5Ftok%65n={}", "?access%5Ftok%65n=REDACTED"),
        ("?a=1;client-secret={};b=2", "?a=1;client-secret=REDACTED;b=2"),
        ("?x=1#/view?pwd={}", "?x=1#/view?pwd=REDACTED"),
        ("#auth={}", "#auth=REDACTED"),
        ("?subscription-key={}", "?subscription-key=REDACTED"),
    ],
)
def test_whatever_looks_like_a_secret_in_a_url_reaches_no_file(
    launch: Launch, server: Server, tail: str, shown: str
) -> None:
    secret = "0123456789abcdef"
    url = server.serve("/a.txt", b"one\n") + tail.format(secret)
    _kept_out(launch, server, url, server.url("/a.txt") + shown, secret)
    sent = unquote(tail.partition("#")[0]).format(secret).lstrip("?")
    assert {unquote(one.query) for one in server.asked if one.path == "/a.txt"} == {sent}


@pytest.mark.parametrize("login", ["{}", "{}:", "{}:x-oauth-basic"])
def test_a_token_before_the_host_reaches_the_server_and_no_file(launch: Launch, server: Server, login: str) -> None:
    secret = "ghp_0123456789"
    login = login.format(secret)
    url, shown = (server.serve("/a.txt", b"one\n").replace("//", f"//{user}@") for user in (login, "REDACTED"))
    _kept_out(launch, server, url, shown, secret)
    whole = login if ":" in login else f"{login}:"
    assert server.asked[0].login == "Basic " + base64.b64encode(whole.encode()).decode()


def _kept_out(launch: Launch, server: Server, url: str, shown: str, secret: str) -> None:
    """A run, one that fails for a while and one that is run again: the secret is in none of their files."""
    server.paths["/a.txt"].failures = 1
    run = launch("cat ${{inputs.d}}; env", name="first", inputs={"d": Input(type="uri_file", path=url)})
    assert run.finish() is RunState.COMPLETED, run.last_state()
    assert read_log(run.files).startswith("one\n")
    assert last_input(run)["path"] == shown
    with pytest.raises(SpecError, match="had a secret, which is not recorded"):
        rerun(run.layout, "first")
    wrong = launch("true", inputs={"d": Input(type="uri_file", path=url.replace("/a.txt", "/none.txt"))})
    assert wrong.finish() is RunState.FAILED
    for root in (run.layout.root, DataCache().root):
        for path in root.rglob("*"):
            assert path.is_symlink() or not path.is_file() or secret.encode() not in path.read_bytes(), path


# -- by name


def test_an_asset_is_found_by_version_and_label(
    launch: Launch, layout: WorkspaceLayout, folder: Path, here: Path
) -> None:
    add_local(layout, "notes", folder)
    other = here / "other"
    other.mkdir()
    (other / "f.txt").write_text("second\n")
    add_local(layout, "notes", other)
    run = launch(
        "cat ${{inputs.first}}/sub/f.txt ${{inputs.last}}/f.txt",
        inputs={"first": Input(path="azureml:notes:1"), "last": Input(path="azureml:notes@latest")},
    )
    assert run.finish() is RunState.COMPLETED, read_log(run.files)
    assert read_log(run.files) == "content\nsecond\n"
    fields = last_input(run, "last")
    assert (fields["asset"], fields["asset_kind"], fields["given"]) == (
        "azureml:notes:2",
        "data",
        "azureml:notes@latest",
    )
    assert fields["path"] == str(other)


@pytest.mark.parametrize(
    ("path", "message", "remedy"),
    [
        ("azureml:note:1", "no data asset 'note'", "Did you mean notes"),
        ("azureml:notes:7", "no version '7'; it has: 1", "workbench data show notes"),
        ("azureml:notes@best", "no label 'best'", "azureml:notes@latest"),
        ("azureml://datastores/workspaceblobstor/paths/x", "no datastore", "Did you mean workspaceblobstore"),
        ("azureml://jobs/nobody/outputs/default", "no run 'nobody'", "workbench ls"),
        ("azureml://datastores/workspaceblobstore/paths/none", "there is no", "Check the path"),
        ("nosuch://bucket/path", "nosuch: is no scheme that fsspec knows", ""),
        ("s3://bucket/path", "s3: needs the package s3fs", r"pip install 'experiment-workbench\[data\]'"),
        ("wasbs://c@a.blob.core.windows.net/p", "abfs: needs the package adlfs", "pip install adlfs"),
    ],
)
def test_what_is_not_known_is_refused_at_submit(
    launch: Launch, layout: WorkspaceLayout, folder: Path, path: str, message: str, remedy: str
) -> None:
    if any(f"package {name}" in message and find_spec(name) for name in ("adlfs", "s3fs")):
        pytest.skip("it is installed here")
    add_local(layout, "notes", folder)
    with pytest.raises(SpecError, match=message) as raised:
        launch("true", inputs={"d": Input(path=path)})
    assert "inputs.d" in raised.value.message
    assert re.search(remedy, str(raised.value.remedy))
    assert list(layout.runs.glob("*")) == [] and list(layout.tmp.glob("run-*")) == []


def test_a_version_at_a_url_has_the_content_that_was_fetched_first(
    launch: Launch, layout: WorkspaceLayout, server: Server, workbench: Workbench
) -> None:
    url = server.serve("/rain.csv", b"of May\n")
    words = ("data", "add", "rain", url)
    assert workbench(*words).returncode == 0
    again = workbench(*words, "--version", "1")
    assert again.returncode == 0 and "at that place already" in again.stderr and "unchanged" not in again.stderr
    assert json.loads(workbench("data", "show", "rain", "--json").stdout)["fingerprint"] is None
    given = {"d": Input(type="uri_file", path="azureml:rain:1")}
    first = launch("cat ${{inputs.d}}", inputs=given)
    second = launch("cat ${{inputs.d}}", inputs=given)
    for run in (first, second):
        assert run.finish() is RunState.COMPLETED and run.warnings() == []
    known = last_input(first)["fingerprint"]
    assert json.loads(workbench("data", "show", "rain", "--json").stdout)["fingerprint"] == known
    server.serve("/rain.csv", b"of June\n")
    third = launch("cat ${{inputs.d}}", inputs=given)
    assert third.finish() is RunState.COMPLETED and read_log(third.files) == "of June\n"
    assert third.warnings() == [
        f"input d: {url} has changed since azureml:rain:1 was first fetched; a version is meant to stay as it is"
    ]
    assert json.loads(workbench("data", "show", "rain", "--json").stdout)["fingerprint"] == known
    assert "unchanged" not in workbench(*words, "--version", "1").stderr


def test_a_rerun_to_which_other_data_comes_is_told(launch: Launch, server: Server) -> None:
    url, other = server.serve("/a.txt", b"one\n"), server.serve("/b.txt", b"three\n")
    first = launch("cat ${{inputs.d}}", inputs={"d": Input(type="uri_file", path=url)})
    assert first.finish() is RunState.COMPLETED

    def again(*overrides: str) -> list[str]:
        run = Launched(first.layout, rerun(first.layout, first.name, overrides).name)
        assert run.finish() is RunState.COMPLETED
        return run.warnings()

    assert again() == []
    server.serve("/a.txt", b"two\n")
    assert again() == [f"input d is not as it was in {first.name}: {url} has changed since"]
    assert again(f"inputs.d.path={other}") == []


def test_an_asset_that_is_gone_or_changed_is_told(launch: Launch, layout: WorkspaceLayout, folder: Path) -> None:
    add_local(layout, "notes", folder)
    (folder / "sub" / "f.txt").write_text("changed since\n")
    run = launch("cat ${{inputs.d}}/sub/f.txt", inputs={"d": Input(path="azureml:notes:1")})
    assert run.finish() is RunState.COMPLETED
    assert any("has changed since azureml:notes:1 was added" in fields["text"] for fields in run.events("warning"))
    (folder / "sub" / "f.txt").unlink()
    (folder / "sub").rmdir()
    folder.rmdir()
    with pytest.raises(SpecError, match="nothing any more"):
        launch("true", inputs={"d": Input(path="azureml:notes:1")})


def test_an_asset_of_which_only_times_have_changed_is_as_it_was(
    launch: Launch, workbench: Workbench, folder: Path
) -> None:
    assert workbench("data", "add", "notes", str(folder)).returncode == 0
    os.utime(folder / "sub" / "f.txt", (1, 1))
    run = launch("cat ${{inputs.d}}/sub/f.txt", inputs={"d": Input(path="azureml:notes:1")})
    assert run.finish() is RunState.COMPLETED and run.warnings() == []


def test_an_asset_of_another_type_is_told_apart(launch: Launch, layout: WorkspaceLayout, server: Server) -> None:
    url = server.serve("/a.csv", b"1\n")
    add_asset(layout, AssetVersion("data", "table", "", "uri_file", url))
    with pytest.raises(SpecError, match="is a uri_file"):
        launch("true", inputs={"d": Input(path="azureml:table:1")})
    run = launch("cat ${{inputs.d}}", inputs={"d": Input(type="uri_file", path="azureml:table:1")})
    assert run.finish() is RunState.COMPLETED
    assert read_log(run.files) == "1\n"
    with pytest.raises(SpecError, match="there is no model 'table'") as raised:
        launch("true", inputs={"d": Input(type="custom_model", path="azureml:table:1")})
    assert "type: uri_file" in str(raised.value.remedy)


def test_a_path_on_a_datastore(launch: Launch, layout: WorkspaceLayout, folder: Path, server: Server) -> None:
    add_datastore(layout, "shelf", str(folder))
    server.serve("/base/deep/a.txt", b"web\n")
    add_datastore(layout, "web", server.url("/base"))
    long = "azureml://subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w"
    run = launch(
        "cat ${{inputs.d}}/f.txt ${{inputs.w}}",
        inputs={
            "d": Input(path=f"{long}/datastores/shelf/paths/sub"),
            "w": Input(type="uri_file", path="azureml://datastores/web/paths/deep/a.txt"),
        },
    )
    assert run.finish() is RunState.COMPLETED, read_log(run.files)
    assert read_log(run.files) == "content\nweb\n"


def test_a_link_does_not_lead_out_of_a_datastore(
    launch: Launch, layout: WorkspaceLayout, folder: Path, here: Path
) -> None:
    add_datastore(layout, "shelf", str(folder))
    (here / "secret").mkdir()
    (folder / "out").symlink_to(here / "secret")
    with pytest.raises(SpecError, match="leads out of"):
        launch("true", inputs={"d": Input(path="azureml://datastores/shelf/paths/out")})


def test_an_output_of_a_completed_run(launch: Launch) -> None:
    first = launch(
        "echo m > ${{outputs.model}}/weights; echo o > outputs/own", name="first", outputs={"model": Output()}
    )
    assert first.finish() is RunState.COMPLETED
    run = launch(
        "cat ${{inputs.m}}/weights ${{inputs.w}} ${{inputs.o}}/own ${{inputs.r}} ${{inputs.a}}",
        inputs={
            "m": Input(path="azureml://jobs/first/outputs/model"),
            "w": Input(type="uri_file", path="azureml://jobs/first/outputs/model/paths/weights"),
            "o": Input(path="azureml://jobs/first/outputs/default"),
            "r": Input(type="uri_file", path="runs:/first/own"),
            "a": Input(type="uri_file", path="azureml://jobs/first/outputs/artifacts/paths/outputs/own"),
        },
    )
    assert run.finish() is RunState.COMPLETED, read_log(run.files)
    assert read_log(run.files) == "m\nm\no\no\no\n"
    fields = last_input(run, "w")
    assert (fields["source_run"], fields["source_output"]) == ("first", "model")
    with pytest.raises(SpecError, match="has no output 'modle'") as raised:
        launch("true", inputs={"m": Input(path="azureml://jobs/first/outputs/modle")})
    assert "Did you mean model" in str(raised.value.remedy)


def test_an_output_of_a_run_that_is_not_completed_is_refused_with_its_state(launch: Launch) -> None:
    launch("exit 3", name="broken").finish()
    with pytest.raises(SpecError, match="run broken is Failed"):
        launch("true", inputs={"m": Input(path="azureml://jobs/broken/outputs/default")})
    going = launch("sleep 1000", name="going")
    going.wait_for(RunState.RUNNING)
    with pytest.raises(SpecError, match="run going is Running"):
        launch("true", inputs={"m": Input(path="azureml://jobs/going/outputs/default")})


# -- where the job finds it


def test_path_on_compute_is_where_the_job_finds_it(launch: Launch, server: Server, folder: Path, here: Path) -> None:
    place = here / "mounted"
    run = launch(
        "cat data/notes/sub/f.txt; cat ${{inputs.w}}; echo ${{inputs.w}}",
        inputs={
            "d": Input(path=str(folder), path_on_compute="data/notes"),
            "w": Input(
                type="uri_file", path=server.serve("/a.txt", b"web\n"), path_on_compute=str(place), mode="download"
            ),
        },
    )
    assert run.finish() is RunState.COMPLETED, read_log(run.files)
    assert read_log(run.files) == f"content\nweb\n{place}\n"
    assert not os.path.lexists(place)


@pytest.mark.parametrize(("place", "kept"), [("outputs/x", "outputs"), ("./logs", "logs")])
def test_an_input_is_not_put_where_the_run_keeps_what_the_job_writes(
    workbench: Workbench, job: Callable[..., str], folder: Path, place: str, kept: str
) -> None:
    file = job("true", f"inputs:\n  a: {{path: '{folder}', path_on_compute: {place}}}\n")
    for word in ("validate", "run"):
        done = workbench(word, file)
        assert done.returncode == 3 and f"is in ./{kept}, which is kept with the run" in done.stdout + done.stderr


def test_what_is_in_the_way_of_path_on_compute_stays(launch: Launch, folder: Path, here: Path) -> None:
    (here / "mine").write_text("mine")
    run = launch("true", inputs={"d": Input(path=str(folder), path_on_compute=str(here / "mine"))})
    assert run.finish() is RunState.FAILED
    assert "something is in the way" in run.last_state()["reason"]
    assert (here / "mine").read_text() == "mine"
    with pytest.raises(SpecError, match="leads out of the working directory"):
        launch("true", inputs={"d": Input(path=str(folder), path_on_compute="../../x")})


@pytest.mark.parametrize("below", ["", "/b", "/deep/er/b"])
def test_no_place_is_in_another_inputs(launch: Launch, folder: Path, here: Path, below: str) -> None:
    before = sorted(folder.rglob("*"))
    for place in ("sub", str(here / "sub")):
        inputs = {
            "a": Input(path=str(folder), path_on_compute=place),
            "b": Input(path=str(folder), path_on_compute=place + "/." + below),
        }
        with pytest.raises(SpecError, match="is the place of the input"):
            launch("true", inputs=inputs)
    assert sorted(folder.rglob("*")) == before


def test_a_link_that_another_made_stays(launch: Launch, folder: Path, here: Path) -> None:
    (here / "mine").symlink_to(folder)
    run = launch("true", inputs={"d": Input(path=str(folder), path_on_compute=str(here / "mine"))})
    assert run.finish() is RunState.FAILED
    assert os.readlink(here / "mine") == str(folder)
    place = here / "theirs"
    replace = f"rm {place}; ln -s {folder} {place}"
    assert launch(replace, inputs={"d": Input(path=str(folder), path_on_compute=str(place))}).finish()
    assert os.readlink(place) == str(folder)


def test_an_asset_whose_run_no_longer_has_it_is_told(launch: Launch, layout: WorkspaceLayout) -> None:
    output = Output(type="uri_folder", name="kept", version="1")
    run = launch("mkdir -p ${{outputs.o}}; echo x > ${{outputs.o}}/x", outputs={"o": output})
    assert run.finish() is RunState.COMPLETED
    assert not asset_page(layout, Store(layout), "data", "kept").gone
    shutil.rmtree(run.files.named_outputs / "o")
    assert asset_page(layout, Store(layout), "data", "kept").gone
