"""`workbench data`, `model`, `datastore` and `lineage` as users run them."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode

from tests.cli.terminal import Workbench
from tests.data_assets.servers import Server

pytestmark = pytest.mark.slow

Job = Callable[..., str]


@pytest.fixture
def rain(here: Path) -> Path:
    file = here / "rain.csv"
    file.write_text("month,mm\n1,20\n")
    return file


def test_a_version_is_added_listed_and_shown(workbench: Workbench, rain: Path) -> None:
    done = workbench("data", "add", "rain", "rain.csv", "--description", "of May", "--tag", "team=sky")
    assert (done.returncode, done.stdout) == (0, "azureml:rain:1\n")
    again = workbench("data", "add", "rain", str(rain), "--version", "1")
    assert again.returncode == 0 and "unchanged" in again.stderr
    assert workbench("data", "add", "rain", "https://example.org/rain.csv", "--version", "web").returncode == 0
    listed = json.loads(workbench("data", "ls", "--json", "--all").stdout)
    assert [(one["version"], one["type"], one["path"]) for one in listed] == [
        ("1", "uri_file", str(rain)),
        ("web", "uri_file", "https://example.org/rain.csv"),
    ]
    shown = json.loads(workbench("data", "show", "rain:1", "--json").stdout)
    assert shown["tags"] == {"team": "sky"} and shown["versions"] == ["1", "web"] and shown["used_by"] == []
    assert shown["fingerprint"].startswith("xxh3-128:")
    text = workbench("data", "show", "azureml:rain@latest").stdout
    assert text.startswith("azureml:rain:web\n")


def test_a_folder_with_a_table_is_one(workbench: Workbench, rain: Path) -> None:
    (rain.parent / "table").mkdir()
    (rain.parent / "table" / "MLTable").write_text("paths:\n  - file: ../rain.csv\n")
    for words, type in (((), "mltable"), (("--type", "uri_folder"), "uri_folder")):
        assert workbench("data", "add", "t", "table", *words).returncode == 0
        assert json.loads(workbench("data", "show", "t", "--json").stdout)["type"] == type
    (rain.parent / "table" / "MLTable").write_text("paths: none\n")
    assert workbench("data", "add", "t", "table").returncode == 6


def test_a_version_never_changes(workbench: Workbench, rain: Path) -> None:
    workbench("data", "add", "rain", "rain.csv")
    rain.touch()
    assert workbench("data", "add", "rain", "rain.csv", "--version", "1").returncode == 0
    rain.write_text("other\n")
    done = workbench("data", "add", "rain", "rain.csv", "--version", "1")
    assert done.returncode == 6
    assert "is there already with other content: its files have changed" in done.stderr
    assert workbench("data", "add", "rain", "rain.csv").stdout == "azureml:rain:2\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("data", "add", "rain"), 2, "where is it"),
        (("data", "add", "a b", "rain.csv"), 2, "cannot be the name"),
        (("data", "add", "a" * 256, "rain.csv"), 2, "It has 256 characters, and 255 are the most"),
        (("data", "add", "a", "rain.csv", "--version", "1" * 300), 2, "Give another one of at most 255 characters"),
        (("data", "add", "rain", "rain.csv", "--version", "latest"), 2, "no version is named latest"),
        (("data", "add", "rain", "none.csv"), 6, "there is nothing at"),
        (("data", "add", "rain", "rain.csv", "--type", "uri_folder"), 6, "is a file, not a uri_folder"),
        (("data", "add", "rain", "azureml:rain"), 2, "Did you mean azureml:rain@latest"),
        (("data", "add", "rain", "https://h/x?sig=abcdefgh12345678"), 2, "is not stored"),
        (("data", "add", "rain", "azureml://datastores/shelv/paths/x"), 5, "there is no datastore 'shelv'"),
        (("data", "add", "x", "nosuch://x/y"), 2, "nothing reads nosuch:"),
        (("data", "add", "x", "htpps://x/y"), 2, "Did you mean https:? https: and http: are read"),
        (("model", "add", "x", "nosuch://x/y"), 2, "nothing reads nosuch:"),
        (("datastore", "add", "x", "nosuch://x/y"), 2, "nothing reads nosuch:"),
        (("data", "show", "rian"), 5, "Did you mean rain"),
        (("model", "show", "rain"), 5, "no model 'rain'"),
        (("datastore", "add", "x", "s3://user:secret@bucket"), 2, "is not stored"),
        (("datastore", "add", "x", "azureml:rain:1"), 2, "not another azureml: name"),
        (("datastore", "add", "x", "none"), 6, "there is no folder"),
        (("lineage", "nothing"), 5, "there is no run 'nothing'"),
        (("data", "add", "evil", "rain.csv", "--tag", "k=\x1b[31mred"), 2, "cannot be shown"),
        (("data", "add", "evil", "rain.csv", "--description", "a\x1b[31mred"), 2, "cannot be shown"),
        (("lineage", "rain:9"), 5, "no version '9'"),
    ],
)
def test_what_is_wrong_is_said_with_the_remedy(
    workbench: Workbench, rain: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    workbench("data", "add", "rain", "rain.csv")
    done = workbench(*words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("data", "add", "p", "pipe"), "pipe is a pipe, not a file or a folder"),
        (("data", "add", "p", "/dev/zero"), "/dev/zero is a device, not a file or a folder"),
        (("data", "add", "p", "pipe", "--type", "uri_file"), "pipe is a pipe, not a file\n"),
        (("model", "add", "p", "pipe"), "pipe is a pipe, not a file or a folder"),
        (("data", "add", "--file", "data.yml"), "pipe is a pipe, not a file\n"),
        (("data", "add", "p", "azureml://datastores/shelf/paths/pipe"), "pipe is a pipe, not a file or a folder"),
        (("data", "add", "p", "table", "--type", "mltable"), "MLTable is a pipe, not a file"),
        (("run", "job.yml"), "inputs.i.path: "),
    ],
)
def test_a_pipe_or_a_device_is_no_data_and_nothing_waits_for_it(
    workbench: Workbench, job: Job, here: Path, words: tuple[str, ...], said: str
) -> None:
    (here / "table").mkdir()
    for name in ("pipe", "table/MLTable"):
        os.mkfifo(here / name)
    workbench("datastore", "add", "shelf", ".")
    (here / "data.yml").write_text("name: p\ntype: uri_file\npath: ./pipe\n")
    job("true", "inputs: {i: {type: uri_file, path: 'azureml://datastores/shelf/paths/pipe'}}\n")
    done = workbench(*words)
    assert done.returncode in (3, 6) and said in done.stderr, done.stderr
    assert workbench("data", "add", "with", "table").returncode == 0  # as in a job, what is in a folder is passed over


@pytest.mark.skipif(find_spec("s3fs") is not None, reason="needs a file system that is not installed")
def test_a_place_that_needs_a_package_is_added_with_a_word(workbench: Workbench) -> None:
    done = workbench("data", "add", "far", "s3://bucket/far.csv")
    assert done.stdout == "azureml:far:1\n" and "warning: no job can have it yet: s3: needs" in done.stderr


def test_a_full_disk_names_nothing(workbench: Workbench, rain: Path, here: Path) -> None:
    """Nothing more can be written to any file: the name must not be told as given."""
    workbench("data", "add", "rain", "rain.csv")

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    done = subprocess.run(
        [sys.executable, "-m", "workbench", "data", "add", "more", "rain.csv"],
        cwd=here,
        capture_output=True,
        text=True,
        preexec_fn=full,
    )
    assert done.returncode != 0 and done.stdout == ""
    assert [one["name"] for one in json.loads(workbench("data", "ls", "--json").stdout)] == ["rain"]


def test_validate_says_which_names_are_not_known(workbench: Workbench, job: Job, rain: Path) -> None:
    workbench("data", "add", "rain", "rain.csv")
    inputs = "inputs:\n  a: {type: uri_file, path: 'azureml:rain:1'}\n  b: {type: uri_file, path: 'azureml:rian:1'}\n"
    done = workbench("validate", job("true", inputs + "outputs:\n  o: {path: 'azureml://datastores/shelf/paths/o'}\n"))
    assert "job.yml:5:29: warning: inputs.b.path: there is no data asset 'rian'" in done.stdout + done.stderr
    assert "Did you mean rain?" in done.stdout + done.stderr
    assert "outputs.o: there is no datastore 'shelf'" in done.stdout + done.stderr
    assert "inputs.a" not in done.stdout + done.stderr


@pytest.mark.parametrize("url", ["http:///x", "http://127.0.0.1:99999/x", "https://[::1/x", "http://h:port/x"])
def test_a_url_that_leads_nowhere_is_an_error_before_anything_is_run(workbench: Workbench, job: Job, url: str) -> None:
    file = job("true", f"inputs:\n  a: {{type: uri_file, path: '{url}'}}\n")
    for words in (("validate", file), ("run", file)):
        done = workbench(*words)
        assert done.returncode == 3 and "job.yml:4:29: error: inputs.a.path: is no URL: " in done.stdout + done.stderr
    assert workbench("data", "add", "a", url).returncode == 2


def test_a_rerun_needs_a_secret_again(workbench: Workbench, job: Job, server: Server) -> None:
    url = server.serve("/a.txt", b"a\n")
    file = job(
        "cat ${{inputs.d}}", f"name: first\ninputs: {{d: {{type: uri_file, path: '{url}?sig=0123456789abcdef'}}}}\n"
    )
    assert workbench("run", file).returncode == 0
    done = workbench("rerun", "first")
    assert done.returncode == 3 and "--set inputs.d.path=URL" in done.stderr
    assert workbench("rerun", "first", "--set", f"inputs.d.path={url}?sig=0123456789abcdef").returncode == 0


def test_azures_files_are_read(workbench: Workbench, here: Path, rain: Path) -> None:
    (here / "data.yml").write_text(
        "$schema: https://azuremlschemas.azureedge.net/latest/data.schema.json\n"
        "name: rain\nversion: 3\ndescription: of May\ntype: uri_file\npath: ./rain.csv\ntags: {a: b}\n"
    )
    assert workbench("data", "add", "--file", "data.yml").stdout == "azureml:rain:3\n"
    (here / "model.yml").write_text(
        "$schema: https://azuremlschemas.azureedge.net/latest/model.schema.json\n"
        "name: net\nversion: 2\npath: ./net\ntype: mlflow_model\ndescription: the best\nflavors: {python: {}}\n"
    )
    (here / "net").mkdir()
    assert workbench("model", "add", "--file", "model.yml").stdout == "azureml:net:2\n"
    shown = json.loads(workbench("model", "show", "net", "--json").stdout)
    assert (shown["type"], shown["path"], shown["description"]) == ("mlflow_model", str(here / "net"), "the best")
    refused = workbench("data", "add", "--file", "model.yml")
    assert refused.returncode == ExitCode.BAD_SPEC and "type: 'mlflow_model' is not an allowed value" in refused.stderr
    stores = {
        "azure_blob": ("container_name: c", "wasbs://c@acct.blob.core.windows.net/"),
        "azure_data_lake_gen2": ("filesystem: c", "abfss://c@acct.dfs.core.windows.net/"),
        "azure_file": ("file_share_name: c", "https://acct.file.core.windows.net/c/"),
    }
    for kind, (line, _) in stores.items():
        (here / "store.yml").write_text(f"name: {kind}\ntype: {kind}\naccount_name: acct\n{line}\n")
        assert workbench("datastore", "add", "--file", "store.yml").returncode == 0
    listed = json.loads(workbench("datastore", "ls", "--json").stdout)
    assert {one["name"]: one["place"] for one in listed if one["name"] in stores} == {
        kind: url for kind, (_, url) in stores.items()
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "name: s\ntype: azure_blob\naccount_name: a\ncontainer_name: c\ncredentials:\n  account_key: x\n",
            "5:1: error: cred",
        ),
        ("name: s\ntype: azure_blobs\naccount_name: a\n", "2:7: error: type: 'azure_blobs' is not an allowed value"),
        ("name: s\ntype: azure_blob\naccount_name: a\n", "container_name: is required"),
        ("- a\n", "must be a mapping"),
    ],
)
def test_a_datastore_file_that_is_wrong_is_refused(workbench: Workbench, here: Path, text: str, said: str) -> None:
    (here / "store.yml").write_text(text)
    done = workbench("datastore", "add", "--file", "store.yml")
    assert done.returncode == 3 and said in done.stderr, done.stderr
    assert not (here / ".workbench").exists()


def test_a_datastore_is_replaced_with_a_word(workbench: Workbench, here: Path) -> None:
    (here / "one").mkdir()
    (here / "two").mkdir()
    workbench("datastore", "add", "shelf", "one")
    assert ": replaced" not in workbench("datastore", "add", "shelf", "one").stderr
    assert f"was {here / 'one'}: replaced" in workbench("datastore", "add", "shelf", "two").stderr


def test_lineage_goes_both_ways(workbench: Workbench, job: Job, here: Path, rain: Path, server: Server) -> None:
    workbench("data", "add", "rain", "rain.csv")
    ports = 'inputs: {{t: {{type: uri_file, path: "{}"}}}}\noutputs: {{m: {}}}\nname: {}\n'
    train = job(
        "cp ${{inputs.t}} ${{outputs.m}}/t", ports.format("azureml:rain:1", "{type: custom_model, name: net}", "train")
    )
    assert workbench("run", train).returncode == 0
    use = job(
        "ls ${{inputs.m}} > ${{outputs.o}}/l",
        "inputs: {m: {type: custom_model, path: 'azureml:net:1'}}\nname: use\n"
        "outputs: {o: {path: 'azureml://datastores/workspaceblobstore/paths/o'}}\n",
    )
    assert workbench("run", use).returncode == 0
    read = job(
        "cat ${{inputs.l}} ${{inputs.w}}",
        "name: read\ninputs:\n  l: {type: uri_file, path: 'azureml://datastores/workspaceblobstore/paths/o/l'}\n"
        f"  w: {{type: uri_file, path: '{server.serve('/w.txt', b'w')}'}}\n",
    )
    assert workbench("run", read).returncode == 0
    found = json.loads(workbench("lineage", "net", "--json").stdout)
    assert (found["kind"], found["name"]) == ("model", "net:1")

    def chain(steps: list[dict[str, object]]) -> list[object]:
        return [[step["kind"], step["name"], step["via"], chain(step["steps"])] for step in steps]  # type: ignore[arg-type]

    assert chain(found["made_from"]) == [
        ["run", "train", "m", [["data", "rain:1", "t", [["place", str(rain), "", []]]]]]
    ]
    assert chain(found["led_to"]) == [["run", "use", "m", [["run", "read", "l", []]]]]
    text = workbench("lineage", "rea").stdout
    assert "run use  as l" in text and "model net:1  as m" in text and "place http://" in text
    shown = json.loads(workbench("data", "show", "rain", "--json").stdout)
    assert shown["used_by"] == [{"run": "train", "input": "t"}]
    shown = json.loads(workbench("model", "show", "net", "--json").stdout)
    assert (shown["run"], shown["output"]) == ("train", "m")
    assert workbench("run", job("true", "name: rain\n")).returncode == 0
    found = json.loads(workbench("lineage", "rain", "--json").stdout)
    assert (found["kind"], found["name"], found["detail"], found["made_from"]) == ("run", "rain", "Completed", [])
    page = json.loads(workbench("show", "use", "--json").stdout)
    assert page["inputs"][0]["asset"] == "azureml:net:1"
    assert json.loads(workbench("show", "train", "--json").stdout)["outputs"][0]["asset"] == "azureml:net:1"


def test_lineage_goes_through_assets_that_users_made_of_what_runs_wrote(
    workbench: Workbench, job: Job, here: Path
) -> None:
    (here / "shelf").mkdir()
    assert workbench("datastore", "add", "shelf", "../" + here.name + "/shelf").returncode == 0
    made = "name: {}\noutputs: {{o: {{path: {}}}}}\n"
    for name, place in (("older", "./out"), ("prep", "./out"), ("shelved", "azureml://datastores/shelf/paths/p")):
        assert (
            workbench("run", job("echo 1 > ${{outputs.o}}/a; echo 2 > outputs/m", made.format(name, place))).returncode
            == 0
        )
    for name, place in (
        ("rain", "./out"),
        ("snow", "azureml://datastores/shelf/paths/p/a"),
        ("hail", "shelf/p"),
        ("own", ".workbench/runs/prep/outputs/m"),
    ):
        assert workbench("data", "add", name, place).returncode == 0
    assert workbench("run", job("true", made.format("newer", "./out"))).returncode == 0
    ports = "name: train\ninputs:\n" + "".join(
        f"  {name}: {{path: 'azureml:{name}:1', type: {kind}}}\n"
        for name, kind in (("rain", "uri_folder"), ("snow", "uri_file"), ("hail", "uri_folder"), ("own", "uri_file"))
    )
    assert (
        workbench(
            "run", job("true", ports + "  direct: {path: .workbench/runs/older/outputs/m, type: uri_file}\n")
        ).returncode
        == 0
    )
    found = json.loads(workbench("lineage", "train", "--json").stdout)["made_from"]
    ways = {step["via"]: [below["name"] for below in step["steps"]] or step["name"] for step in found}
    assert ways == {"rain": ["prep"], "snow": ["shelved"], "hail": ["shelved"], "own": ["prep"], "direct": "older"}
    led = json.loads(workbench("lineage", "prep", "--json").stdout)["led_to"]
    assert sorted(step["name"] for step in led) == ["own:1", "rain:1"]
    assert json.loads(workbench("lineage", "newer", "--json").stdout)["led_to"] == []


def test_lineage_knows_what_a_run_goes_back_to(workbench: Workbench, job: Job, here: Path) -> None:
    assert workbench("run", job("true", "name: first\n")).returncode == 0
    assert workbench("rerun", "first", "--set", "name=second").returncode == 0
    code = (
        "import workbench\nwith workbench.start_run(name='whole', system_metrics=False) as run:\n"
        "    [run.log({'a': step}, step=step) for step in range(5)]\n"
        "workbench.start_run(fork='whole', at_step=3, name='part', system_metrics=False).end()\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=here, check=True)
    assert "run first  as rerun  Completed" in workbench("lineage", "second").stdout
    assert "run second  as rerun  Completed" in workbench("lineage", "first").stdout
    assert "run whole  as fork at step 3  Completed" in workbench("lineage", "part").stdout
    assert workbench("rm", "whole", "--yes").returncode == 0
    assert "run whole  as fork at step 3  removed" in workbench("lineage", "part").stdout


def test_names_of_hostile_writers_do_not_steer_the_terminal(workbench: Workbench, here: Path, rain: Path) -> None:
    from workbench_store.edits import append_edits
    from workbench_store.workspace import open_workspace

    fields = {"kind": "data", "name": "evil\x1b[2J", "version": "1", "type": "x", "path": "/\x1b]0;title\x07"}
    append_edits(open_workspace(), "asset", [fields])
    workbench("data", "add", "rain", "rain.csv")
    for words in (("data", "ls"), ("data", "show", "evil\x1b[2J"), ("lineage", "evil\x1b[2J")):
        done = workbench(*words)
        assert done.returncode == 0 and "\x1b" not in done.stdout and "\x07" not in done.stdout, words
