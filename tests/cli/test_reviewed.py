"""What reviewers found by using it: each line is one thing that went wrong once."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench.cli.exit_codes import ExitCode

from tests.cli.terminal import Workbench
from tests.permissions import without_override
from tests.small_disk import small_disk
from workbench import Workspace

Job = Callable[..., str]


@pytest.mark.parametrize(
    ("conda", "wanted"),
    [
        ("{dependencies: python}", "must be a list of packages"),
        ("{dependencies: 3}", "must be a list of packages"),
        ("{dependencies: {a: b}}", "must be a list of packages"),
        ("{dependencies: [{pip: idna}]}", "must be a list of requirements"),
        ("{dependencies: [{pip: 3}]}", "must be a list of requirements"),
        ("{dependencies: [[a, b]]}", "must be a package"),
        ("{dependencies: ['']}", "must be a package"),
        ("{dependencies: [{npm: [x]}]}", "no installer"),
    ],
)
def test_conda_definitions_of_the_wrong_shape(workbench: Workbench, here: Path, conda: str, wanted: str) -> None:
    (here / "job.yml").write_text(f"command: 'true'\nenvironment:\n  conda_file: {conda}\n")
    done = workbench("validate", "job.yml")
    assert done.returncode == ExitCode.BAD_SPEC and wanted in done.stdout and "job.yml:3" in done.stdout
    (here / "env.yml").write_text(conda)
    (here / "job.yml").write_text("command: 'true'\nenvironment:\n  conda_file: env.yml\n")
    done = workbench("validate", "job.yml")
    assert done.returncode == ExitCode.BAD_SPEC and wanted in done.stdout


@pytest.mark.parametrize("line", ["python=abc", "idna==", "pip: ['-r self.txt']", "pip: ['-r latin.txt']"])
def test_conda_lines_that_make_no_sense(workbench: Workbench, here: Path, line: str) -> None:
    (here / "self.txt").write_text("-r self.txt\n")
    (here / "latin.txt").write_bytes(b"# \xe4\n")
    item = f"{{{line}}}" if line.startswith("pip") else line
    (here / "job.yml").write_text(f"command: 'true'\nenvironment:\n  conda_file: {{dependencies: [{item}]}}\n")
    done = workbench("run", "job.yml")
    assert done.returncode == ExitCode.REFUSED, done.stderr
    assert "internal error" not in done.stderr


def test_a_pipe_that_is_closed_detaches_from_the_run(here: Path, job: Job) -> None:
    job("for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.2; done", "name: piped\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "run", "job.yml"],
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    narration = process.stderr.read()
    assert process.wait(60) == ExitCode.INTERRUPTED and "detached from piped" in narration


def test_filters_that_begin_with_a_dash_and_limits(workbench: Workbench, job: Job) -> None:
    assert workbench("run", job("true", "name: good\n")).returncode == 0
    assert workbench("run", job("false", "name: bad\n")).returncode == ExitCode.RUN_FAILED
    done = workbench("ls", "-state:failed", "--json")
    assert done.returncode == 0 and [run["name"] for run in json.loads(done.stdout)["runs"]] == ["good"]
    for limit in ("-1", "0", "x"):
        done = workbench("ls", "-n", limit)
        assert done.returncode == ExitCode.USAGE and "whole number" in done.stderr


def test_text_that_is_no_unicode_stops_no_listing(workbench: Workbench, here: Path) -> None:
    code = "import workbench\nwith workbench.start_run() as run: run.log_params({'p': 'x\\ud800'})"
    subprocess.run([sys.executable, "-c", code], cwd=here, check=True)
    (run,) = json.loads(workbench("ls", "--json").stdout)["runs"]
    assert run["params"]["p"] == "x?"


def test_downloads_into_places_that_will_not_do(workbench: Workbench, job: Job, here: Path) -> None:
    command = "mkfifo outputs/pipe && echo x > outputs/f"
    assert workbench("run", job(command, "name: piping\n")).returncode == 0
    (here / "file").write_text("")
    for place in ("file", "/proc/nowhere"):
        done = workbench("outputs", "piping", "--download", place)
        assert done.returncode == ExitCode.REFUSED and "cannot be copied" in done.stderr
    assert workbench("outputs", "piping", "--download", "there").returncode == 0
    assert (here / "there" / "artifacts" / "f").read_text() == "x\n"


def test_outputs_that_may_not_be_read_are_named(workbench: Workbench, job: Job, here: Path) -> None:
    text = "name: shut\noutputs:\n  m: {type: uri_folder}\n"
    assert workbench("run", job("echo x > ${{outputs.m}}/f", text)).returncode == 0
    (place,) = here.glob(".workbench/runs/shut/named-outputs/m")
    place.chmod(0)
    words = [*without_override(), sys.executable, "-m", "workbench", "outputs", "shut", "--download", "there"]
    done = subprocess.run(words, capture_output=True, text=True)
    place.chmod(0o700)
    assert done.returncode == ExitCode.REFUSED and "cannot be copied" in done.stderr, done.stderr


def test_a_run_without_outputs_or_media_leaves_nothing_and_says_so(workbench: Workbench, job: Job, here: Path) -> None:
    assert workbench("run", job("true", "name: bare\n")).returncode == 0
    for _ in range(2):
        done = workbench("outputs", "bare", "--download", "there")
        assert (done.returncode, done.stdout) == (0, "") and "has no outputs" in done.stderr
    assert not (here / "there").exists()
    for words in ((), ("--export", "media")):
        done = workbench("media", "bare", *words)
        assert (done.returncode, done.stdout) == (0, "") and "bare has logged none" in done.stderr
    assert not (here / "media").exists()


def test_a_compute_of_the_same_name_is_said_to_be_replaced(workbench: Workbench) -> None:
    workbench("compute", "add", "gpu", "--kind", "local", "--slots", "2")
    done = workbench("compute", "add", "gpu", "--kind", "local")
    assert "slots=2" in done.stderr and "replaced" in done.stderr


def test_a_folder_that_is_gone_and_a_disk_that_is_full(workbench: Workbench, job: Job, here: Path) -> None:
    gone = here / "gone"
    gone.mkdir()
    words = f"cd {gone} && rmdir {gone} && {sys.executable} -P -m workbench ls"
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True)
    assert done.returncode == ExitCode.WORKSPACE and "current folder" in done.stderr
    workbench("run", job("true", "name: one\n"))
    with open("/dev/full", "w") as full:
        listed = subprocess.run(
            [sys.executable, "-m", "workbench", "ls"], cwd=here, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert listed.returncode == ExitCode.WORKSPACE and "no room" in listed.stderr


def test_what_is_left_of_a_run_without_a_record_is_named_and_may_be_removed(
    workbench: Workbench, job: Job, here: Path
) -> None:
    workbench("run", job("true", "name: one\n"))
    assert workbench("ls").returncode == 0
    shutil.rmtree(here / ".workbench/runs/one/journal")
    done = workbench("doctor", "--rebuild", "--losing")
    assert done.returncode == ExitCode.PROBLEMS and "workbench rm one" in workbench("doctor").stdout
    shown = workbench("show", "one")
    assert shown.returncode == ExitCode.NOT_FOUND and "nothing is recorded of run one any more" in shown.stderr
    assert workbench("rm", "one").returncode == 0 and "problem" not in workbench("doctor").stdout
    assert workbench("restore", "one").returncode == 0 and workbench("rm", "one").returncode == 0
    assert workbench("gc", "--yes").returncode == 0
    assert workbench("run", job("true", "name: one\n")).returncode == 0, "its name is free again"


def test_outputs_that_were_copied_in_part_are_not_in_the_way(workbench: Workbench, job: Job, here: Path) -> None:
    workbench("run", job("seq 100000 > outputs/big", "name: one\n"))
    with small_disk(here / "disk", 256 * 1024) as disk:
        done = workbench("outputs", "one", "--download", "disk/there")
        assert done.returncode != 0 and not [path for path in disk.rglob("*") if path.is_file()]
    assert workbench("outputs", "one", "--download", "disk/there").returncode == 0
    assert len((here / "disk/there/artifacts/big").read_text().splitlines()) == 100_000


def test_a_folder_that_may_not_be_written_is_downloaded(workbench: Workbench, job: Job, here: Path) -> None:
    workbench("run", job("mkdir outputs/sub; echo 1 > outputs/sub/a; chmod 555 outputs/sub outputs", "name: one\n"))
    words = [sys.executable, "-m", "workbench", "outputs", "one", "--download", "there"]
    done = subprocess.run([*without_override(), *words], cwd=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (here / "there/artifacts/sub/a").exists() and len(list((here / "there").iterdir())) == 1


def test_of_two_downloads_to_one_place_one_is_whole_and_the_other_refused(
    workbench: Workbench, job: Job, here: Path
) -> None:
    workbench("run", job("for n in $(seq 1500); do echo $n > outputs/$n; done", "name: one\n"))
    words = [sys.executable, "-m", "workbench", "outputs", "one", "--download", "there"]
    both = [subprocess.Popen(words, cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    told = [one.communicate()[1] for one in both]
    assert sorted(one.returncode for one in both) == [0, ExitCode.REFUSED], told
    assert len(list((here / "there/artifacts").iterdir())) == 1500
    assert [path.name for path in (here / "there").iterdir()] == ["artifacts"]


def test_a_run_is_followed_to_its_end_where_nothing_can_be_shown_of_it(job: Job, here: Path) -> None:
    """Whoever waits for it hears how it ended, and starts it no second time."""
    words = [sys.executable, "-m", "workbench", "run", job("seq 5; exit 3", "name: one\n")]
    for both in (False, True):
        with open("/dev/full", "w") as full:
            done = subprocess.run(words, cwd=here, stdout=full, stderr=full if both else subprocess.PIPE, text=True)
        assert done.returncode == ExitCode.RUN_FAILED
        words[-1] = job("seq 5; exit 3", "name: two\n")
        if not both:
            assert done.stderr.count("there is no room on the disk for what is shown here; one goes on") == 1
    assert Workspace(here).run("one").logs() == "1\n2\n3\n4\n5\n"


def test_doctor_tells_of_a_run_whose_journals_are_gone(workbench: Workbench, job: Job, here: Path) -> None:
    workbench("run", job("true", "name: one\n"))
    assert workbench("ls").returncode == 0
    os.rename(here / ".workbench" / "runs" / "one", here / "aside")
    done = workbench("doctor")
    assert done.returncode == ExitCode.PROBLEMS and "journals of run one are gone" in done.stdout
