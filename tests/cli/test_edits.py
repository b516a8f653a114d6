"""Tags, notes and archiving from the command line: what is written, what lists show, what is refused."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode

from tests.cli.forks import Forks
from tests.cli.terminal import Workbench
from tests.cli.test_commands import Job
from tests.client.scripts import run_script

pytestmark = pytest.mark.slow

NAMES = ["red-fox", "red-hen", "blue-owl"]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Path:
    """A workspace with three runs, to be copied."""
    place = tmp_path_factory.mktemp("made")
    (place / ".git").mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    environ["WORKBENCH_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    for name in NAMES:
        (place / "job.yml").write_text(f"command: 'true'\nname: {name}\n")
        assert forks.run(["run", "job.yml"], place, environ, None, timeout=120).returncode == 0
    return place / ".workbench"


@pytest.fixture
def runs(here: Path, made: Path) -> list[str]:
    shutil.copytree(made, here / ".workbench")
    return NAMES


def listed(workbench: Workbench, *words: str) -> set[str]:
    done = workbench("ls", "--json", *words)
    assert done.returncode == 0, done.stderr
    return {run["name"] for run in json.loads(done.stdout)["runs"]}


def test_tags_are_set_found_and_taken_away(workbench: Workbench, runs: list[str]) -> None:
    assert workbench("tag", "red-f", "team=vision", "best").returncode == 0
    assert listed(workbench, "tag:team=vision") == {"red-fox"} == listed(workbench, "tag:best")
    assert workbench("tag", "--all", "name:red", "colour=red").returncode == 0
    assert listed(workbench, "tag:colour=red") == {"red-fox", "red-hen"}
    assert workbench("tag", "red-fox", "--remove", "best").returncode == 0
    assert json.loads(workbench("show", "red-fox", "--json").stdout)["tags"] == {"team": "vision", "colour": "red"}


def test_filters_turned_round_are_no_options(workbench: Workbench, runs: list[str]) -> None:
    assert listed(workbench, "-name~red") == {"blue-owl"} == listed(workbench, "state:completed", "-name:red")
    assert listed(workbench, "-n1", "-name~red") == {"blue-owl"} == listed(workbench, "--json", "--", "-red")
    slip = workbench("ls", "-blue")
    assert slip.returncode == 2 and "no option -blue" in slip.stderr and "-name~blue" in slip.stderr
    assert workbench("tag", "--all", "-name~red", "odd").returncode == 0
    assert workbench("archive", "--all", "-tag:odd").returncode == 0
    assert listed(workbench) == {"blue-owl"}
    for words in (["tag", "--all", "acuracy>1", "a=b"], ["archive", "--all", "acuracy>1"]):
        assert "no run has a metric or parameter 'acuracy'" in workbench(*words).stderr
    told = workbench("rm", "--all", "-state:failed", "--preview")
    assert told.returncode == 0 and "blue-owl" in told.stdout and "red" not in told.stdout
    assert workbench("rm", "--all", "--preview").returncode == 2
    for word in ("-preview", "-f", "-x"):
        assert workbench("rm", "--all", word).returncode == 2 and listed(workbench) == {"blue-owl"}


def test_what_became_of_tags_is_said(workbench: Workbench, runs: list[str]) -> None:
    assert "a is no tag of red-fox" in (told := workbench("tag", "red-fox", "--remove", "a").stderr)
    assert "tagged" not in told
    assert workbench("tag", "red-fox", "a").stderr == "red-fox tagged\n"
    assert workbench("tag", "--all", "name:red", "b", "--remove", "a").stderr == "2 runs tagged\na taken from red-fox\n"


def test_several_runs_are_tagged_by_their_names(workbench: Workbench, runs: list[str]) -> None:
    assert workbench("tag", "red-f", "red-hen", "red-fox", "keep", "team=vision").stderr == "2 runs tagged\n"
    assert listed(workbench, "tag:keep") == {"red-fox", "red-hen"} == listed(workbench, "tag:team=vision")
    assert workbench("tag", "red-fox", "red-hen", "--remove", "keep").stderr == "keep taken from 2 runs\n"
    assert not listed(workbench, "tag:keep")


def test_a_run_that_may_be_meant_as_a_tag(workbench: Workbench, runs: list[str]) -> None:
    assert workbench("tag", "red-fox", "red-hen=").returncode == 0
    assert listed(workbench, "tag:red-hen") == {"red-fox"}
    alone = workbench("tag", "red-fox", "red-hen")
    assert alone.returncode == ExitCode.USAGE and "no tag is named" in alone.stderr
    slip = workbench("tag", "--all", "name:fox", "keep", "red-hen")
    assert slip.returncode == ExitCode.USAGE and "red-hen is a run, and --all names the runs" in slip.stderr
    assert not listed(workbench, "tag:keep")


def test_a_note_is_written_shown_found_and_taken_away(workbench: Workbench, runs: list[str]) -> None:
    assert workbench("note", "red-fox", "diverged\nat step 3").returncode == 0
    assert workbench("note", "red-fox").stdout == "diverged\nat step 3\n"
    assert listed(workbench, "note:diverged") == {"red-fox"} == listed(workbench, "diverged")
    assert "diverged" in workbench("show", "red-fox").stdout
    assert workbench("note", "red-hen", "-", input="from a pipe\n").returncode == 0
    assert json.loads(workbench("show", "red-hen", "--json").stdout)["note"] == "from a pipe"
    assert workbench("note", "red-hen", "-", input="").returncode == ExitCode.USAGE
    assert workbench("note", "red-hen").stdout == "from a pipe\n"
    assert workbench("note", "red-fox", "").returncode == 0
    assert "has no note" in workbench("note", "red-fox").stderr


def test_archived_runs_are_out_of_lists_and_nothing_else(workbench: Workbench, runs: list[str]) -> None:
    assert workbench("archive", "red-fox", "blue").returncode == 0
    assert listed(workbench) == {"red-hen"}
    assert listed(workbench, "archived:yes") == {"red-fox", "blue-owl"}
    assert listed(workbench, "archived:all") == set(runs)
    assert listed(workbench, "name:hen | archived:yes") == set(runs), "each alternative says for itself"
    assert listed(workbench, "name:fox | name:hen -archived:yes") == {"red-hen"}
    assert workbench("show", "red-fox").returncode == 0
    assert workbench("archive", "--undo", "--all", "name:red").returncode == 0
    assert listed(workbench) == {"red-fox", "red-hen"}
    assert workbench("doctor", "--rebuild").returncode == 0
    assert listed(workbench, "archived:yes") == {"blue-owl"}, "edits are in a journal"
    assert workbench("archive", *runs).returncode == 0
    assert "no runs but 3 archived ones: workbench ls archived:yes" in workbench("ls").stderr


def test_names_with_blanks_are_asked_for_and_unknown_ones_are_told_of(workbench: Workbench, here: Path) -> None:
    logged = (
        "run.log({'val loss': %s, 'acc': 1.0}); run.set_tags({'my tag': 'x y'}); run.log_params({'batch size': 32})"
    )
    for name, loss in (("good", 0.5), ("bad", 2.0)):
        run_script(here, f"import workbench\nwith workbench.start_run(name={name!r}) as run: {logged % loss}")
    assert listed(workbench, '"val loss"<1') == listed(workbench, 'metric."val loss"<1') == {"good"}
    assert listed(workbench, '-"val loss"<1', 'param."batch size"=32', 'tags."my tag"="x y"') == {"bad"}
    unknown = workbench("ls", "val", "loss<1")
    assert "no run has a metric or parameter 'loss'; did you mean \"val loss\"?" in unknown.stderr
    assert "parameter 'accc'; did you mean acc?" in workbench("ls", "-accc>2").stderr
    for command in (("rm", "--yes"), ("tag", "lost"), ("archive",)):
        spared = workbench(command[0], "--all", '-"val los"<1', *command[1:])
        assert spared.returncode == ExitCode.USAGE and 'did you mean "val loss"?' in spared.stderr, command
    assert listed(workbench) == {"good", "bad"} and not listed(workbench, "tag:lost")
    assert workbench("rm", "--all", '-"val loss"<1', "--yes").returncode == 0
    assert listed(workbench) == {"good"}


def test_what_cannot_be_written_is_refused(workbench: Workbench, runs: list[str]) -> None:
    for words in (
        ("tag", "red-fox"),
        ("tag", "red-fox", "a=1", "--remove", "a"),
        ("tag", "red-fox", "--all", "name:red", "best"),
        ("tag", "--all", "", "best"),
        ("archive", "--all", " "),
        ("tag",),
        ("tag", "red-fox", "=x"),
        ("tag", "red-fox", "a\x1b[31m=x"),
        ("tag", "red-fox", "a=\x07"),
        ("note", "red-fox", "\x1b[2J"),
        ("archive",),
        ("ls", "archived:maybe"),
    ):
        done = workbench(*words)
        assert done.returncode == ExitCode.USAGE, words
        assert "Traceback" not in done.stderr and "\x1b" not in done.stderr, words
    assert json.loads(workbench("show", "red-fox", "--json").stdout)["tags"] == {}


def test_runs_are_compared_and_only_what_differs_is_shown(workbench: Workbench, job: Job) -> None:
    for name, rate in (("one", 0.1), ("two", 0.2)):
        file = job("echo ${{inputs.lr}}", f"name: {name}\ninputs: {{lr: {rate}, seed: 1}}\n")
        assert workbench("run", file).returncode == 0
    done = workbench("compare", "one", "two")
    assert done.returncode == 0
    assert "lr" in done.stdout and "(+0.1)" in done.stdout and "seed" not in done.stdout
    assert "seed" in workbench("compare", "one", "two", "--all").stdout
    told = json.loads(workbench("compare", "one", "two", "--baseline", "two", "--json").stdout)
    assert told["baseline"] == "two" and {row["name"] for row in told["rows"]} >= {"lr"}
    assert workbench("compare", "one").returncode == ExitCode.USAGE
    assert workbench("compare", "one", "nothing").returncode == ExitCode.NOT_FOUND


def test_arguments_may_stand_behind_options(workbench: Workbench, runs: list[str], here: Path) -> None:
    assert workbench("tag", "red-fox", "--remove", "a", "c=d").returncode == 0
    assert json.loads(workbench("show", "red-fox", "--json").stdout)["tags"] == {"c": "d"}
    assert workbench("compare", "red-fox", "--all", "red-hen").returncode == 0
    (here / "x.csv").write_text("1\n")
    assert workbench("data", "add", "rain", "--version", "9", "x.csv").returncode == 0
    assert "too many arguments: blue" in workbench("show", "red-fox", "--json", "blue").stderr
    assert workbench("note", "red-fox", "--workspace", ".", "- better than before").returncode == 0
    assert workbench("tag", "red-fox", "--remove", "c", "--", "e").returncode == 0
    assert json.loads(workbench("show", "red-fox", "--json").stdout)["tags"] == {"e": ""}


def test_secrets_in_code_are_not_shown(workbench: Workbench, job: Job, here: Path) -> None:
    code = here / "src"
    code.mkdir(exist_ok=True)
    for number in (1, 2):
        (code / ".env").write_text(f"DB_PASSWORD=hunter2secret{number}\n")
        (code / "cfg.py").write_text(f'API_KEY = "s3cr3t-value-{number}"\nsteps = {number}\n')
        assert workbench("run", job("true", f"name: c{number}\n")).returncode == 0
    told = workbench("compare", "c1", "c2", "--code").stdout
    assert "hunter2" not in told and "s3cr3t" not in told
    assert "cut out of the lines shown" in workbench("compare", "c1", "c2", "--code").stderr
    assert "+steps = 2" in told and ".env changed" in told and "left out" in told


def test_whatever_a_job_was_given_is_compared(workbench: Workbench, job: Job) -> None:
    extra = "name: one\nenvironment_variables: {SEED: '1'}\nlimits: {timeout: 60}\noutputs: {m: {}}\n"
    assert workbench("run", job("true", extra)).returncode == 0
    assert workbench("rerun", "one", "--set", "name=same").returncode == 0
    assert "nothing differs" in workbench("compare", "one", "same").stderr
    changes = ("environment_variables.SEED='2'", "limits.timeout=30")
    words = [word for change in changes for word in ("--set", change)]
    assert workbench("rerun", "one", "--set", "name=other", *words).returncode == 0
    shown = workbench("compare", "one", "other").stdout
    assert re.search(r"environment_variables\.SEED +1 +2", shown) and re.search(r"limits\.timeout +60 +30", shown)


def test_the_folder_of_a_run_is_told(workbench: Workbench, runs: list[str]) -> None:
    done = workbench("open", "red-fox")
    assert done.stdout.strip().endswith("/.workbench/runs/red-fox")


def test_a_run_is_run_again_and_followed(workbench: Workbench, job: Job) -> None:
    file = job("echo lr is ${{inputs.lr}}", "name: one\ninputs: {lr: 0.1}\n")
    assert workbench("run", file).returncode == 0
    done = workbench("rerun", "one", "--set", "inputs.lr=0.5", "--set", "name=two")
    assert done.returncode == 0 and done.stdout == "lr is 0.5\n"
    assert "two repeats one" in done.stderr
    detached = workbench("rerun", "two", "--detach")
    assert detached.returncode == 0 and detached.stdout.strip() in listed(workbench)
    assert workbench("rerun", "one", "--set", "inputs.zz=1").returncode == ExitCode.BAD_SPEC
    assert workbench("rerun", "nothing").returncode == ExitCode.NOT_FOUND


def test_a_repetition_says_whether_all_came_out_the_same(workbench: Workbench, job: Job) -> None:
    assert workbench("run", job("echo same > outputs/x", "name: one\n")).returncode == 0
    done = workbench("reproduce", "one")
    assert done.returncode == 0, done.stderr
    assert "came out the same" in done.stderr and "outputs/x" in done.stdout
    assert re.search(r"environment +key", done.stdout) is None  # it asks for no environment, so there is no key
    assert workbench("run", job("date +%s%N > outputs/x", "name: clock\n")).returncode == 0
    told = workbench("reproduce", "clock", "--json")
    assert told.returncode == ExitCode.DIFFERENT
    found = json.loads(told.stdout)
    assert found["same"] is False
    assert [one["name"] for one in found["outcomes"] if not one["same"]] == ["outputs/x"]
    assert workbench("reproduce", "clock", "--tolerance", "2").returncode == ExitCode.USAGE


def test_many_runs_are_changed_in_one_file(workbench: Workbench, runs: list[str], here: Path) -> None:
    before = set((here / ".workbench" / "journal").iterdir())
    assert workbench("tag", "--all", "name:red", "a", "--remove=-odd").returncode == 0
    assert len(set((here / ".workbench" / "journal").iterdir()) - before) == 1
    assert workbench("note", "red-fox", "--", "-5 dB").returncode == 0
    assert workbench("note", "red-fox").stdout == "-5 dB\n"


def test_a_run_says_what_it_goes_back_to(workbench: Workbench, runs: list[str], here: Path) -> None:
    again = workbench("rerun", "red-fox", "--detach").stdout.strip()
    assert "repeats red-fox" in workbench("show", again).stdout
    text = (
        "import workbench\nwith workbench.start_run(name='a', system_metrics=False) as run: run.log({'k': 1}, step=3)\n"
    )
    text += "workbench.start_run(fork='a', at_step=3, name='b', system_metrics=False).end()\n"
    assert run_script(here, text).returncode == 0
    assert "forked from a at step 3" in workbench("show", "b").stdout
