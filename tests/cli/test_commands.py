"""The other commands: what they say, and how they refuse."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode
from workbench_store.errors import UsageError
from workbench_store.processes import process_start
from workbench_store.workspace import open_workspace

import workbench as wb
from tests.cli.terminal import Workbench
from tests.lifecycle.launched import wait_until
from tests.tui.workspace import Run

Job = Callable[..., str]


def test_validate_reports_all_errors_with_positions(workbench: Workbench, here: Path) -> None:
    (here / "bad.yml").write_text("command: echo ${{inputs.rate}}\ncompute: local\ninputs:\n  lr: 0.1\nlimit: 3\n")
    done = workbench("validate", "bad.yml")
    assert done.returncode == ExitCode.BAD_SPEC
    assert "bad.yml:1:" in done.stdout and "bad.yml:5:1" in done.stdout and "limits" in done.stdout
    problems = json.loads(workbench("validate", "bad.yml", "--json").stdout)
    assert {problem["line"] for problem in problems} >= {1, 5}


def test_validate_tells_of_names_beside_errors(workbench: Workbench, here: Path, job: Job) -> None:
    assert workbench("run", job("true", "", "other.yml")).returncode == 0
    text = "comand: echo\ncompute: azureml:gpu\nenvironment: azureml:sklearn-1.6@latest\n"
    (here / "bad.yml").write_text(text + "inputs:\n  a: {type: uri_file, path: azureml:nothing:1}\n")
    done = workbench("validate", "bad.yml")
    assert done.returncode == ExitCode.BAD_SPEC
    assert "bad.yml:1:1" in done.stdout and "bad.yml:2:10" in done.stdout and "bad.yml:3:14" in done.stdout
    assert "bad.yml:5:" in done.stdout
    (here / "bad.yml").write_text("command: echo\nenvironment_variables: {Z: null}\n")
    assert "bad.yml:2:" in workbench("validate", "bad.yml").stdout
    (here / "bad.yml").write_text("command: echo\nenvironment: {conda_file: nowhere.yml}\n")
    assert workbench("validate", "bad.yml").stdout.count("nowhere.yml") == 1


def test_fields_without_meaning_here_are_said_to_be_unused(workbench: Workbench, job: Job) -> None:
    file = job(extra="identity: {type: managed}\nresources: {shm_size: 2g}\nenvironment: azureml:sklearn-1.5@latest\n")
    done = workbench("validate", file)
    assert done.returncode == 0
    assert "note: identity: unused" in done.stdout and "note: resources.shm_size: unused" in done.stdout
    done = workbench("run", job(extra="identity: {type: managed}\nresources: {shm_size: 2g}\n"))
    assert "not used on local compute: resources.shm_size, identity" in done.stderr


def test_validate_tells_of_an_ignore_file_that_run_refuses(workbench: Workbench, job: Job, here: Path) -> None:
    file = job()
    (here / "src" / ".amlignore").write_text("fine\nends\\\n")
    done = workbench("validate", file)
    assert done.returncode == 0 and ".amlignore:2" in done.stdout


def test_validate_accepts_a_good_file(workbench: Workbench, job: Job, here: Path) -> None:
    assert workbench("validate", job()).returncode == 0
    assert not (here / ".workbench").exists()


def test_validate_warns_of_what_run_would_refuse(workbench: Workbench, job: Job, here: Path) -> None:
    extra = "environment: azureml:sklearn-1.6@latest\ncompute: azureml:gpu\nname: one\n"
    done = workbench("validate", job(extra=extra))
    assert (
        done.returncode == 0 and "warning: environment:" in done.stdout and "Did you mean sklearn-1.5?" in done.stdout
    )
    assert "job.yml:3:14" in done.stdout
    assert "warning: compute:" in done.stdout and "workbench compute add gpu" in done.stdout
    assert not list(here.glob(".workbench*")), "nothing is made"
    assert workbench("run", job("true", "name: one\n", "other.yml")).returncode == 0
    done = workbench("validate", job(extra=extra))
    assert done.returncode == 0
    assert "warning: compute:" in done.stdout and "workbench compute add gpu" in done.stdout
    assert "warning: name: a run named one" in done.stdout
    assert workbench("compute", "add", "gpu").returncode == 0
    assert "compute" not in workbench("validate", job(extra=extra)).stdout


def test_schema_is_a_json_schema(workbench: Workbench) -> None:
    schema = json.loads(workbench("schema").stdout)
    assert "command" in json.dumps(schema) and "$schema" in schema


def test_snapshot_previews_without_writing(workbench: Workbench, here: Path) -> None:
    code = here / "code"
    code.mkdir()
    (code / ".amlignore").write_text("*.log\n")
    (code / "big.bin").write_bytes(b"x" * 5000)
    (code / "old.log").write_text("old\n")
    (code / ".env").write_text("PASSWORD=hunter2\n")
    done = workbench("snapshot", "code")
    assert done.returncode == 0, done.stderr
    assert "big.bin" in done.stdout and "*.log" in done.stdout and ".env" in done.stdout
    seen = json.loads(workbench("snapshot", "code", "--json").stdout)
    assert {entry["path"] for entry in seen["files"]} == {".amlignore", "big.bin", ".env"}
    assert not (here / ".workbench").exists()


def test_snapshot_shows_links_that_lead_out(workbench: Workbench, here: Path) -> None:
    (here / "code").mkdir()
    (here / "code" / "main.py").write_text("")
    (here / "shared").mkdir()
    (here / "shared" / "data").write_text("x")
    (here / "code" / "link").symlink_to("../shared")
    done = workbench("snapshot", "code")
    assert done.returncode == ExitCode.BAD_SPEC and done.stdout.startswith("code: 1 file,")
    assert "link -> ../shared" in done.stdout and "--follow-links" in done.stdout
    seen = workbench("snapshot", "code", "--json")
    assert seen.returncode == ExitCode.BAD_SPEC and json.loads(seen.stdout)["outside"] == ["link"]
    done = workbench("snapshot", "code", "--follow-links")
    assert done.returncode == 0 and "link/data" in done.stdout and done.stdout.startswith("code: 2 files,")


def test_names_resolve_by_prefix_or_say_what_is_near(workbench: Workbench, job: Job) -> None:
    for name in ("red-fox", "red-hen"):
        assert workbench("run", job("true", f"name: {name}\n")).returncode == 0
    assert workbench("show", "red-f").returncode == 0
    ambiguous = workbench("show", "red")
    assert ambiguous.returncode == ExitCode.NOT_FOUND
    assert "red-fox" in ambiguous.stderr and "red-hen" in ambiguous.stderr
    unknown = workbench("show", "red-fix")
    assert unknown.returncode == ExitCode.NOT_FOUND and "red-fox" in unknown.stderr


def test_outputs_are_downloaded_once(workbench: Workbench, job: Job, here: Path) -> None:
    name = job("echo kept > outputs/a.txt; echo m > ${{outputs.model}}/m.txt", "name: kept\noutputs:\n  model:\n")
    assert workbench("run", name).returncode == 0
    assert workbench("outputs", "kept", "--download", "got").returncode == 0
    assert (here / "got/artifacts/a.txt").read_text() == "kept\n"
    assert (here / "got/named-outputs/model/m.txt").read_text() == "m\n"
    again = workbench("outputs", "kept", "--download", "got")
    assert again.returncode == ExitCode.REFUSED and "got" in again.stderr


def test_outputs_kept_elsewhere_are_listed_as_they_are_downloaded(workbench: Workbench, job: Job, here: Path) -> None:
    name = job("echo m > ${{outputs.model}}/m.txt", "name: away\noutputs:\n  model: {path: ./results}\n")
    assert workbench("run", name).returncode == 0
    done = workbench("outputs", "away")
    assert "named-outputs/model/m.txt" in done.stdout and f"named-outputs/model is {here / 'results'}" in done.stderr
    assert workbench("outputs", "away", "--download", "got").returncode == 0
    listed = {one["path"] for one in json.loads(workbench("outputs", "away", "--json").stdout) if one["kind"] != "log"}
    assert listed == {path.relative_to(here / "got").as_posix() for path in here.glob("got/**/*") if path.is_file()}


def test_outputs_are_shown_where_they_are_though_the_folder_has_moved(
    workbench: Workbench, job: Job, here: Path
) -> None:
    elsewhere = here / "another/.workbench/datastores/named-outputs/chosen"
    extra = f"name: moved\noutputs:\n  own: {{type: uri_folder}}\n  chosen: {{type: uri_folder, path: {elsewhere}}}\n"
    extra += "  stored: {type: uri_folder, path: azureml://datastores/workspaceblobstore/paths/best}\n"
    words = "echo a > ${{outputs.own}}/a; echo b > ${{outputs.chosen}}/b; echo c > ${{outputs.stored}}/c"
    assert workbench("run", job(words, extra)).returncode == 0
    (here / "moved").mkdir()
    (here / ".workbench").rename(here / "moved/.workbench")
    shown = json.loads(workbench("--workspace", "moved", "show", "moved", "--json").stdout)
    places = {one["name"]: one["path"] for one in shown["outputs"]}
    root = here / "moved/.workbench/runs/moved"
    assert places == {
        "own": str(root / "named-outputs/own"),
        "chosen": str(elsewhere),
        "stored": str(here / "moved/.workbench/datastores/workspaceblobstore/best"),
    }
    assert str(root / "named-outputs/own") in workbench("--workspace", "moved", "show", "moved").stdout
    done = workbench("--workspace", "moved", "outputs", "moved", "--download", "got")
    assert done.returncode == 0 and "missing" not in done.stderr
    assert (here / "got/named-outputs/stored/c").read_text() == "c\n"


def test_what_is_downloaded_and_is_not_what_was_saved_is_named(workbench: Workbench, job: Job, here: Path) -> None:
    write = "for name in same other gone; do echo mine > ${{outputs.model}}/$name; done; echo mine > outputs/own"
    assert workbench("run", job(write, "name: away\noutputs:\n  model: {path: ./results}\n")).returncode == 0
    (here / "results" / "other").write_text("theirs\n")
    (here / "results" / "gone").unlink()
    done = workbench("outputs", "away", "--download", "got")
    told = [line for line in done.stderr.splitlines() if "warning" in line]
    assert done.returncode == 0 and len(told) == 2
    assert "named-outputs/model/gone is missing" in told[0]
    assert "named-outputs/model/other is not what the run saved" in told[1]


def test_a_tag_without_a_value_is_a_tag(workbench: Workbench, job: Job) -> None:
    extra = "name: tagged\ntags: {best: , team: vision}\nproperties: {odd: }\n"
    assert workbench("run", job("true", extra)).returncode == 0
    assert [run["name"] for run in json.loads(workbench("ls", "tag:best", "--json").stdout)["runs"]] == ["tagged"]
    page = json.loads(workbench("show", "tagged", "--json").stdout)
    assert page["tags"] == {"best": "", "team": "vision"} and page["properties"]["odd"] == ""
    assert "tags          best, team=vision" in workbench("show", "tagged").stdout


def test_ls_is_plain_text_when_piped(workbench: Workbench, job: Job) -> None:
    workbench("run", job("true", "name: plain\n"))
    done = workbench("ls")
    assert "plain" in done.stdout and "Completed" in done.stdout and "\x1b" not in done.stdout


def test_ls_has_the_names_of_metrics_as_they_are(workbench: Workbench, job: Job) -> None:
    code = "import workbench; workbench.log({'loss': 1, 'Loss': 2})"
    assert workbench("run", job(f'python -c "{code}"', "name: cases\ninputs: {Lr: 3}\n")).returncode == 0
    titles = workbench("ls").stdout.splitlines()[0].split()
    assert {"loss", "Loss", "Lr", "STATE"} <= set(titles)


def test_parameters_are_the_same_in_every_json(workbench: Workbench, job: Job) -> None:
    code = "import workbench; workbench.log_params({'drop': None, 'lr': 0.1, 'warm': True})"
    assert workbench("run", job(f'python -c "{code}"', "name: cases\n")).returncode == 0
    (run,) = json.loads(workbench("ls", "--json").stdout)["runs"]
    assert run["params"] == {"drop": None, "lr": 0.1, "warm": True}
    assert json.loads(workbench("show", "cases", "--json").stdout)["params"] == run["params"]


def test_ls_has_columns_of_the_runs_that_it_lists(workbench: Workbench, here: Path) -> None:
    for name, key in (("old1", "loss"), ("old2", "loss"), ("new", "reward")):
        with wb.start_run(name=name, workspace=here, system_metrics=False) as run:
            run.log({key: 1.0})
    head = workbench("ls", "-n", "1").stdout.splitlines()[0]
    assert "reward" in head and "loss" not in head
    assert "loss" in workbench("ls").stdout.splitlines()[0]
    sorted_by = workbench("ls", "-n", "1", "--sort", "loss").stdout.splitlines()
    assert "loss" in sorted_by[0] and sorted_by[1].startswith("old")


def test_ls_filters_and_sorts(workbench: Workbench, job: Job) -> None:
    for name, code in (("good-one", 0), ("bad-one", 1)):
        workbench("run", job(f"exit {code}", f"name: {name}\n"))
    runs = json.loads(workbench("ls", "state:failed", "--json").stdout)["runs"]
    assert [run["name"] for run in runs] == ["bad-one"]
    by_name = json.loads(workbench("ls", "--sort", "name", "--json").stdout)["runs"]
    assert [run["name"] for run in by_name] == ["bad-one", "good-one"]


@pytest.mark.parametrize("words", [["ls"], ["show", "x"], ["logs", "x"], ["doctor"], ["cancel", "x"]])
def test_without_a_workspace_nothing_is_made(words: list[str], workbench: Workbench, here: Path) -> None:
    done = workbench(*words)
    assert done.returncode in {ExitCode.WORKSPACE, ExitCode.COMPLETED} and "Traceback" not in done.stderr
    assert not (here / ".workbench").exists()


def test_doctor_rebuilds_a_lost_store(workbench: Workbench, job: Job, here: Path) -> None:
    workbench("run", job("true", "name: before\n"))
    workbench("ls")
    (here / ".workbench" / "store.duckdb").write_bytes(b"scribbled over" * 1000)
    broken = workbench("ls")
    assert broken.returncode == ExitCode.WORKSPACE and "doctor --rebuild" in broken.stderr
    workbench("compute", "add", "gpu")  # the workspace's own journal is no run
    rebuilt = workbench("doctor", "--rebuild")
    assert rebuilt.returncode == 0 and "1 run" in rebuilt.stderr and "2 runs" not in rebuilt.stderr
    assert "before" in workbench("ls").stdout


def test_close_and_adopt_refuse_a_finished_run(workbench: Workbench, job: Job) -> None:
    workbench("run", job("true", "name: over\n"))
    assert workbench("close", "over", "--as", "failed").returncode == ExitCode.REFUSED
    assert workbench("adopt", "over").returncode == ExitCode.REFUSED
    assert workbench("cancel", "over").returncode == ExitCode.REFUSED


def test_a_mistyped_command_names_the_near_one(workbench: Workbench) -> None:
    done = workbench("valdate")
    assert done.returncode == ExitCode.USAGE and "validate" in done.stderr


def test_the_dashboard_without_a_terminal_lists(workbench: Workbench, job: Job) -> None:
    workbench("run", job("true", "name: seen\n"))
    assert "seen" in workbench().stdout


def test_listing_has_old_journals_compressed_behind_the_users_back(workbench: Workbench, here: Path) -> None:
    layout = open_workspace(explicit=str(here))
    run = Run(layout, "old-one", 1_700_000_000.0)
    run.points(3000, loss=1.0)
    run.state(4000, "Completed")
    (journal,) = run.files.journals.glob("*.wbj")
    os.utime(journal, (1_700_004_000.0, 1_700_004_000.0))
    before = json.loads(workbench("ls", "--json").stdout)
    deadline = time.monotonic() + 60
    while journal.exists():
        assert time.monotonic() < deadline, "nobody compressed it"
        time.sleep(0.05)
    assert json.loads(workbench("ls", "--json").stdout) == before
    assert workbench("show", "old-one").returncode == 0
    assert workbench("doctor", "--rebuild", "--tidy").returncode in (ExitCode.COMPLETED, ExitCode.PROBLEMS)
    assert json.loads(workbench("ls", "--json").stdout) == before


def test_help_has_examples(workbench: Workbench) -> None:
    for words in (["schema"], ["adopt"], ["close"], ["completion"], ["completion", "zsh"], ["compute", "test"]):
        examples = workbench(*words, "--help").stdout.partition("\nexamples:\n")[2]
        assert f"workbench {' '.join(words)}" in examples, words


def test_a_queued_run_whose_supervisor_was_killed_is_told_to_end(workbench: Workbench, job: Job, here: Path) -> None:
    assert workbench("compute", "add", "one", "--slots", "1").returncode == 0
    gated = "while ! test -e outputs/go; do sleep 0.05; done"
    runs = here / ".workbench" / "runs"
    assert workbench("run", job(gated, "name: first\ncompute: one\n"), "--detach").returncode == 0
    wait_until((runs / "first" / "control" / "job.json").exists, "the job")
    assert workbench("run", job(gated, "name: second\ncompute: one\n"), "--detach").returncode == 0
    wait_until(lambda: "Queued" in workbench("ls", "name:second").stdout, "the queue")
    supervisor = json.loads((runs / "second" / "control" / "supervisor.json").read_text())
    os.kill(supervisor["pid"], signal.SIGKILL)
    wait_until(lambda: process_start(supervisor["pid"]) is None, "its end")
    told = workbench("adopt", "second")
    assert told.returncode == 0 and "never started" in told.stderr and "workbench rerun second" in told.stderr
    wait_until(lambda: "Failed" in workbench("ls", "name:second").stdout, "the end of the run")
    (runs / "first" / "outputs" / "go").touch()


def test_a_path_too_long_is_told_shortly_with_what_helps(workbench: Workbench, here: Path) -> None:
    (here / "tree").mkdir()
    at = os.open(here / "tree", os.O_RDONLY)
    for _ in range(300):
        os.mkdir("sixteen-letters-", dir_fd=at)
        below = os.open("sixteen-letters-", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    done = workbench("snapshot", "tree")
    assert done.returncode != 0 and "Shorten the names of its folders" in done.stderr and len(done.stderr) < 600
    shutil.rmtree(here / "tree")


@pytest.mark.parametrize(
    ("words", "usage", "said"),
    [
        (["run", "--sed", "lr=1", "job.yml"], "usage: workbench run", "no option --sed; did you mean --set?"),
        (["ls", "--limt=3"], "usage: workbench ls", "no option --limt; did you mean --limit?"),
        (["env", "ls", "--jsn"], "usage: workbench env ls", "no option --jsn; did you mean --json?"),
        (["gc", "--zzzzz"], "usage: workbench gc", "no option --zzzzz; see workbench gc --help"),
        (["show", "a", "b"], "usage: workbench show", "too many arguments: b"),
    ],
)
def test_what_a_command_does_not_know_is_told_with_its_own_usage(
    workbench: Workbench, words: list[str], usage: str, said: str
) -> None:
    done = workbench(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(usage) and said in done.stderr


def test_a_name_that_file_systems_do_not_take_is_refused_by_its_length(
    workbench: Workbench, job: Job, here: Path
) -> None:
    for length, code in ((240, 0), (241, 4), (255, 4)):
        file = job("true", f"name: {'n' * length}\n", name=f"{length}.yml")
        assert (f"{length} letters" in workbench("validate", file).stdout) is (code != 0)
        done = workbench("run", file)
        assert done.returncode != 70 and (done.returncode == 0) is (code == 0), done.stderr
        assert code == 0 or f"has {length} letters" in done.stderr
    assert workbench("rm", "n" * 240).returncode == 0 and workbench("gc", "--yes").returncode == 0
    with pytest.raises(UsageError, match="240"):
        wb.start_run(name="n" * 241)
